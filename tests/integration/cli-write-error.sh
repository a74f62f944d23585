# Output that cannot be written is an error of its own, and the command ends.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -n "$host" -- "echo \$\$ >$work/pid; while :; do echo x; done" >/dev/full 2>"$work/err"
expect '/dev/full' '74' "$?"
expect_text 'says why' 'No space left' "$work/err"
await 'gone "$(cat "$work/pid")"'
run -n "$host" -- 'echo x' >&- 2>"$work/err"
expect 'closed standard output' '74' "$?"
run -n "$host" -- 'exit 5' >&-
expect 'closed, and nothing to write' '5' "$?"
winrmc --help >/dev/full 2>/dev/null
expect 'help' '74' "$?"
