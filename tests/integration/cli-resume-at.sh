# SIGKILL of winrmc in the middle of its output: the size of the file is where attach goes
# on, and nothing is missing or doubled.
. "$(dirname "$0")/cli-lib.sh"
start_service
begin first run -n "$host" -- "seq 1 6000000; until [ -e $work/go ]; do sleep 0.05; done
    seq 1 100; exit 8"
await '[ "$(stat -c %s "$work/first.out")" -gt 3000000 ]'
kill -KILL "$client"
wait "$client"
id=$(rc ps "$host" | awk '/^[0-9A-F]/ { print $1 }')
total=$(seq 1 6000000 | wc -c) # a fast client may have it all before it is killed
for round in 1 2; do # and once more in the middle of the second client's
    size=$(stat -c %s "$work/first.out")
    enough=$((size + 2000000 < total ? size + 2000000 : total))
    env --default-signal=INT winrmc attach --password-file "$work/password" -n --take \
        --resume-at "$size" "$host" "$id" >>"$work/first.out" 2>"$work/err" &
    client=$!
    await '[ "$(stat -c %s "$work/first.out")" -ge "$enough" ] || gone "$client"'
    kill -KILL "$client"
    wait "$client"
done
touch "$work/go"
rc attach -n --take --resume-at "$(stat -c %s "$work/first.out")" "$host" "$id" \
    >>"$work/first.out" 2>"$work/err"
expect 'exit code of the command' '8' "$?"
expect 'nothing on standard error' '' "$(cat "$work/err")"
{ seq 1 6000000; seq 1 100; } >"$work/wanted"
expect 'size' "$(stat -c %s "$work/wanted")" "$(stat -c %s "$work/first.out")"
cmp "$work/wanted" "$work/first.out"
expect 'every byte once' '0' "$?"

id=$(run --detach "$host" -- 'echo word; exit 2')
rc attach -n --resume-at 6 "$host" "$id" 2>"$work/err"
expect 'an offset that was never served' '70' "$?"
rc attach -n --resume-at 0,0 "$host" "$id" >"$work/out"
expect 'which loses nothing' '2' "$?"
expect 'of its output' 'word' "$(cat "$work/out")"
