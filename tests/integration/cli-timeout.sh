# --timeout ends the call with 124, and the command with it.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -n --timeout 0.5 "$host" -- "echo \$\$ >$work/pid; echo begun; exec sleep 1000" \
    >"$work/out" 2>"$work/err"
expect 'exit code' '124' "$?"
expect 'output up to then' 'begun' "$(cat "$work/out")"
expect_text 'the host is named' "$address" "$work/err"
await 'gone "$(cat "$work/pid")"'
echo 'ok: the command has ended'
run -n --timeout 100 "$host" -- 'exit 9'
expect 'a command that is faster' '9' "$?"
