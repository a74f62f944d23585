# Each installed header compiles alone, twice, and after the others, in each language, version
# form and width of wchar_t, with all warnings; wsman.h refuses a missing and a double version.
# Also with the cross compiler, since the headers promise to work on Windows' own base types.
. "$(dirname "$0")/header_common.sh"
need_mingw

printf '#include <wsman.h>\n' >"$work/wsman"
printf '#include <wsmerror.h>\n' >"$work/wsmerror"
printf '#include <wsmext.h>\n' >"$work/wsmext"
printf '#include <wsmext.h>\n#include <wsmerror.h>\n#include <wsman.h>\n' >"$work/all"
printf '#include <wsmerror.h>\n#include <wsmext.h>\n#include <wsmext.h>\n' >"$work/twice"
for header in wsman wsmerror wsmext all twice; do
    printf 'extern int not_empty;\n' >>"$work/$header"
    cp "$work/$header" "$work/$header.c"
    cp "$work/$header" "$work/$header.cpp"
done

for header in wsman wsmerror wsmext all twice; do
    for version in 1_0 1_1; do
        common="-I$include -DWSMAN_API_VERSION_$version $warnings -fsyntax-only"
        for short in "" -fshort-wchar; do
            accepts $cc -std=c11 -Wstrict-prototypes $common $short "$work/$header.c"
            accepts $cc -std=c17 -Wstrict-prototypes $common $short "$work/$header.c"
            accepts $cxx -std=c++17 $common $short "$work/$header.cpp"
        done
        accepts $mingw_cc -std=c17 $common "$work/$header.c"
        accepts $mingw_cxx -std=c++17 $common "$work/$header.cpp"
    done
done

for header in wsman wsmext; do
    refuses "define WSMAN_API_VERSION_1_0 or WSMAN_API_VERSION_1_1" \
        $cc -I"$include" -fsyntax-only "$work/$header.c"
    refuses "define only one of" $cc -I"$include" -DWSMAN_API_VERSION_1_0 \
        -DWSMAN_API_VERSION_1_1 -fsyntax-only "$work/$header.c"
done

# What 1.0 does not have: its functions and types must be unknown there, known in 1.1.
for use in 'void *unused(void) { return (void *)WSManDisconnectShell; }' \
    'void *unused(void) { return (void *)WSManCreateShellEx; }' \
    'extern WSMAN_RESPONSE_DATA *unused;'; do
    printf '#include <wsman.h>\n%s\n' "$use" >"$work/use.c"
    refuses "WSM" $cc -I"$include" -DWSMAN_API_VERSION_1_0 -fsyntax-only "$work/use.c"
    accepts $cc -I"$include" -DWSMAN_API_VERSION_1_1 -fsyntax-only "$work/use.c"
done

# A library built with hidden visibility exports what the header declares, and nothing else.
cat >"$work/library.c" <<'END'
#include <wsman.h>
int hidden(void);
int hidden(void) { return 1; }
DWORD WSManInitialize(DWORD flags, WSMAN_API_HANDLE *apiHandle)
{
    *apiHandle = NULL;
    return flags;
}
END
accepts $cc -I"$include" -DWSMAN_API_VERSION_1_1 -fPIC -shared -nostdlib -fvisibility=hidden \
    "$work/library.c" -o "$work/library.so"
echo WSManInitialize >"$work/expected"
nm -D --defined-only "$work/library.so" | awk '{ print $NF }' >"$work/got"
same "$work/expected" "$work/got" "exported symbols"
finish
