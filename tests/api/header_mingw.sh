# Our wsman.h against mingw-w64's own: same names, same sizes, offsets, enum and macro values, same
# texts, in both versions. Where they may differ, header_mingw_differences.txt says why.
. "$(dirname "$0")/header_common.sh"
need_mingw

# values OBJCOPY OBJECT: the two sections of header_probe.c as lines of text. Texts are ASCII in
# UTF-16, so dropping the NULs drops the padding and the upper bytes.
values() {
    for section in .probe .ptext; do
        $1 -O binary -j $section "$2" "$work/section"
        tr -d '\0' <"$work/section"
    done
}

# names PREPROCESSOR ARGUMENT...: what wsman.h brings in, by its names
names() {
    printf '#include <wsman.h>\n' | "$@" -E -dD -P - | grep -oE '\<_?WSM(AN_|an)[A-Za-z0-9_]*' |
        grep -v '^WSMAN_API_VERSION_' | sort -u
}

for version in 1_0 1_1; do
    define=-DWSMAN_API_VERSION_$version
    prelude=
    test $version = 1_0 || prelude="-include $here/header_mingw_prelude.h"
    accepts $mingw_cc -std=c11 $define $prelude -c "$here/header_probe.c" -o "$work/mingw.o"
    values $mingw_objcopy "$work/mingw.o" >"$work/expected"
    for short in "" -fshort-wchar; do
        accepts $cc -std=c11 $define $short -I"$include" -c "$here/header_probe.c" -o "$work/here.o"
        values objcopy "$work/here.o" >"$work/got"
        same "$work/expected" "$work/got" "values in version $version $short"
    done
    grep -c . "$work/got" | sed "s/^/version $version: /; s/\$/ values compared/"

    for winver in default 0x0502; do
        winver_define=
        test $winver = default || winver_define="-DWINVER=$winver -D_WIN32_WINNT=$winver"
        names $cc -x c $define -I"$include" >"$work/names_here"
        names $mingw_cc -x c $define $winver_define -include windows.h $prelude \
            >"$work/names_mingw"
        {
            comm -23 "$work/names_here" "$work/names_mingw" | sed 's/^/here /'
            comm -13 "$work/names_here" "$work/names_mingw" | sed 's/^/mingw /'
        } >"$work/got"
        awk -v winver=$winver '/^#/ || NF == 0 { next }
            $3 == "always" || $3 == winver { print $1, $2 }' \
            "$here/header_mingw_differences.txt" | sort >"$work/expected"
        sort -o "$work/got" "$work/got"
        same "$work/expected" "$work/got" "names in version $version, WINVER $winver"
    done

    # Nothing escapes the comparison: every name is in one of the lists.
    sed 's/^_//' "$work/names_here" | sort -u >"$work/expected"
    cat "$here/header_items.h" "$here/header_functions.c" "$here/header_mingw_differences.txt" |
        grep -oE '\<WSM(AN_|an)[A-Za-z0-9_]*' | sort -u >"$work/listed"
    comm -23 "$work/expected" "$work/listed" >"$work/got"
    : >"$work/expected"
    same "$work/expected" "$work/got" "names of wsman.h that no list has"
done
finish
