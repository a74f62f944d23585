#!/bin/sh
# Runs the random tests of the client for long, and prints a row of a Markdown table for each run;
# ends with 1 if one of them failed, and says how to repeat it. docs/soak.md says what they do.
#
# Usage: sh tools/soak.sh [-o NAME] MINUTES [SEED…]
#   -o NAME   only that run: sweep-asan, sweep-tsan, caller-asan, caller-tsan, spin-asan, spin-tsan
#   MINUTES   each of the six runs so long in all, two at once; or SECONDSs, e.g. 90s
#   SEED      each run has its time split over these; three random ones unless told
#
# Installs what is missing, and builds what it needs. As root all is done as an unprivileged
# user in a copy of the tree (tools/staging.sh). Logs of runs that failed: build/soak.
set -eu
cd "$(dirname "$0")/.."
. tools/staging.sh

usage() {
    sed -n 's/^# Usage: /usage: /p' tools/soak.sh >&2
    exit 64
}

runs="sweep-asan sweep-tsan caller-asan caller-tsan spin-asan spin-tsan"
if [ "${1-}" = -o ]; then
    case " $runs " in
    *" ${2-} "*) runs=$2 ;;
    *) usage ;;
    esac
    shift 2
fi
case ${1-} in
*[!0-9s]* | '' | s* | *s?*) usage ;;
*s) seconds=${1%s} ;;
*) seconds=$(($1 * 60)) ;;
esac
shift
for seed in "$@"; do
    case $seed in
    *[!0-9]* | '') usage ;;
    esac
done
[ $# -gt 0 ] ||
    # shellcheck disable=SC2046 # three words
    set -- $(od -An -N12 -tu4 /dev/urandom)
each=$((seconds / $#))
[ "$each" -gt 0 ] || usage

commit=${WSM_COMMIT-$(git -c safe.directory="$(pwd)" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)}

if [ "$(id -u)" -eq 0 ]; then
    sh tools/packages.sh build test
    make_copy
    only=
    [ "${runs#* }" != "$runs" ] || only="-o $runs"
    # shellcheck disable=SC2086 # two words or none
    as_user WSM_COMMIT="$commit" sh "$staging_home/tree/tools/soak.sh" $only "${seconds}s" "$@"
    exit
fi

sh tools/packages.sh build test
for preset in asan tsan; do
    case $runs in
    *$preset*)
        build "$preset" api_client_spin managed_caller sweep words winrmd winrmd-net winrmd-auth winrmd-shell
        ;;
    esac
done

folder=build/soak
rm -rf "$folder"
mkdir -p "$folder"

counts() { # $1: log; what the run says at its end
    grep -aE '^[0-9]+ (rounds|runs)[:,]' "$1" | tail -n 1
}

run() { # $1: name, $2: seed; prints its row
    name=${1%-*}
    bin=build/${1#*-}/bin
    log=$folder/$1.$2.log
    service="/usr/bin/python3 tests/integration/with_service.py $bin"
    began=$(date +%s)
    status=0
    # shellcheck disable=SC2086 # words
    case $name in
    sweep) $service "$bin/sweep" for "$each" "$2" ;;
    caller) WSM_SEED=$2 WSM_CALLER_SECONDS=$each $service "$bin/managed_caller" random ;;
    spin) WSM_SEED=$2 WSM_SPIN_SECONDS=$each "$bin/api_client_spin" ;;
    esac >"$log" 2>&1 || status=$?
    outcome=clean
    [ "$status" -eq 0 ] || outcome="FAILED ($status)"
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$commit" "$name" "${1#*-}" "$2" "$(($(date +%s) - began))" \
        "$(counts "$log")" "$outcome"
    if [ "$status" -eq 0 ]; then
        rm "$log"
    else
        echo "$1 $2" >>"$folder/failed"
    fi
}

# Every other one of all the runs, one after the other.
work() { # $1: 0 or 1; rest: seeds
    turn=$1
    shift
    count=0
    for seed in "$@"; do
        for each_run in $runs; do
            [ $((count % 2)) -ne "$turn" ] || run "$each_run" "$seed"
            count=$((count + 1))
        done
    done
}

export PYTHONDONTWRITEBYTECODE=1
echo "seeds $*, $each s each"
echo
echo '| commit | run | build | seed | seconds | counts | outcome |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
trap 'trap "" TERM; kill 0; exit 130' INT # Ctrl-C does not reach what is started with &
work 0 "$@" &
work 1 "$@"
wait

[ ! -e "$folder/failed" ] || {
    echo
    while read -r name seed; do
        echo "failed: its log is $(pwd)/$folder/$name.$seed.log; again: sh tools/soak.sh -o $name ${each}s $seed"
        grep -aE 'seed [0-9]+:|in run|Sanitizer|^\[ *(ERROR|  *FAILED)' "$folder/$name.$seed.log" | head -n 5
    done <"$folder/failed"
    exit 1
}
