# Input that the command does not read for several times as long as a request may take is
# neither lost nor a reason to end it.
. "$(dirname "$0")/cli-lib.sh"
settings='MaxTimeoutms = 500'
start_service
head -c 8000000 /dev/urandom >"$work/data"
run "$host" -- "sleep 2; cksum" <"$work/data" >"$work/out" 2>"$work/err"
expect 'exit code' '0' "$?"
expect 'all of the input' "$(cksum <"$work/data")" "$(cat "$work/out")"
expect 'no complaint' '' "$(cat "$work/err")"
