# 16 MiB out, in, and both ways at once arrive whole, by hash.
. "$(dirname "$0")/cli-lib.sh"
start_service
head -c 16777216 /dev/urandom >"$work/data"
hash=$(sha256sum <"$work/data")
expect 'out' "$hash" "$(run -n "$host" -- "cat $work/data" | sha256sum)"
expect 'in' "$hash" "$(run "$host" -- sha256sum <"$work/data")"
expect 'in, by a pipe' "$hash" "$(cat "$work/data" | run "$host" -- sha256sum)"
expect 'both ways' "$hash" "$(run "$host" -- cat <"$work/data" | sha256sum)"
run -n "$host" -- "cat $work/data >&2; cat $work/data" >"$work/out" 2>"$work/err"
expect 'both streams: stdout' "$hash" "$(sha256sum <"$work/out")"
expect 'both streams: stderr' "$hash" "$(sha256sum <"$work/err")"
