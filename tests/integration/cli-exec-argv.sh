# --exec hands the arguments over untouched; a program that does not exist is a refusal.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -n --exec "$host" -- printf '<%s>' 'a  b' '$HOME' '' "it's" '"q"' '*' ' x ' '<&>' >"$work/out"
expect 'exit code' '0' "$?"
expect 'arguments' "<a  b><\$HOME><><it's><\"q\"><*>< x ><<&>>" "$(cat "$work/out")"
expect 'a newline in an argument' "$(printf 'a\nb')" "$(run -n --exec "$host" -- printf %s "$(printf 'a\nb')")"
expect 'a carriage return and a tab' "$(printf 'a\r\tb\r')" "$(run -n --exec "$host" -- printf %s "$(printf 'a\r\tb\r')")"
run -n --exec "$host" -- printf %s "$(printf 'a\033b')" 2>"$work/err"
expect 'a character that XML cannot carry' '64' "$?"
expect_text 'says so' 'character that XML cannot carry' "$work/err"
run -n --exec "$host" -- printf %s "$(printf 'a\357\277\277b')" 2>"$work/err"
expect 'U+FFFF, which it cannot carry either' '64' "$?"
expect 'options of the command' '-n --exec -- x' "$(run -n --exec "$host" -- printf '%s %s %s %s' -n --exec -- x)"
run -n --exec "$host" -- /nonexistent/program 2>"$work/err"
expect 'unknown program' '70' "$?"
expect_text 'the host is named' "winrmc: $address: " "$work/err"
run -n --exec "$host" -- sh -c 'exit 3'
expect 'exit code of a program' '3' "$?"
