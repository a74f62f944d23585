# When the service dies under a command, winrmc ends with 69 and names the shell, and the
# command lives on. -v tells the id of the shell beforehand.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -vn "$host" -- "echo \$\$ >$work/pid; exec sleep 1000" 2>"$work/err" &
client=$!
await '[ -s "$work/pid" ]'
shell=$(sed -n 's/.* shell \([0-9A-F-]*\) created$/\1/p' "$work/err")
net=
for child in $(cat "/proc/$service/task/$service/children"); do
    [ "$(cat "/proc/$child/comm")" != winrmd-net ] || net=$child
done
kill -9 "$net"
wait "$client"
expect 'exit code' '69' "$?"
tail -n 1 "$work/err" >"$work/last"
expect_text 'the shell is named' "$shell" "$work/last"
expect_text 'the host is named' "winrmc: $address: " "$work/last"
gone "$(cat "$work/pid")"
expect 'the command lives' '1' "$?"
