# wait prints the output and ends with the exit code; Ctrl-C ends the waiting, not the command.
. "$(dirname "$0")/cli-lib.sh"
start_service
id=$(run --detach "$host" -- "trap 'echo caught' INT; echo begun
    until [ -e $work/go ]; do sleep 0.05; done; echo ended; exit 12")
begin first wait "$host" "$id"
await '[ -s "$work/first.out" ]'
kill -INT "$client"
wait "$client"
expect 'Ctrl-C' '75' "$?"
expect_text 'says how to attach' 'attach with: winrmc attach ' "$work/first.err"
touch "$work/go"
rc wait --resume-at 6 "$host" "$id" <"$work/password" >"$work/second.out" 2>"$work/second.err"
expect 'exit code' '12' "$?"
expect 'the command was not interrupted' "$(printf 'begun\nended')" \
    "$(cat "$work/first.out" "$work/second.out")"
rc wait "$host" "$id" 2>"$work/err"
expect 'its result was taken' '70' "$?"
