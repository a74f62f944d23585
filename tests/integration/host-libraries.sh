#!/bin/sh
# A shell host needs no library but libc: there may be hundreds of them (docs/architecture.md).
# Usage: host-libraries.sh PATH-OF-winrmd-shell
set -eu
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v -e '^libc\.so' -e '^ld-linux' || true)
echo "expected: nothing but libc"
echo "got: ${needed:-nothing but libc}"
[ -z "$needed" ]
