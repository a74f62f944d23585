# Standard input reaches the command with its end, from every kind of descriptor; a command
# that does not read it is no failure.
. "$(dirname "$0")/cli-lib.sh"
start_service
expect 'pipe' 'abc' "$(printf abc | run "$host" -- cat)"
echo 'from a file' >"$work/input"
expect 'file' 'from a file' "$(run "$host" -- cat <"$work/input")"
expect 'empty pipe' '0' "$(printf '' | run "$host" -- wc -c)"
expect '/dev/null' '0' "$(run "$host" -- wc -c </dev/null)"
expect 'closed descriptor' '0' "$(run "$host" -- wc -c <&-)"
expect '-n leaves the input to the next reader' 'mine' "$(echo mine | { run -n "$host" -- wc -c >"$work/n"; cat; })"
expect '-n reads nothing' '0' "$(cat "$work/n")"
head -c 3000000 /dev/zero | run "$host" -- true 2>"$work/err"
expect 'unread input: exit code' '0' "$?"
expect 'unread input: silence' '' "$(cat "$work/err")"
run "$host" -- 'cat; exit 5' </ 2>"$work/err"
expect 'a folder as input counts as empty' '5' "$?"
expect_text 'and is named' 'standard input' "$work/err"
