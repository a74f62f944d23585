# Standard output and standard error of the command come back apart and whole.
. "$(dirname "$0")/cli-lib.sh"
start_service
run -n "$host" -- 'echo out1; echo err1 >&2; echo out2; echo err2 >&2' >"$work/out" 2>"$work/err"
expect 'exit code' '0' "$?"
expect 'stdout' 'out1 out2' "$(tr '\n' ' ' <"$work/out" | sed 's/ $//')"
expect 'stderr' 'err1 err2' "$(tr '\n' ' ' <"$work/err" | sed 's/ $//')"
run -n "$host" -- 'echo late >&2; exec 2>&-; echo after' >"$work/out" 2>"$work/err"
expect 'stdout after the end of stderr' 'after' "$(cat "$work/out")"
expect 'stderr that ended early' 'late' "$(cat "$work/err")"
