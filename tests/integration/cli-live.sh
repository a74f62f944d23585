# Nothing is held back: the answer to a line of input is there before the next line is
# written, and output is there while the command still runs.
. "$(dirname "$0")/cli-lib.sh"
start_service
mkfifo "$work/in"
exec 6<>"$work/in"
run "$host" -- 'while read line; do echo "got $line"; done' <"$work/in" 6>&- >"$work/out" &
client=$!
for word in one two three; do
    echo "$word" >&6
    await 'grep -q "got $word" "$work/out"'
    echo "ok: answer to $word"
done
exec 6>&-
wait "$client"
expect 'exit code after the end of the input' '0' "$?"
