#!/bin/sh
# Runs every fuzz target on its kept corpus, then for some seconds beyond it.
# Usage: sh tools/fuzz.sh BUILD-FOLDER SECONDS
# Prints for each the executions and how much code (libFuzzer's counters) is covered.
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=$2

found=
for target in "$build"/bin/*_fuzz; do
    [ -x "$target" ] || continue
    found=1
    name=$(basename "$target")
    work=$build/fuzz/$name
    mkdir -p "$work/new"
    dictionary=fuzz/corpus/$name.dict
    log=$work/log
    status=0
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -seed=1 \
        -artifact_prefix="$work/" ${dictionary:+$([ -f "$dictionary" ] && echo "-dict=$dictionary")} \
        "$work/new" "fuzz/corpus/$name" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$log"
        echo "fuzz: $name failed; the input is in $work" >&2
        exit 1
    fi
    executions=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) ft: .*/\1/p' "$log" | tail -n 1)
    echo "fuzz: $name: $executions executions, $covered edges covered"
done
[ -n "$found" ] || {
    echo "fuzz: no targets in $build/bin" >&2
    exit 1
}
