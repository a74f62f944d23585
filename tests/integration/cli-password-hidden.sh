# The password stands neither in the arguments nor, once read, in the environment of winrmc,
# and nothing it starts inherits it.
. "$(dirname "$0")/cli-lib.sh"
start_service
WINRMC_PASSWORD=wonderland winrmc run -n --on-hangup kill "$host" -- "echo >$work/begun; exec sleep 1000" &
client=$!
await '[ -e "$work/begun" ]'
for file in environ cmdline; do
    expect "/proc/PID/$file" '0' "$(grep -c wonderland "/proc/$client/$file")"
done
kill "$client"
wait "$client"
expect 'ended by SIGTERM' '143' "$?"
WINRMC_PASSWORD=wonderland WINRMC_MARK=$work winrmc --local run -n -- "echo >$work/local; exec sleep 1000" &
client=$!
await '[ -e "$work/local" ]'
found=0
for folder in /proc/[0-9]*; do
    grep -qs "WINRMC_MARK=$work" "$folder/environ" || continue
    found=$((found + 1))
    expect "environment of $(cat "$folder/comm")" '0' "$(grep -c wonderland "$folder/environ")"
done
[ "$found" -ge 2 ]
expect 'winrmc and winrmd were looked at' '0' "$?"
kill "$client"
wait "$client"
expect 'ended by SIGTERM' '143' "$?"
