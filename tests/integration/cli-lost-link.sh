# SIGKILL of winrmd-net during a run: one line when the link is lost and one when it is
# back, the output complete, the exit code right. And a service that does not come back.
. "$(dirname "$0")/cli-lib.sh"
start_service
begin first run -n "$host" -- "seq 1 3000000; until [ -e $work/go ]; do sleep 0.05; done
    seq 1 100; exit 8"
await '[ "$(stat -c %s "$work/first.out")" -gt 2000000 ]'
kill -KILL "$(child winrmd-net)"
# Between two requests a new connection is all it takes, and there is nothing to be said.
# With all of it written, a request for more is waiting for its answer.
size=$(seq 1 3000000 | wc -c)
await '[ "$(stat -c %s "$work/first.out")" -ge "$size" ]'
await 'rc ps -v "$host" 2>"$work/ps" | grep -q "stdout .* served=$size "'
lost=$(count "$work/first.err" "the link is lost")
kill -KILL "$(child winrmd-net)"
await '[ "$(count "$work/first.err" "the link is back after ")" = $((lost + 1)) ]'
touch "$work/go"
wait "$client"
expect 'exit code' '8' "$?"
{ seq 1 3000000; seq 1 100; } | cmp - "$work/first.out"
expect 'every byte once' '0' "$?"
expect 'a line for each loss' "$((lost + 1))" \
    "$(count "$work/first.err" "$address: the link is lost; trying again for 240 s")"
expect 'and each return, and no other' "$((2 * lost + 2))" "$(wc -l <"$work/first.err")"

rm "$work/go"
begin second run -n --retry-time 1 "$host" -- "echo begun; until [ -e $work/go ]; do sleep 0.05; done
    echo ended; exit 9"
await '[ -s "$work/second.out" ]'
net=$(child winrmd-net)
kill -KILL "$service"
kill -KILL "$net"
wait "$client"
expect 'a service that stays away' '75' "$?"
expect_text 'says so' 'the link did not come back' "$work/second.err"
touch "$work/go"
was=$address
exec 8<>"$work/starter"
launch 7<"$work/starter" 8>&-
exec 8>&-
expect 'the service is back at its address' "$was" "$address"
eval "$(attach_line "$work/second.err")" -n >>"$work/second.out"
expect 'exit code of the command' '9' "$?"
expect 'its output' "$(printf 'begun\nended')" "$(cat "$work/second.out")"
