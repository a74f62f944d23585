# Output that cannot be written is an error of its own: the command is left with it, and who
# attaches gets what was not written. With a service of its own the command ends.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -n "$host" -- "echo word; exit 3" >/dev/full 2>"$work/err"
expect '/dev/full' '74' "$?"
expect_text 'says why' 'No space left' "$work/err"
eval "$(attach_line "$work/err")" -n >"$work/out"
expect 'the command'\''s exit code comes later' '3' "$?"
expect 'and its output' 'word' "$(cat "$work/out")"

# A file that may not grow beyond 512 KiB; the write that meets the limit is cut off.
cat >"$work/limited" <<SCRIPT
trap '' XFSZ
ulimit -f 1024
exec winrmc run --password-file $work/password -n $host -- 'seq 1 300000; exit 4' >$work/part
SCRIPT
sh "$work/limited" 2>"$work/err"
expect 'a file that may not grow' '74' "$?"
expect_text 'says why' 'File too large' "$work/err"
size=$(stat -c %s "$work/part")
expect_text 'it knows what was written' "--resume-at $size,0 " "$work/err"
eval "$(attach_line "$work/err")" -n >>"$work/part"
expect 'exit code of the command' '4' "$?"
seq 1 300000 | cmp - "$work/part"
expect 'every byte once' '0' "$?"

run -n "$host" -- 'echo x' >&- 2>"$work/err"
expect 'closed standard output' '74' "$?"
run -n "$host" -- 'exit 5' >&-
expect 'closed, and nothing to write' '5' "$?"
winrmc --local run -n -- "echo \$\$ >$work/pid; while :; do echo x; done" >/dev/full 2>"$work/err"
expect '/dev/full with --local' '74' "$?"
await 'gone "$(cat "$work/pid")"'
winrmc --help >/dev/full 2>/dev/null
expect 'help' '74' "$?"
