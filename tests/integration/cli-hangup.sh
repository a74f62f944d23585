# SIGHUP and SIGTERM leave the command running, with the input that was read before; with
# --on-hangup kill they delete its shell.
. "$(dirname "$0")/cli-lib.sh"
start_service
mkfifo "$work/in"
for signal in HUP TERM; do
    exec 5<>"$work/in"
    begin first run "$host" -- 'cat; echo end; exit 4' <"$work/in"
    echo "before $signal" >&5
    await '[ -s "$work/first.out" ]'
    kill "-$signal" "$client"
    wait "$client"
    expect "SIG$signal" '75' "$?"
    exec 5>&-
    echo "after $signal" | eval "$(attach_line "$work/first.err")" >"$work/second.out"
    expect 'exit code of the command' '4' "$?"
    expect 'its output in two parts' "$(printf "before $signal\nafter $signal\nend")" \
        "$(cat "$work/first.out" "$work/second.out")"
done

for pair in TERM:143 HUP:129; do
    rm -f "$work/pid"
    begin first run -n --on-hangup kill "$host" -- \
        "echo \$\$ >$work/pid.new; mv $work/pid.new $work/pid; exec sleep 1000"
    await '[ -s "$work/pid" ]'
    kill -"${pair%:*}" "$client"
    wait "$client"
    expect "SIG${pair%:*} with --on-hangup kill" "${pair#*:}" "$?"
    await 'gone "$(cat "$work/pid")"'
    echo 'ok: its shell was deleted'
done
expect 'nothing is left' '1' "$(rc ps "$host" | wc -l)"
