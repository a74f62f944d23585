# kill deletes a shell with all it runs, held or not; the client that holds it learns of it.
. "$(dirname "$0")/cli-lib.sh"
start_service
start="echo \$\$ >$work/pid.new; mv $work/pid.new $work/pid; exec sleep 1000"
id=$(run --detach "$host" -- "$start")
await '[ -s "$work/pid" ]'
rc kill "$host" "$id" >"$work/out" 2>"$work/err"
expect 'kill' '0' "$?"
expect 'says nothing' '' "$(cat "$work/out" "$work/err")"
await 'gone "$(cat "$work/pid")"'
echo 'ok: the command has ended'
rc kill "$host" "$id" 2>"$work/err"
expect 'a second time' '70' "$?"

rm "$work/pid"
begin held run -n "$host" -- "$start"
await '[ -s "$work/pid" ]'
id=$(rc ps "$host" | awk '/^[0-9A-F]/ { print $1 }')
rc kill "$host" "$id"
expect 'kill of a shell that is held' '0' "$?"
wait "$client"
expect 'its holder' '70' "$?"
await 'gone "$(cat "$work/pid")"'
