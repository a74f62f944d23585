# The manual pages of section 3: one for each function that the library exports, with every
# section; and those that read them find nothing wrong with these and the other pages.
# Arguments: the library, the folder of the made pages, that of the written ones.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
library=$1
made=$2
written=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "FAIL: $*" >&2
    exit 1
}

nm -D --defined-only "$library" | sed -n 's/.* \(WSMan[A-Za-z0-9]*\)@@.*/\1/p' | sort >"$work/functions"
[ -s "$work/functions" ] || fail "no functions in $library"
(cd "$made" && ls -- *.3) | sed 's/\.3$//' | sort >"$work/pages"
{
    cat "$work/functions"
    printf '%s\n' libwsmsvc WSMAN_SHELL_COMPLETION_FUNCTION WSMAN_EXT_IDENTIFY_FUNCTION WSMAN_EXT_LIST_FUNCTION
} | sort | diff - "$work/pages" || fail 'functions (<) and pages (>) differ'

while read -r function; do
    for section in NAME LIBRARY SYNOPSIS DESCRIPTION PARAMETERS 'RETURN VALUE' ERRORS THREADS SOURCE 'SEE ALSO'; do
        # the heading, and at least a line below it
        awk -v heading=".SH $section" '$0 == heading { found = 1; next } /^\.SH/ { found = 0 }
            found { lines++ } END { exit lines == 0 }' "$made/$function.3" || fail "$function.3: no $section"
    done
done <"$work/functions"

# Every page that is named is there.
cat "$made"/*.3 | grep -oE '(WSMan[A-Za-z0-9]+|WSMAN_[A-Z_]+)(\\fP| )\(3\)' | sed 's/[\\ ].*//' | sort -u >"$work/named"
[ -s "$work/named" ] || fail 'no page names another'
comm -23 "$work/named" "$work/pages" >"$work/missing"
[ -s "$work/missing" ] && fail "named, but not there: $(tr '\n' ' ' <"$work/missing")"

checkers=0
if command -v man >"$work/which"; then
    checkers=$((checkers + 1))
    MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$made"/*.3 "$written"/*.[1-9] \
        >"$work/output" 2>"$work/warnings" || fail "man: $(cat "$work/warnings")"
    [ -s "$work/warnings" ] && fail "man: $(cat "$work/warnings")"
    grep -q 'WSManCreateShell' "$work/output" || fail 'man wrote nothing'
fi
if command -v mandoc >"$work/which"; then
    checkers=$((checkers + 1))
    mandoc -Tlint -Werror "$made"/*.3 "$written"/*.[1-9] || fail mandoc
fi
[ "$checkers" -gt 0 ] || fail 'neither man nor mandoc is here (package man-db)'
echo "$(wc -l <"$work/pages") pages, $checkers checkers"
