# The first Ctrl-C goes to the command, the second deletes the shell; SIGTERM and SIGHUP
# delete it at once. env --default-signal: a shell's background jobs ignore SIGINT.
. "$(dirname "$0")/cli-lib.sh"
start_service

# start COMMAND: in the background, until it has written its pid
start() {
    rm -f "$work/pid" "$work/err"
    env --default-signal=INT,HUP winrmc run -vn --password-file "$work/password" "$host" -- \
        "$1; echo \$\$ >$work/pid.new; mv $work/pid.new $work/pid; while :; do sleep 0.1; done" \
        >"$work/out" 2>"$work/err" &
    client=$!
    await '[ -s "$work/pid" ]'
    pid=$(cat "$work/pid")
}

start 'trap "echo caught; exit 3" INT'
kill -INT "$client"
wait "$client"
expect 'the exit code after one Ctrl-C is the command'\''s' '3' "$?"
expect 'its output came too' 'caught' "$(cat "$work/out")"

start ':'
kill -INT "$client"
wait "$client"
expect 'a command without a trap is ended by SIGINT' '130' "$?"

start 'trap "" INT'
kill -INT "$client"
await 'grep -q "Ctrl-C sent" "$work/err"'
gone "$pid"
expect 'the command that ignores it lives' '1' "$?"
kill -INT "$client"
wait "$client"
expect 'two Ctrl-C' '130' "$?"
await 'gone "$pid"'
echo 'ok: its shell was deleted'

for pair in TERM:143 HUP:129; do
    start ':'
    kill -"${pair%:*}" "$client"
    wait "$client"
    expect "SIG${pair%:*}" "${pair#*:}" "$?"
    await 'gone "$pid"'
    echo 'ok: its shell was deleted'
done
