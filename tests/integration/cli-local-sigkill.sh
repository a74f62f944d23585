# Killing winrmc --local with SIGKILL ends the private service, its hosts and the command.
. "$(dirname "$0")/cli-lib.sh"
WINRMC_MARK=$work winrmc --local run -n -- "echo \$\$ >$work/pid; exec sleep 1000" &
client=$!
await '[ -s "$work/pid" ]'
pid=$(cat "$work/pid")
host_pid=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")
pids=
for folder in /proc/[0-9]*; do
    [ "${folder#/proc/}" != "$client" ] || continue
    ! grep -qs "WINRMC_MARK=$work" "$folder/environ" || pids="$pids ${folder#/proc/}"
done
[ -n "$pids" ]
expect 'the service runs' '0' "$?"
kill -9 "$client"
wait "$client" 2>/dev/null
for process in $pids $host_pid $pid; do
    await 'gone "$process"'
done
echo 'ok: all have ended'
