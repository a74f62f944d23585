# --env and --directory reach the command; a directory that does not exist is a refusal.
. "$(dirname "$0")/cli-lib.sh"
start_service
expect 'variables' 'one|two words||=x=' \
    "$(run -n -e A=one --env 'B=two words' -e C= -e D==x= "$host" -- 'echo "$A|$B|$C|$D"')"
mkdir "$work/a folder"
expect 'directory' "$work/a folder" "$(run -n -C "$work/a folder" "$host" -- pwd)"
expect 'directory with --exec' "$work/a folder" "$(run -n --exec -C "$work/a folder" "$host" -- pwd)"
run -n -C "$work/none" "$host" -- pwd 2>"$work/err"
expect 'a directory that does not exist' '70' "$?"
expect_text 'the host is named' "winrmc: $address: " "$work/err"
