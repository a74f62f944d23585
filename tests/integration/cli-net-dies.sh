# When winrmd-net dies under a command, winrmc goes on where it was: nothing is missing or
# twice, and the exit code is the command's.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -n "$host" -- "echo before; echo \$\$ >$work/pid; until [ -e $work/go-on ]; do sleep 0.02; done; echo after; exit 7" \
    >"$work/out" 2>"$work/err" &
client=$!
await '[ -s "$work/pid" ]'
net=
for child in $(cat "/proc/$service/task/$service/children"); do
    [ "$(cat "/proc/$child/comm")" != winrmd-net ] || net=$child
done
kill -9 "$net"
gone "$(cat "$work/pid")"
expect 'the command lives' '1' "$?"
: >"$work/go-on"
wait "$client"
expect 'exit code' '7' "$?"
printf 'before\nafter\n' >"$work/wanted"
expect 'output' "$(cat "$work/wanted")" "$(cat "$work/out")"
