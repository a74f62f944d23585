#!/bin/sh
# Installs what is missing, builds, and shows a command running through all of it.
# Every command is printed before it runs, so that you can type it yourself.
# Everything happens on loopback, in a folder of its own that is removed at the end.
set -eu
cd "$(dirname "$0")/.."

sh tools/packages.sh build demo
echo 'building …'
mkdir -p build
{ cmake --preset release && cmake --build --preset release; } >build/release.log 2>&1 || {
    tail -n 40 build/release.log
    exit 1
}
bin=$(pwd)/build/release/bin
PATH=$bin:$PATH

work=$(mktemp -d)
service=
cleanup() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    exec 9>&- # the service and its shells watch this pipe
    [ -z "$service" ] || wait "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
show() { # prints a command line and runs it
    printf '$ %s\n' "$1"
    eval "$1"
}
fail() {
    echo "demo: $*" >&2
    exit 1
}
await() { # waits until the command in $1 succeeds, 20 s at most
    tries=0
    until eval "$1"; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || fail "waited in vain for: $1"
        sleep 0.1
    done
}

say 'With nothing set up: a private service for one call'
show "winrmc --local run -- 'echo hello from \$(uname -s), user \$(id -un)'"

say 'A service of your own, on a free port of this machine'
cd "$work"
umask 077
password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
echo "$password" >password
cat >winrmd.conf <<CONF
Listen = 127.0.0.1:0
RunDirectory = $work/run
UsersFile = $work/users
Basic = true
AllowUnencrypted = true
CONF
show 'cat winrmd.conf'
show 'winrmd -c winrmd.conf user add alice <password'
mkfifo starter
root_shells=
[ "$(id -u)" -ne 0 ] || root_shells=--allow-root-shells
exec 8<>starter 9>starter
start_service() {
    echo "\$ winrmd -c winrmd.conf $root_shells &"
    # shellcheck disable=SC2086 # one word or none
    winrmd -c winrmd.conf $root_shells --watch-fd 7 7<starter 8>&- 9>&- >ready 2>>winrmd.log &
    service=$!
}
start_service
exec 8>&-
await 'grep -q "^listening on " ready'
cat ready
url=$(sed -n 's/^listening on //p' ready)
address=${url#http://}
address=${address%/wsman}
printf 'HOST=alice@%s\n' "$address"
HOST=alice@$address

say 'Input, both output streams, and the exit code'
show "echo some input | winrmc run --password-file password \$HOST -- 'cat; echo to stderr >&2; exit 7' || echo \"exit code \$?\"" 2>&1

say '200 MiB out, hashed on both sides'
show "winrmc run --password-file password \$HOST -- 'head -c 209715200 /dev/urandom | tee $work/sent' | sha256sum | tee received.sum"
show 'sha256sum <sent | tee sent.sum'
show 'cmp received.sum sent.sum && echo the same'

say 'Nothing is lost, whatever dies'
seed=${DEMO_SEED:-$$}
size=209715200
echo "A job writes $size bytes whose 64-bit word number i is a function of the seed and i. At places of"
echo "the seed in what has arrived here, processes of the service are killed, and at last the client."
echo "\$ winrmc run --password-file password \$HOST -- '$bin/words make $seed $size; exit 7' >job.out &"
: >job.out
winrmc run --password-file password "$HOST" -- "$bin/words make $seed $size; exit 7" >>job.out 2>client.err &
client=$!
arrived() { stat -c %s job.out; }
until_arrived() { # waits for $1 bytes; without pause, a pause is many megabytes long
    while [ "$(arrived)" -lt "$1" ]; do
        kill -0 "$client" 2>/dev/null || fail "the client has ended: $(cat client.err)"
    done
}
gone_lines() { grep -c ': the service has gone: ' winrmd.log || true; }
net() {
    for child in $(cat "/proc/$service/task/$service/children"); do
        [ "$(cat "/proc/$child/comm")" != winrmd-net ] || echo "$child"
    done
}
until_net() { # sets $net, not $1
    net=
    until [ -n "$net" ] && [ "$net" != "$1" ]; do net=$(net); done
}
counted=0
shoot() { # $1: what is killed, $2: its process
    lines=$(gone_lines)
    before=$(arrived)
    kill -9 "$2"
    # A host writes its line when it had served what was not confirmed, or had ever served again.
    tries=0
    until [ "$(gone_lines)" -gt "$lines" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] && [ "$(arrived)" -lt $((before + 8388608)) ] || break
    done
    printf '$ kill -9 %s   # %s, after %s bytes\n' "$2" "$1" "$before"
    if [ "$(gone_lines)" -eq "$lines" ]; then
        echo '  the host: nothing was under way, so this one does not count'
        return
    fi
    # … command ID: the service has gone: stdout served N confirmed N again N, stderr …
    set -- $(grep ': the service has gone: ' winrmd.log | tail -n 1 |
        sed 's/.*stdout served \([0-9]*\) confirmed \([0-9]*\) again \([0-9]*\),.*/\1 \2 \3/')
    echo "  the host: served $1, confirmed $2, so $(($1 - $2)) bytes under way; served again so far: $3"
    [ "$1" -le "$2" ] || counted=$((counted + 1))
}
round=0
net=
for place in $(awk -v seed="$seed" -v size="$size" \
    'BEGIN { srand(seed); for (i = 0; i < 5; i++) printf "%d\n", (i + 0.3 + 0.6 * rand()) * size / 6 }'); do
    round=$((round + 1))
    until_net "$net"
    until_arrived "$place"
    case $round in
    3)
        shoot 'winrmd, the monitor' "$service"
        wait "$service" 2>/dev/null || true
        start_service
        await 'grep -q "^listening on " ready'
        ;;
    5)
        kill -9 "$client"
        echo "\$ kill -9 $client   # winrmc, after $(arrived) bytes"
        wait "$client" 2>/dev/null || true
        ;;
    *) shoot winrmd-net "$net" ;;
    esac
done
[ "$counted" -gt 0 ] || fail 'no kill hit bytes under way: this shows nothing'
echo "$counted of 4 kills hit bytes that were on their way."
echo 'What the client said of it:'
sed 's/^/  /' client.err
echo 'The client is gone, its command is not:'
show 'winrmc ps -v --password-file password $HOST | tee shells'
job=$(awk '/words make/ { print $1; exit }' shells)
show "winrmc attach --password-file password --take --resume-at \$(stat -c %s job.out) \$HOST $job >>job.out || echo \"exit code \$?\"" | tee attach.out
grep -qx 'exit code 7' attach.out || fail 'the exit code is not 7'
show "words check $seed 0 $size <job.out"
show 'sha256sum <job.out | tee job.sum'
show "words make $seed $size | sha256sum | tee made.sum"
show 'cmp job.sum made.sum && echo the same'

say 'A wrong password'
echo wrong >wrong
show 'winrmc run --password-file wrong $HOST -- id || echo "exit code $?"' 2>&1

say 'The same service from Python, with pywinrm'
cat >pywinrm-demo.py <<'PYTHON'
import sys, winrm
url, password = sys.argv[1], open("password").read().strip()
session = winrm.Session(url, auth=("alice", password), transport="basic")
answer = session.run_cmd("echo", ["from", "Python;", "exit", "3"])
print(answer.std_out.decode(), "exit code", answer.status_code)
PYTHON
show 'cat pywinrm-demo.py'
show "/usr/bin/python3 pywinrm-demo.py $url"

say 'That was all of it; the service and everything it started end now.'
