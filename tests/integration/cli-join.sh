# Without --exec the arguments are joined with blanks and read by the other side's shell.
. "$(dirname "$0")/cli-lib.sh"
start_service
expect 'blanks in a word do not survive' 'a b' "$(run -n "$host" -- echo 'a   b')"
expect 'quotes for the other side do' 'a   b' "$(run -n "$host" -- "echo 'a   b'")"
expect 'variables are those of the other side' 'there' "$(run -n -e HERE=there "$host" -- echo '$HERE')"
expect 'pipes run there' '3' "$(run -n "$host" -- printf abc '|' wc -c)"
run -n "$host" -- 'exit' 4
expect 'several words, one line' '4' "$?"
expect 'without --' 'x -l' "$(run -n "$host" echo x -l)"
expect 'text between quotes' 'a b' "$(run -n "$host" -- "'echo' \"a b\"")"
run -n "$host" -- ' ' 2>"$work/err"
expect 'an empty command' '64' "$?"
