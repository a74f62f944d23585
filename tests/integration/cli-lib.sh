# Sourced by the cli-*.sh tests, which run as `sh cli-NAME.sh BIN-FOLDER`. Gives a folder of
# the test's own in $work, a service in it, and the comparing of expected and got. All ends
# with the test: the service watches a pipe that this shell holds. Waiting has a deadline.
set -u
PATH=$1:$PATH
work=$(mktemp -d)
service=
client= # the last one in the background
settings= # more lines of winrmd.conf
XDG_RUNTIME_DIR=$work/xdg # --local makes its folders here
mkdir -m 700 "$XDG_RUNTIME_DIR"
export PATH XDG_RUNTIME_DIR
unset WINRMC_PASSWORD

cleanup() {
    [ -z "$client" ] || gone "$client" || kill -KILL "$client"
    exec 9>&-
    [ -z "$service" ] || wait "$service"
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# expect WHAT EXPECTED GOT
expect() {
    if [ "$2" != "$3" ]; then
        printf '%s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
        [ ! -s "$work/log" ] || { echo '-- log of the service:'; tail -n 20 "$work/log"; }
        exit 1
    fi
    printf 'ok: %s\n' "$1"
}

# expect_text WHAT PIECE FILE: the piece stands in the file
expect_text() {
    case $(cat "$3") in
    *"$2"*) printf 'ok: %s\n' "$1" ;;
    *) expect "$1" "a text with \"$2\"" "$(cat "$3")" ;;
    esac
}

# await CONDITION: until it succeeds, 20 s at most
await() {
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 400 ] || expect "waiting for: $1" 'true within 20 s' 'false'
        sleep 0.05
    done
}

# gone PID: no such process, or one that only waits to be reaped
gone() {
    ! grep -qs '^State:[[:space:]][^ZX]' "/proc/$1/status"
}

# A service with user alice in $work; sets $host and $address.
start_service() {
    echo 'wonderland' >"$work/password"
    cat >"$work/winrmd.conf" <<CONF
Listen = 127.0.0.1:0
Basic = true
AllowUnencrypted = true
UsersFile = $work/users
RunDirectory = $work/run
$settings
CONF
    winrmd -c "$work/winrmd.conf" user add alice <"$work/password" >"$work/log" 2>&1 ||
        expect 'user add' 'exit code 0' "$?"
    mkfifo "$work/starter"
    # Opened for both first: opening one end of a fifo waits for the other.
    exec 8<>"$work/starter" 9>"$work/starter"
    launch 7<"$work/starter" 8>&-
    exec 8>&-
    host=alice@$address
}

# The monitor itself, which watches descriptor 7; sets $service and $address.
launch() {
    root=
    [ "$(id -u)" -ne 0 ] || root=--allow-root-shells
    : >"$work/ready"
    winrmd -c "$work/winrmd.conf" $root --watch-fd 7 9>&- >"$work/ready" 2>>"$work/log" &
    service=$!
    await 'grep -qs "^listening on " "$work/ready" || gone "$service"'
    address=$(sed -n 's|^listening on http://\(.*\)/wsman$|\1|p' "$work/ready")
    [ -n "$address" ] || expect 'start of winrmd' 'listening on …' "$(cat "$work/ready")"
}

# child NAME: pid of the monitor's child of that name
child() {
    for pid in $(cat "/proc/$service/task/$service/children"); do
        [ "$(cat "/proc/$pid/comm")" != "$1" ] || echo "$pid"
    done
}

# rc VERB WORD...: winrmc with the password of alice
rc() {
    verb=$1
    shift
    winrmc "$verb" --password-file "$work/password" "$@"
}

# begin NAME VERB WORD...: the same in the background, with $work/NAME.out and .err; sets
# $client. A shell lets its background jobs ignore SIGINT, and gives them no input.
begin() {
    name=$1 verb=$2
    shift 2
    : >"$work/$name.out" # what an earlier one wrote is not waited for
    : >"$work/$name.err"
    {
        env --default-signal=INT,HUP winrmc "$verb" --password-file "$work/password" "$@" \
            <&6 >"$work/$name.out" 2>"$work/$name.err" 9>&- &
    } 6<&0
    client=$!
}

# attach_line FILE: the command that winrmc told, from its standard error
attach_line() {
    sed -n 's/^winrmc: .* attach with: //p' "$1"
}

# count FILE TEXT: lines of the file that have it
count() {
    grep -c -- "$2" "$1"
}

# run WORD...: winrmc run with the password of alice
run() {
    winrmc run --password-file "$work/password" "$@"
}
