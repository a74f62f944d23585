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
echo "\$ winrmd -c winrmd.conf $root_shells &"
# shellcheck disable=SC2086 # one word or none
winrmd -c winrmd.conf $root_shells --watch-fd 7 7<starter 8>&- 9>&- >ready 2>winrmd.log &
service=$!
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

say 'winrmd-net is killed under a running command: the command lives on'
echo "\$ winrmc run --password-file password \$HOST -- 'while :; do date +%s.%N >>$work/alive; sleep 0.1; done' &"
winrmc run --password-file password "$HOST" -- "while :; do date +%s.%N >>$work/alive; sleep 0.1; done" 2>client.err &
client=$!
await '[ -s alive ]'
net=
for child in $(cat "/proc/$service/task/$service/children"); do
    [ "$(cat "/proc/$child/comm")" != winrmd-net ] || net=$child
done
[ -n "$net" ] || fail 'no winrmd-net among the children of winrmd'
show "kill -9 $net   # winrmd-net"
status=0
wait "$client" || status=$?
echo "winrmc ended with $status: $(cat client.err)"
before=$(wc -l <alive)
await '[ "$(wc -l <alive)" -gt "$((before + 5))" ]'
echo "lines in the file: $before when the client ended, $(wc -l <alive) now: the command is alive"
show "winrmc run --password-file password \$HOST -- 'echo the service is back'"

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
