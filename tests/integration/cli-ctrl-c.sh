# The first Ctrl-C goes to the command, and its exit code comes back.
. "$(dirname "$0")/cli-lib.sh"
start_service

# start COMMAND: in the background, until it has written its pid
start() {
    rm -f "$work/pid"
    begin run run -vn "$host" -- \
        "$1; echo \$\$ >$work/pid.new; mv $work/pid.new $work/pid; while :; do sleep 0.1; done"
    await '[ -s "$work/pid" ]'
    pid=$(cat "$work/pid")
}

start 'trap "echo caught; exit 3" INT'
kill -INT "$client"
wait "$client"
expect 'the exit code after one Ctrl-C is the command'\''s' '3' "$?"
expect 'its output came too' 'caught' "$(cat "$work/run.out")"

start ':'
kill -INT "$client"
wait "$client"
expect 'a command without a trap is ended by SIGINT' '130' "$?"

start 'trap "" INT'
kill -INT "$client"
await 'grep -q "Ctrl-C sent" "$work/run.err"'
gone "$pid"
expect 'the command that ignores it lives' '1' "$?"
kill -TERM "$client"
wait "$client"
expect 'SIGTERM leaves it' '75' "$?"
