# A Windows-style source that concatenates WSMAN_SHELL_NS L"/cmd" compiles as C and C++ here under
# -fshort-wchar, and unchanged with mingw-w64 against its own wsman.h.
. "$(dirname "$0")/header_common.sh"
need_mingw
source=$here/header_windows_source.c

for version in 1_0 1_1; do
    define=-DWSMAN_API_VERSION_$version
    # mingw's typedef for 1.1 names a union before it declares it: see header_mingw_prelude.h
    prelude=
    test $version = 1_0 || prelude="-include $here/header_mingw_prelude.h"
    accepts $cc -std=c17 -fshort-wchar $define -I"$include" $warnings -fsyntax-only "$source"
    accepts $cxx -x c++ -std=c++17 -fshort-wchar $define -I"$include" $warnings -fsyntax-only \
        "$source"
    accepts $mingw_cc -std=c17 $define $prelude $warnings -fsyntax-only "$source"
    accepts $mingw_cxx -x c++ -std=c++17 $define $prelude $warnings \
        -fsyntax-only "$source"
    # without -fshort-wchar the literals have the wrong type, and the compiler says so
    refuses "" $cc -std=c17 $define -I"$include" -fsyntax-only "$source"
done
finish
