#!/bin/sh
# Installs what is missing of tools/packages.txt for the given uses.
# Usage: sh tools/packages.sh build [demo] [test] [bench]
set -eu
cd "$(dirname "$0")/.."

missing=
for use in "$@"; do
    for package in $(awk -v use="$use" '!/^#/ && $2 == use { print $1 }' tools/packages.txt); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing="$missing $package"
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    echo "packages missing:$missing" >&2
    echo "install them as root: apt-get install$missing" >&2
    exit 1
fi

echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of names
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
