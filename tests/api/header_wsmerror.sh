# wsmerror.h: complete by count, every number once, in order, in the facility, without a text.
. "$(dirname "$0")/header_common.sh"
need_mingw

for compile in "$cc -std=c11" "$cc -std=c17" "$cxx -x c++ -std=c++17" "$mingw_cc -std=c17" \
    "$mingw_cxx -x c++ -std=c++17"; do
    accepts $compile -I"$include" $warnings -fsyntax-only "$here/header_wsmerror.c"
done

# The names that Microsoft's header defines: 511, three of them without the usual prefix.
awk '/^#define/ && $3 ~ /^0x8033/ { print $3 }' "$include/wsmerror.h" >"$work/codes"
echo 511 >"$work/expected"
grep -c . "$work/codes" >"$work/got"
same "$work/expected" "$work/got" "number of codes"
awk '/^#define/ && $3 ~ /^0x8033/ { print $2 }' "$include/wsmerror.h" | sort | uniq -d >"$work/got"
: >"$work/expected"
same "$work/expected" "$work/got" "names defined twice"
sort -u "$work/codes" >"$work/expected"
same "$work/expected" "$work/codes" "codes in order, each once"
grep -vE '^0x80338[01][0-9A-F]{2}U$' "$work/codes" >"$work/got" || true
: >"$work/expected"
same "$work/expected" "$work/got" "codes outside facility 0x33 or not unsigned literals"
finish
