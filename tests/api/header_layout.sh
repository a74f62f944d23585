# Sizes, offsets, alignments, values and the types of all functions are what they must be: here,
# under -fshort-wchar, and with mingw-w64's own wsman.h (else the numbers themselves were wrong).
. "$(dirname "$0")/header_common.sh"
need_mingw
warnings="$warnings -Wno-pedantic" # a static_assert ends in ";" after a macro that has one

for version in 1_0 1_1; do
    define=-DWSMAN_API_VERSION_$version
    prelude=
    test $version = 1_0 || prelude="-include $here/header_mingw_prelude.h"
    for source in header_layout.c header_functions.c; do
        for short in "" -fshort-wchar; do
            accepts $cc -std=c11 $define $short -I"$include" $warnings -fsyntax-only "$here/$source"
            accepts $cxx -x c++ -std=c++17 $define $short -I"$include" $warnings -fsyntax-only \
                "$here/$source"
        done
        accepts $mingw_cc -std=c11 $define $prelude $warnings -fsyntax-only "$here/$source"
        accepts $mingw_cxx -x c++ -std=c++17 $define $prelude $warnings -fsyntax-only \
            "$here/$source"
    done
done

# The assertions bite: the same source must be refused when one number is wrong.
sed 's/SIZE(WSMAN_ERROR, 40, 8)/SIZE(WSMAN_ERROR, 44, 8)/' "$here/header_items.h" \
    >"$work/header_items.h"
cp "$here/header_layout.c" "$work"
refuses "size of WSMAN_ERROR" $cc -std=c11 -DWSMAN_API_VERSION_1_1 -I"$include" -fsyntax-only \
    "$work/header_layout.c"
sed 's/FUNCTION(WSManCloseShell, void, /&int, /' "$here/header_functions.c" \
    >"$work/header_functions.c"
refuses "type of WSManCloseShell" $cc -std=c11 -DWSMAN_API_VERSION_1_1 -I"$include" \
    -fsyntax-only "$work/header_functions.c"
finish
