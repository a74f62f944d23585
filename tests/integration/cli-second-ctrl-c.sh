# A second Ctrl-C within two seconds leaves the command running; the line that winrmc prints
# goes on with it where it was.
. "$(dirname "$0")/cli-lib.sh"
start_service
begin first run -vn "$host" -- "trap '' INT; echo begun; until [ -e $work/go ]; do sleep 0.05; done
    echo ended; exit 5"
await '[ -s "$work/first.out" ]'
kill -INT "$client"
await 'grep -q "Ctrl-C sent; once more leaves" "$work/first.err"'
await 'grep -q "Ctrl-C is the command.s again" "$work/first.err"'
kill -INT "$client"
await '[ "$(count "$work/first.err" "Ctrl-C sent")" = 2 ]'
echo 'ok: later than two seconds it goes to the command again'
kill -INT "$client"
wait "$client"
expect 'exit code' '75' "$?"
line=$(attach_line "$work/first.err")
expect 'the line' "winrmc attach --password-file $work/password --resume-at 6,0 $host" "${line% *}"
touch "$work/go"
eval "$line" -n >"$work/second.out" 2>"$work/second.err"
expect 'exit code of the command' '5' "$?"
expect 'the rest of its output' 'ended' "$(cat "$work/second.out")"

# With a service of its own there is nothing to come back to.
env --default-signal=INT winrmc -v --local run -n -- "echo \$\$ >$work/pid.new
    mv $work/pid.new $work/pid; trap '' INT; while :; do sleep 0.1; done" 2>"$work/err" &
client=$!
await '[ -s "$work/pid" ]'
kill -INT "$client"
await 'grep -q "Ctrl-C sent; once more ends" "$work/err"'
kill -INT "$client"
wait "$client"
expect 'exit code with --local' '130' "$?"
await 'gone "$(cat "$work/pid")"'
