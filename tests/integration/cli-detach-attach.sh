# run --detach leaves a command and prints the shell's id alone; attach goes on with it: its
# output once, its exit code, and the shell is deleted.
. "$(dirname "$0")/cli-lib.sh"
start_service
id=$(run --detach "$host" -- "echo one; until [ -e $work/go ]; do sleep 0.05; done
    echo two; echo error >&2; exit 7" 2>"$work/err")
expect 'exit code of run --detach' '0' "$?"
expect 'nothing on standard error' '' "$(cat "$work/err")"
expect 'the id alone' '' "$(printf %s "$id" | tr -d '0-9A-F-')"
expect 'in its length' '36' "${#id}"
expect 'ps lists it' "$id Disconnected" "$(rc ps "$host" | awk '/^[0-9A-F]/ { print $1, $2 }')"
touch "$work/go"
rc attach -n "$host" "$id" >"$work/out" 2>"$work/err"
expect 'exit code of the command' '7' "$?"
expect 'its output, from the beginning' "$(printf 'one\ntwo')" "$(cat "$work/out")"
expect 'its standard error' 'error' "$(cat "$work/err")"
expect 'the shell is gone' '1' "$(rc ps "$host" | wc -l)"
rc attach -n "$host" "$id" 2>"$work/err"
expect 'a second attach' '70' "$?"
expect_text 'says what is wrong' "no shell $id" "$work/err"

id=$(run --detach "$host" -- 'cat; echo end; exit 3' <"$work/password")
await 'rc ps "$host" | grep -q "$id.* Done/3 "'
echo 'ok: the input of a detached command is empty'
rc attach -n "$host" "$(printf %.8s "$id" | tr A-F a-f)" >"$work/out"
expect 'exit code of a command that has ended' '3' "$?"
expect 'its output' 'end' "$(cat "$work/out")"

winrmc --local run --detach -- true 2>"$work/err"
expect '--local' '64' "$?"
