# UTF-8 in arguments, variables, input and output passes unchanged; what is none is refused
# in arguments and passes as bytes in the streams.
. "$(dirname "$0")/cli-lib.sh"
start_service
text='zażółć 日本語 😀 ünï'
expect 'argument and output' "$text" "$(run -n "$host" -- "echo '$text'")"
expect 'argument with --exec' "$text" "$(run -n --exec "$host" -- printf %s "$text")"
expect 'variable' "$text" "$(run -n -e "T=$text" "$host" -- 'echo "$T"')"
expect 'input' "$text" "$(printf %s "$text" | run "$host" -- cat)"
expect 'locale' 'C.UTF-8' "$(run -n "$host" -- 'echo $LANG')"
wrong=$(printf 'a\377b')
run -n "$host" -- "echo $wrong" 2>"$work/err"
expect 'an argument that is no UTF-8' '64' "$?"
expect_text 'says so' 'UTF-8' "$work/err"
expect 'bytes in the streams' '  61 ff 00 62' "$(printf 'a\377\000b' | run "$host" -- cat | od -An -tx1 | sed 's/^ *//; s/^/  /')"
