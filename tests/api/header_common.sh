# Read by the header_*.sh tests: arguments, compilers, and compile steps that say what they tried.
# usage: sh header_NAME.sh INCLUDE-DIRECTORY C-COMPILER C++-COMPILER
set -eu

here=$(cd "$(dirname "$0")" && pwd)
include=$1
cc=$2
cxx=$3
mingw_cc=x86_64-w64-mingw32-gcc
mingw_cxx=x86_64-w64-mingw32-g++
mingw_objcopy=x86_64-w64-mingw32-objcopy
warnings="-Wall -Wextra -Wconversion -Wshadow -Wpedantic -Werror"
failures=0
checks=0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A missing cross compiler fails the test: skipping would hide that nothing was compared.
need_mingw() {
    for tool in $mingw_cc $mingw_cxx $mingw_objcopy; do
        if ! command -v $tool >"$work/tool" 2>&1; then
            echo "FAIL: $tool is missing (packages gcc-mingw-w64-x86-64, g++-mingw-w64-x86-64)"
            exit 1
        fi
    done
}

# accepts COMPILER ARGUMENT...: the compiler must accept it without a warning
accepts() {
    checks=$((checks + 1))
    if ! "$@" >"$work/output" 2>&1; then
        failures=$((failures + 1))
        echo "FAIL: expected to compile: $*"
        cat "$work/output"
    fi
}

# refuses TEXT COMPILER ARGUMENT...: the compiler must refuse it with TEXT in its message
refuses() {
    text=$1
    shift
    checks=$((checks + 1))
    if "$@" >"$work/output" 2>&1; then
        failures=$((failures + 1))
        echo "FAIL: expected to be refused: $*"
    elif ! grep -q -- "$text" "$work/output"; then
        failures=$((failures + 1))
        echo "FAIL: expected the message \"$text\" from: $*"
        cat "$work/output"
    fi
}

# same EXPECTED-FILE GOT-FILE WHAT
same() {
    checks=$((checks + 1))
    if ! diff "$1" "$2" >"$work/output"; then
        failures=$((failures + 1))
        echo "FAIL: $3 (< expected, > got)"
        cat "$work/output"
    fi
}

finish() {
    echo "$checks checks, $failures failures"
    test "$checks" -gt 0 -a "$failures" -eq 0
}
