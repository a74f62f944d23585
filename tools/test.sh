#!/bin/sh
# Installs what is missing, builds, runs all tests. Prints the time of each stage;
# ctest's closing line ends each of them.
#
# Usage: sh tools/test.sh [--long]
#   --long   full sizes: long fuzz runs, the large transfers under every sanitizer,
#            random callers for 15 minutes (or WSM_SPIN_SECONDS, and WSM_CALLER_SECONDS
#            for those like PowerShell) under each of two
#
# As root the suite runs as an unprivileged user (tools/staging.sh); what needs root carries
# the label "root" and runs afterwards. tools/soak.sh runs the random tests alone.
set -eu
cd "$(dirname "$0")/.."
. tools/staging.sh

long=
for argument in "$@"; do
    case $argument in
    --long) long=1 ;;
    *)
        echo "usage: sh tools/test.sh [--long]" >&2
        exit 64
        ;;
    esac
done

started=$(date +%s)
stage_name=
stage() { # names the stage that begins and prints the time of the one before
    now=$(date +%s)
    [ -z "$stage_name" ] || echo "== $stage_name: $((now - stage_started)) s"
    stage_name=$1
    stage_started=$now
}
finish() {
    stage end
    echo "== all: $(($(date +%s) - started)) s"
}

# A skipped test is a failure unless tests/skips.txt names it with a reason.
check_skips() { # $1: output of ctest
    sed -n 's/^ *[0-9]*\/[0-9]* Test *#[0-9]*: \([^ ]*\) .*\*\*\*Skipped.*/\1/p' "$1" |
        while read -r name; do
            grep -q "^$name " tests/skips.txt || {
                echo "skipped without a reason in tests/skips.txt: $name" >&2
                exit 1
            }
        done
}

run_ctest() { # $1: preset, rest: options
    preset=$1
    shift
    status=0
    ctest --test-dir "build/$preset" --output-on-failure -j2 "$@" >"build/$preset/ctest.log" 2>&1 || status=$?
    # Of a passing run only the closing lines matter.
    if [ "$status" -eq 0 ]; then
        grep -E '^[0-9]+% tests passed|^Total Test time' "build/$preset/ctest.log"
    else
        cat "build/$preset/ctest.log"
        exit "$status"
    fi
    check_skips "build/$preset/ctest.log"
}

stage packages
sh tools/packages.sh build demo test

if [ "$(id -u)" -eq 0 ]; then
    stage "copy for $staging_user"
    make_copy

    stage "suite as $staging_user"
    as_user ${WSM_SEED:+WSM_SEED="$WSM_SEED"} ${WSM_SPIN_SECONDS:+WSM_SPIN_SECONDS="$WSM_SPIN_SECONDS"} \
        ${WSM_CALLER_SECONDS:+WSM_CALLER_SECONDS="$WSM_CALLER_SECONDS"} \
        sh "$staging_home/tree/tools/test.sh" ${long:+--long}

    stage 'tests that need root'
    cd "$staging_home/tree"
    run_ctest debug -L '^root$'
    finish
    exit 0
fi

mkdir -p build
[ -z "$long" ] || export WSM_LONG=1 # tests/integration/fire_test.py, tests/tools/sweep.c

stage 'debug build'
build debug
stage 'all tests, debug'
run_ctest debug -LE '^root$'

# Of tests/api/client_spin_test.c and tests/api/managed, under both sanitizers.
[ -z "$long" ] || export WSM_SPIN_SECONDS="${WSM_SPIN_SECONDS:-900}" \
    WSM_CALLER_SECONDS="${WSM_CALLER_SECONDS:-900}"

stage 'address and undefined sanitizer build'
build asan
stage 'all tests, address and undefined sanitizers'
run_ctest asan -LE "^(root|source|header)\$"

stage 'thread sanitizer build'
build tsan
stage 'library and unit tests, thread sanitizer'
run_ctest tsan -L '^(unit|api)$' -LE '^(root|source|header)$'

unset WSM_SPIN_SECONDS WSM_CALLER_SECONDS
stage 'clang build'
build clang
stage "fuzz targets"
sh tools/fuzz.sh build/clang "$([ -n "$long" ] && echo 60 || echo 8)"
stage "lines that the fuzz corpora cover"
sh tools/fuzz-coverage.sh

stage 'release build'
build release
stage 'all tests, release'
run_ctest release -LE '^(root|source|header)$'
finish
