# The exit code of winrmc run is the command's, and 128+n where signal n ended it.
. "$(dirname "$0")/cli-lib.sh"
start_service
for code in 0 1 7 64 69 126 127 255; do
    run -n "$host" -- "exit $code"
    expect "exit $code" "$code" "$?"
done
for signal in 1 9 15; do
    run -n "$host" -- "kill -$signal \$\$"
    expect "ended by signal $signal" "$((128 + signal))" "$?"
done
