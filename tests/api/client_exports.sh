#!/bin/sh
# The library exports exactly what it promises: the functions of wsman.h that work, those of
# wsmext.h, and nothing else, all under the node LIBWSMSVC_1. Arguments: the library.
set -eu
LC_ALL=C
export LC_ALL
library=$1

expected='WSManCloseCommand WSManCloseOperation WSManCloseSession WSManCloseShell
WSManConnectShell WSManConnectShellCommand WSManDisconnectShell WSManReconnectShell
WSManReconnectShellCommand
WSManCreateSession WSManCreateShell WSManCreateShellEx WSManDeinitialize WSManExtDeleteShell
WSManExtFree WSManExtGetOffsets WSManExtIdentify WSManExtLimitOffsets WSManExtListCommands
WSManExtListShells WSManExtSetRetryTime WSManExtUtf16Length WSManExtUtf16ToUtf8 WSManExtUtf8ToUtf16
WSManGetErrorMessage WSManGetSessionOptionAsDword WSManGetSessionOptionAsString
WSManInitialize WSManReceiveShellOutput WSManRunShellCommand WSManRunShellCommandEx
WSManSendShellInput WSManSetSessionOption WSManSignalShell'
expected=$(
    echo LIBWSMSVC_1
    printf '%s@@LIBWSMSVC_1\n' $expected | sort
)
got=$(nm -D --defined-only "$library" | awk '{ print $3 }' | sort)
if [ "$got" != "$expected" ]; then
    printf 'exported:\n%s\nexpected:\n%s\n' "$got" "$expected" >&2
    exit 1
fi

# What a one-shot run has to load. The dynamic linker itself shows up because of
# thread-local storage; sanitizers bring libraries of their own.
needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
    grep -v -e '^ld-linux' -e '^libasan' -e '^libubsan' -e '^libtsan' | sort | tr '\n' ' ')
if [ "$needed" != 'libc.so.6 libexpat.so.1 libuv.so.1 ' ]; then
    printf 'needs: %s\n' "$needed" >&2
    exit 1
fi
readelf -d "$library" | grep -q 'SONAME.*\[libwsmsvc.so.0\]' || {
    echo 'wrong SONAME' >&2
    exit 1
}

# PowerShell's name for it is a way to the same file.
[ "$(readlink "$(dirname "$library")/libpsrpclient.so")" = libwsmsvc.so.0 ] || {
    echo 'libpsrpclient.so does not lead to libwsmsvc.so.0' >&2
    exit 1
}
