# The examples compile without a warning, unchanged: here as C11 and C17 with char16_t texts and with
# -fshort-wchar, and for Windows with the cross compiler and its own wsman.h. There they are also
# linked, to nothing but what Windows has and the functions that the library exports.
# Arguments: include folder, C compiler, C++ compiler, examples, the library's export list.
. "$(dirname "$0")/header_common.sh"
need_mingw
examples=$4
exports=$5

# mingw-w64 has no import library for WsmSvc.dll; the names are all that one needs.
{
    echo 'LIBRARY WsmSvc.dll'
    echo EXPORTS
    sed -n 's/^ *\(WSMan[A-Za-z0-9]*\);$/\1/p' "$exports" | grep -v '^WSManExt'
} >"$work/wsmsvc.def"
x86_64-w64-mingw32-dlltool -d "$work/wsmsvc.def" -l "$work/libwsmsvc.a"
[ "$(grep -c '^WSMan' "$work/wsmsvc.def")" -eq 23 ] || {
    failures=$((failures + 1))
    echo "FAIL: expected 23 names from $exports"
}

for source in "$examples"/*.c; do
    for standard in c11 c17 gnu17; do
        accepts $cc -std=$standard -I"$include" $warnings -fsyntax-only "$source"
    done
    accepts $cc -std=gnu17 -fshort-wchar -I"$include" $warnings -fsyntax-only "$source"
    accepts $mingw_cc -std=c17 $warnings "$source" -o "$work/example.exe" -L"$work" -lwsmsvc -lole32
    # the lines on top of each, as they stand there
    name=$(basename "$source" .c)
    grep -q "^ \* Linux:    cc $name.c -o $name \$(pkg-config --cflags --libs libwsmsvc)" "$source" &&
        grep -q "^ \* Windows:  x86_64-w64-mingw32-gcc $name.c -o $name.exe -lwsmsvc -lole32$" "$source" &&
        grep -q "^ \* Run:      WSMAN_PASSWORD=... ./$name " "$source" || {
        failures=$((failures + 1))
        echo "FAIL: $name.c does not say on top how to compile and run it"
    }
done
finish
