#!/bin/sh
# An installed tree works from where it was put, which is not where the build meant it to go,
# and from any working folder; it has what an application needs to be built, with pkg-config and
# with CMake, and no more headers. What is built runs against a service, which is of that tree too.
# Arguments: the build folder, the C compiler.
set -eu
build=$1
compiler=$2
here=$(cd "$(dirname "$0")" && pwd)
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
for page in man1/winrmc.1 man3/libwsmsvc.3 man3/WSManDisconnectShell.3 man5/winrmd.conf.5 man8/winrmd.8; do
    [ -f "$work/elsewhere/share/man/$page" ] || fail "no $page"
done

# An example that was installed, built outside the tree in the two ways, and run.
tree=$work/elsewhere
lib=$(dirname "$(find "$tree" -name libwsmsvc.so.0)")
[ "$(readlink "$lib/libpsrpclient.so")" = libwsmsvc.so.0 ] || fail 'libpsrpclient.so'
[ "$(readlink "$lib/libwsmsvc.so")" = libwsmsvc.so.0 ] || fail 'libwsmsvc.so'
examples=$tree/share/doc/winrmd/examples
(cd "$examples" && ls) >"$work/examples"
printf '%s\n' attach.c detach.c hundred_shells.c interactive.c portable.h remote.h run_command.c |
    diff - "$work/examples" || fail 'examples'

# Only what was installed: who uses the library needs no development files of what it is made of.
PKG_CONFIG_LIBDIR=$lib/pkgconfig
export PKG_CONFIG_LIBDIR
version=$(pkg-config --modversion libwsmsvc)
mkdir "$work/pkgconfig"
(cd "$examples" && $compiler -Wall -Werror run_command.c -o "$work/pkgconfig/run_command" \
    $(pkg-config --cflags --libs libwsmsvc) -Wl,-rpath,"$lib") ||
    fail 'an example does not build with pkg-config'

mkdir "$work/cmake"
cat >"$work/cmake/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(outside C)
find_package(libwsmsvc $version REQUIRED)
add_executable(run_command $examples/run_command.c)
target_link_libraries(run_command PRIVATE libwsmsvc::wsmsvc)
CMAKE
{
    cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_C_COMPILER="$compiler" \
        -DCMAKE_PREFIX_PATH="$tree" && cmake --build "$work/cmake/build"
} >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail 'an example does not build with find_package(libwsmsvc)'
}
sed -i "s/libwsmsvc $version REQUIRED/libwsmsvc 9999.0 REQUIRED/" "$work/cmake/CMakeLists.txt"
if cmake -S "$work/cmake" -B "$work/cmake/newer" -DCMAKE_PREFIX_PATH="$tree" >"$work/log" 2>&1; then
    fail 'a version that is not there was found'
fi

cat >"$work/run.sh" <<'RUN'
read -r WSMAN_PASSWORD <"$TEST_PASSWORD_FILE"
export WSMAN_PASSWORD
status=0
"$1" "http://$TEST_ADDRESS" "$TEST_USER" 'echo out; echo err >&2; exit 7' >"$2/out" 2>"$2/err" || status=$?
echo "$status $(cat "$2/out") $(cat "$2/err")" >"$2/result"
RUN
for program in "$work/pkgconfig/run_command" "$work/cmake/build/run_command"; do
    [ "$(ldd "$program" | sed -n 's/.*libwsmsvc\.so\.0 => \(.*\) (.*/\1/p')" = "$lib/libwsmsvc.so.0" ] ||
        fail "$program does not load the library of the tree"
    /usr/bin/python3 "$here/with_service.py" "$tree/sbin" sh "$work/run.sh" "$program" "$work" ||
        fail "$program was not run"
    [ "$(cat "$work/result")" = '7 out err' ] ||
        fail "$program: expected: 7 out err; got: $(cat "$work/result")"
done
