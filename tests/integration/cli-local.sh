# --local needs nothing set up, passes everything through, and leaves nothing behind. The
# private service inherits the environment, by which its processes are found.
. "$(dirname "$0")/cli-lib.sh"
export WINRMC_MARK="$work"

left() { # processes with our mark, and folders
    for folder in /proc/[0-9]*; do
        comm=$(cat "$folder/comm" 2>/dev/null) || continue
        case $comm in winrm*) ;; *) continue ;; esac
        ! grep -qs "WINRMC_MARK=$work" "$folder/environ" || echo "$comm"
    done
    ls "$XDG_RUNTIME_DIR"
}

expect 'output and input' 'abc' "$(printf abc | winrmc --local run -- cat)"
winrmc --local run -n -- 'exit 7'
expect 'exit code' '7' "$?"
expect 'nothing is left' '' "$(left)"
winrmc run --local -n --exec -- true
expect 'after the verb, with --exec' '0' "$?"
USER= winrmc --local run -n -- true </dev/null
expect 'without a user name' '0' "$?"
winrmc --local run -n -- 'while :; do echo x; done' | head -n 1 >"$work/out"
await '[ -z "$(left)" ]'
echo 'ok: nothing is left after a closed pipe'
cp "$1/winrmc" "$work/winrmc"
LD_LIBRARY_PATH=$1/../lib "$work/winrmc" --local run -n -- true 2>"$work/err"
case $? in
0) echo 'ok: an installed winrmd was found' ;;
69) expect_text 'no winrmd' 'no winrmd' "$work/err" ;;
*) expect 'no winrmd beside it' '69' "$?" ;;
esac
