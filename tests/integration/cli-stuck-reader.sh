# A reader that does not read holds the command, but not winrmc: SIGTERM leaves the command
# with what was not written, or ends it, with its shell deleted (which -v says), and so does
# --timeout.
. "$(dirname "$0")/cli-lib.sh"
start_service
mkfifo "$work/fifo"
exec 5<>"$work/fifo"
flood="echo \$\$ >$work/pid; exec head -c 100000000 /dev/zero"

# flood NAME OPTION...: in the background
flood() {
    name=$1
    shift
    winrmc run -vn "$@" --password-file "$work/password" "$host" -- "$flood" \
        >"$work/fifo" 2>"$work/$name.err" &
    client=$!
}

flood left
await '[ -s "$work/pid" ]'
dd bs=1 count=1 <&5 >"$work/first" 2>"$work/dd"
kill -TERM "$client"
wait "$client"
expect 'SIGTERM' '75' "$?"
# What stands in the pipe and the byte that was read were written, and nothing else.
written=$(sed -n 's/.* --resume-at \([0-9]*\),0 .*/\1/p' "$work/left.err")
dd bs=1 count=$((written - 1)) <&5 2>"$work/dd" | cat >"$work/rest"
expect 'what it says to have written' "$written" "$(cat "$work/first" "$work/rest" | wc -c)"
eval "$(attach_line "$work/left.err")" -n >"$work/out"
expect 'all in all' '100000000' "$(cat "$work/first" "$work/rest" "$work/out" | wc -c)"
rm "$work/pid"

flood err --on-hangup kill
# A pipe takes 64 KiB; with the first byte seen the rest soon stands in front of it.
await '[ -s "$work/pid" ]'
head -c 1 <&5 >"$work/byte"
kill -TERM "$client"
wait "$client"
expect 'SIGTERM' '143' "$?"
expect_text 'the shell was deleted' ' deleted' "$work/err.err"
await 'gone "$(cat "$work/pid")"'

run -vn --timeout 0.5 "$host" -- "$flood" >"$work/fifo" 2>"$work/err"
expect '--timeout' '124' "$?"
expect_text 'the shell was deleted' ' deleted' "$work/err"
await 'gone "$(cat "$work/pid")"'
exec 5>&-
