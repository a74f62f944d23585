# A shell that another client holds: attach says so, --take takes it, and the other client
# ends with 75. detach makes a client let go.
. "$(dirname "$0")/cli-lib.sh"
start_service
begin first run -n "$host" -- "echo begun; until [ -e $work/go ]; do sleep 0.05; done
    echo ended; exit 6"
first=$client
await '[ -s "$work/first.out" ]'
id=$(rc ps "$host" | awk '/^[0-9A-F]/ { print $1 }')
rc attach -n "$host" "$id" >"$work/out" 2>"$work/err"
expect 'plain attach' '70' "$?"
expect_text 'it names the holder' "shell $id is held by session " "$work/err"
expect_text 'and the way' '--take' "$work/err"

begin second attach -n --take --resume-at 6 "$host" "$id"
second=$client
wait "$first"
expect 'the client that it was taken from' '75' "$?"
expect_text 'it says why' 'another client has ' "$work/first.err"
rc detach "$host" "$id" 2>"$work/err"
expect 'detach' '0' "$?"
wait "$second"
expect 'the client that was made to let go' '75' "$?"
expect_text 'it says why' 'another client has ' "$work/second.err"
touch "$work/go"
rc attach -n --resume-at 6 "$host" "$id" >"$work/third.out"
expect 'exit code of the command' '6' "$?"
expect 'its output' "$(printf 'begun\nended')" \
    "$(cat "$work/first.out" "$work/second.out" "$work/third.out")"
