# A reader that does not read holds the command, but not winrmc: SIGTERM still ends it, with
# its shell deleted (which -v says), and so does --timeout.
. "$(dirname "$0")/cli-lib.sh"
start_service
mkfifo "$work/fifo"
exec 5<>"$work/fifo"
flood="echo \$\$ >$work/pid; exec head -c 100000000 /dev/zero"

winrmc run -vn --password-file "$work/password" "$host" -- "$flood" >"$work/fifo" 2>"$work/err" &
client=$!
# A pipe takes 64 KiB; with the first byte seen the rest soon stands in front of it.
await '[ -s "$work/pid" ]'
head -c 1 <&5 >"$work/byte"
kill -TERM "$client"
wait "$client"
expect 'SIGTERM' '143' "$?"
expect_text 'the shell was deleted' ' deleted' "$work/err"
await 'gone "$(cat "$work/pid")"'

run -vn --timeout 0.5 "$host" -- "$flood" >"$work/fifo" 2>"$work/err"
expect '--timeout' '124' "$?"
expect_text 'the shell was deleted' ' deleted' "$work/err"
await 'gone "$(cat "$work/pid")"'
exec 5>&-
