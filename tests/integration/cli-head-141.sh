# When nobody reads the output any more, the command ends and winrmc dies by SIGPIPE, as the
# writer of a local pipe does.
. "$(dirname "$0")/cli-lib.sh"
start_service
line=$({
    run -n "$host" -- "echo \$\$ >$work/pid; while :; do echo line; done" 2>"$work/err"
    echo $? >"$work/status"
} | head -n 1)
expect 'the line' 'line' "$line"
await '[ -s "$work/status" ]'
expect 'exit code' '141' "$(cat "$work/status")"
expect 'silence' '' "$(cat "$work/err")"
await 'gone "$(cat "$work/pid")"'
echo 'ok: the command has ended'
