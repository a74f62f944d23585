# With --buffer drop a command that nobody looks at runs to its end, and the newest output is
# kept and the rest counted; with block it waits.
. "$(dirname "$0")/cli-lib.sh"
start_service
seq 1 2000000 >"$work/wanted"
id=$(run --detach --buffer drop "$host" -- 'seq 1 2000000; exit 4')
await 'rc ps "$host" | grep -q " Done/4 "'
rc attach -n "$host" "$id" >"$work/out" 2>"$work/err"
expect 'exit code' '4' "$?"
expect 'the newest line is there' '2000000' "$(tail -n 1 "$work/out")"
size=$(stat -c %s "$work/out")
tail -c "$size" "$work/wanted" | cmp - "$work/out"
expect 'all is from the end' '0' "$?"
missing=$(($(stat -c %s "$work/wanted") - size))
expect_text 'what is missing is counted' \
    ": $missing bytes of standard output and 0 of standard error were dropped" "$work/err"

id=$(run --detach --buffer block "$host" -- "seq 1 2000000; touch $work/through; exit 4")
await '[ "$(rc ps --json "$host" | grep -c "\"end\":0")" = 0 ] || rc ps --json "$host" | grep -q "\"end\":[0-9]\{6\}"'
rc attach -n "$host" "$id" >"$work/out" 2>"$work/err"
expect 'exit code' '4' "$?"
cmp "$work/wanted" "$work/out"
expect 'all of it' '0' "$?"
expect 'nothing is said' '' "$(cat "$work/err")"

# detach can choose as well.
begin held run -n "$host" -- "until [ -e $work/go ]; do sleep 0.05; done; seq 1 2000000; exit 2"
await 'rc ps "$host" | grep -q " Running "'
id=$(rc ps "$host" | awk '/^[0-9A-F]/ { print $1 }')
rc detach --buffer drop --idle-timeout 1h "$host" "$id"
expect 'detach' '0' "$?"
wait "$client"
expect_text 'the idle time-out' '"idleTimeoutMs":3600000' "$(rc ps --json "$host" >"$work/json"; echo "$work/json")"
touch "$work/go"
await 'rc ps "$host" | grep -q " Done/2 "'
echo 'ok: it ran to its end'
rc kill "$host" "$id"
