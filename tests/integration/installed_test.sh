#!/bin/sh
# An installed tree works from where it was put, which is not where the build meant it to go,
# and from any working folder; it has what an application needs to be built, and no more headers.
# Arguments: the build folder, the C compiler.
set -eu
build=$1
compiler=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "$*" >&2
    exit 1
}

cmake --install "$build" --prefix "$work/tree" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail 'cmake --install failed'
}
mv "$work/tree" "$work/elsewhere"
cd /
unset LD_LIBRARY_PATH
got=$(printf input | "$work/elsewhere/bin/winrmc" --local run -- 'cat; exit 0')
[ "$got" = input ] || fail "winrmc --local: expected: input; got: $got"
for program in $(find "$work/elsewhere" -name 'winrmd*' -type f -perm -u+x); do
    echo "$(basename "$program") in $(basename "$(dirname "$program")")"
done | sort >"$work/programs"
printf '%s\n' 'winrmd in sbin' 'winrmd-auth in winrmd' 'winrmd-net in winrmd' 'winrmd-shell in winrmd' |
    diff - "$work/programs" || fail 'programs'

(cd "$work/elsewhere/include" && find . -type f | sort) >"$work/headers"
printf './%s\n' wsman.h wsmerror.h wsmext.h | diff - "$work/headers" || fail 'headers'
for page in man1/winrmc.1 man5/winrmd.conf.5 man8/winrmd.8; do
    [ -f "$work/elsewhere/share/man/$page" ] || fail "no $page"
done

cat >"$work/app.c" <<'C'
#define WSMAN_API_VERSION_1_1
#include <wsman.h>
int main(void)
{
    WSMAN_API_HANDLE api;
    return WSManInitialize(WSMAN_FLAG_REQUESTED_API_VERSION_1_1, &api) == 0 ? (int)WSManDeinitialize(api, 0) : 1;
}
C
lib=$(dirname "$(find "$work/elsewhere" -name libwsmsvc.so.0)")
"$compiler" -I"$work/elsewhere/include" "$work/app.c" -o "$work/app" -L"$lib" -lwsmsvc -Wl,-rpath,"$lib" ||
    fail 'an application does not build'
"$work/app" || fail "an application ended with $?"
