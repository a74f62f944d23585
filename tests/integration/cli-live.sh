# Nothing is held back: the answer to a line of input is there before the next line is
# written, and output is there while the command still runs.
. "$(dirname "$0")/cli-lib.sh"
start_service
mkfifo "$work/in"
exec 6<>"$work/in"
# In a shell of its own: a function's redirections keep a hidden copy of what they close.
(
    exec 6>&-
    run "$host" -- 'while read line; do echo "got $line"; done' <"$work/in" >"$work/out"
) &
client=$!
for word in one two three; do
    echo "$word" >&6
    await 'grep -q "got $word" "$work/out"'
    echo "ok: answer to $word"
done
exec 6>&-
wait "$client"
expect 'exit code after the end of the input' '0' "$?"
