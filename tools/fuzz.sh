#!/bin/sh
# Runs fuzz targets, two at once, each on its kept corpus and then for some seconds beyond it.
# Usage: sh tools/fuzz.sh BUILD-FOLDER SECONDS [TARGET...]
#   TARGET   such as http_fuzz; without one all of them
# Prints for each the executions and how much code (libFuzzer's counters) is covered.
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=$2
shift 2

if [ $# -eq 0 ]; then
    for target in "$build"/bin/*_fuzz; do
        [ ! -x "$target" ] || set -- "$@" "$(basename "$target")"
    done
    [ $# -gt 0 ] || {
        echo "fuzz: no targets in $build/bin" >&2
        exit 1
    }
fi
if [ $# -gt 1 ]; then
    printf '%s\n' "$@" | xargs -n 1 -P 2 sh tools/fuzz.sh "$build" "$seconds"
    exit
fi

name=$1
work=$build/fuzz/$name
mkdir -p "$work/new"
dictionary=fuzz/corpus/$name.dict
log=$work/log
status=0
"$build/bin/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -seed=1 \
    -artifact_prefix="$work/" ${dictionary:+$([ -f "$dictionary" ] && echo "-dict=$dictionary")} \
    "$work/new" "fuzz/corpus/$name" >"$log" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
    tail -n 40 "$log" >&2
    echo "fuzz: $name failed; the input is in $work" >&2
    exit 255 # xargs starts no more
fi
executions=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
covered=$(sed -n 's/.* cov: \([0-9]*\) ft: .*/\1/p' "$log" | tail -n 1)
echo "fuzz: $name: $executions executions, $covered edges covered"
