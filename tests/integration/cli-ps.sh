# ps lists shells and commands for people, with -v the offsets, and for programs as JSON.
. "$(dirname "$0")/cli-lib.sh"
start_service
expect 'no shell' '1' "$(rc ps "$host" | wc -l)"
expect 'no shell, as JSON' '[]' "$(rc ps --json "$host")"
first=$(run --detach "$host" -- 'printf 12345; exec sleep 1000 #' "$(printf 'a\tb\nc')")
second=$(run --detach "$host" -- 'echo "\"\\"; exit 9')
await 'rc ps "$host" | grep -q " Done/9 "'
rc ps -v "$host" >"$work/out" 2>"$work/err"
expect 'exit code' '0' "$?"
expect 'headings' 'SHELL STATE HOLDER IDLE TIME COMMAND IS LINE' \
    "$(head -n 1 "$work/out" | tr -s ' ')"
expect 'two shells' "$(printf '%s\n%s' "$first" "$second" | sort)" \
    "$(awk '/^[0-9A-F]/ { print $1 }' "$work/out" | sort)"
expect_text 'control characters are spelled out' 'sleep 1000 # a\tb\nc' "$work/out"
await 'rc ps -v "$host" | grep -q "^  stdout confirmed=0 .* end=5 dropped=0$"'
echo 'ok: the offsets'
rc ps --json "$host" >"$work/json"
python3 - "$work/json" "$first" "$second" <<'PYTHON'
import json, sys
shells = {shell["shellId"]: shell for shell in json.load(open(sys.argv[1]))}
first, second = shells[sys.argv[2]], shells[sys.argv[3]]
assert first["state"] == "Disconnected", first
assert first["commands"][0]["commandLine"].endswith("# a\tb\nc"), first
assert first["commands"][0]["streams"]["stdout"]["end"] == 5, first
assert "exitCode" not in first["commands"][0], first
assert second["commands"][0]["exitCode"] == 9, second
assert second["commands"][0]["commandLine"] == 'echo "\\"\\\\"; exit 9', second
PYTHON
expect 'JSON' '0' "$?"
begin held attach -n "$host" "$first"
await '[ -s "$work/held.out" ]'
expect 'a shell that is held' 'Connected' "$(rc ps "$host" | awk -v id="$first" '$1 == id { print $2 }')"
kill -TERM "$client"
wait "$client"
rc ps "$host" >/dev/full 2>"$work/err"
expect '/dev/full' '74' "$?"
