#!/bin/sh
# Builds the fuzz targets with clang's coverage, runs each over its kept corpus only, and
# prints how many lines of the reading side of each parser that covers. Fails below 85 %.
# Usage: sh tools/fuzz-coverage.sh [-u]
#   -u   names the functions with lines that are not covered, too
#
# What counts: the files below hold readers and writers of the same messages, and writers
# take nothing from a peer. So every function of such a file counts, except those that
# $writers names, and those of $others, which read nothing. A new function counts unless its
# name is there; a new file in src/proto counts unless all its functions are.
set -eu
cd "$(dirname "$0")/.."
build=build/fuzz-coverage
least=85

parsers="src/base/base64.c src/base/duration.c src/base/guid.c src/base/utf.c src/ipc/frame.c"
# The wide form runs only where the processor has it.
! grep -qw avx2 /proc/cpuinfo || parsers="$parsers src/base/base64_avx2.c"
parsers="$parsers src/ipc/settings_table.c src/ipc/stream_names.c $(echo src/proto/*.c)"
# What each process or library reads besides: of files, command lines, applications, peers.
for parser in auth/basic auth/user_name auth/users auth/users_file \
    monitor/config monitor/host_record monitor/kept_port monitor/listen_address monitor/options \
    server/command_line server/delivery server/request_head server/settings server/shell_report \
    host/environ host/line host/process \
    client/api_args client/http_response client/offsets client/options client/target client/texts \
    cli/host cli/options cli/pick cli/quote; do
    parsers="$parsers src/$parser.c"
done

# By the word in their names: those that write, append, encode or escape. Then the parts of
# writers that are called otherwise, and the sizes that callers plan their writing with.
writers='(^|[:_])(write|append|encode|escape|escaped)(_|$)'
writers="$writers|^wsm_(request|response|receive_response)_(begin|end|stream|state)$"
writers="$writers|_(data_max|overhead)$|^wsm_(shell_item_init|buffer_mode_name|envelope_to_utf16)$"
writers="$writers|^wsm_(guid_from_random|http_length_fill|strings_add)$"
writers="$writers|^base64_avx2.c:(values_to_chars|split_values)$|^frame.c:put_little$"
writers="$writers|^fault.c:(rule_of_code|action_of|start_of)$"
writers="$writers|^http.c:(is_line_text|reason_of)$|^identify.c:next_word$|^wsm_cli_quote_seconds$"

# Passwords against hashes (slow by design).
others='^wsm_users_check$|^users.c:is_same_hash$'
# Opening, finding and removing files; who and where we are.
others="$others|^users_file.c:check_owner$"
others="$others|^wsm_config_(load|this_user|default_path)$|^config.c:(read_file|run_path|config_path)$"
others="$others|^wsm_host_record_(save|load|remove)$|^wsm_process_start$"
# Walking /proc, and signals.
others="$others|^wsm_process_(list_|signal_all|has_strangers)"
others="$others|^process.c:(read_|list_|keep_|is_|has_|compare_|mark|find|signal)"
# Decisions about what was read, and what is known of a session or a stream.
others="$others|^wsm_(carrier_|delivery_|shell_report_unknown$)|^delivery.c:"
others="$others|^wsm_options_(set_number|set_retry_time|number|text|machine_id|send_max|timeout)$"
others="$others|^wsm_offsets_take$|^offsets.c:(check_piece|check_room|learn|place)$"
others="$others|^wsm_option_texts_put$|^wsm_api_(is_psrpclient|give_text|buffer_mode)$"

targets=
for source in fuzz/*_fuzz.c; do
    targets="$targets $(basename "$source" .c)"
done

mkdir -p "$build"
# shellcheck disable=SC2086 # a list of names
{
    cmake --preset clang -B "$build" -DCMAKE_C_FLAGS="-fprofile-instr-generate -fcoverage-mapping" &&
        cmake --build "$build" --target $targets
} >"$build/log" 2>&1 || {
    tail -n 60 "$build/log"
    exit 1
}

rm -rf "$build/profiles"
mkdir "$build/profiles"
objects=
for name in $targets; do
    LLVM_PROFILE_FILE=$build/profiles/$name.profraw "$build/bin/$name" -runs=0 \
        -artifact_prefix="$build/" "fuzz/corpus/$name" >"$build/log" 2>&1 || {
        tail -n 40 "$build/log"
        echo "fuzz-coverage: $name fails on its own corpus" >&2
        exit 1
    }
    objects="$objects${objects:+ -object} $build/bin/$name"
done
llvm-profdata-14 merge -o "$build/profiles/all.profdata" "$build"/profiles/*.profraw

# Columns: name, then count, missed and share of regions, of lines, and of branches.
sources=
for parser in $parsers; do
    sources="$sources $(pwd)/$parser"
done
# Static functions of one name in files of one name (options.c) are one to it: it warns, and
# leaves them out.
# shellcheck disable=SC2086 # lists of names
llvm-cov-14 report -show-functions -instr-profile "$build/profiles/all.profdata" \
    $objects $sources >"$build/functions" 2>"$build/log" || {
    cat "$build/log"
    exit 1
}
awk -v top="$(pwd)/" -v parsers="$parsers" -v writers="$writers|$others" -v least="$least" \
    -v each="${1-}" '
    $1 == "File" {
        file = $2
        gsub(/\047|:$/, "", file)
        file = substr(file, length(top) + 1)
    }
    NF != 10 || $1 == "Name" || $1 == "TOTAL" { next }
    { functions[file]++ }
    $1 ~ writers { next }
    {
        lines[file] += $5
        missed[file] += $6
        if ($6 > 0)
            misses[file] = misses[file] sprintf("    %s: %d of %d lines missed\n", $1, $6, $5)
    }
    END {
        count = split(parsers, names, " ")
        for (i = 1; i <= count; i++) {
            file = names[i]
            if (functions[file] == 0) {
                print "fuzz-coverage: " file ": in no fuzz target"
                failed = 1
            }
            if (lines[file] == 0)
                continue
            covered = lines[file] - missed[file]
            percent = covered * 100 / lines[file]
            printf "fuzz-coverage: %-32s %4d of %4d lines, %5.1f %%\n", file, covered,
                lines[file], percent
            if (each == "-u")
                printf "%s", misses[file]
            if (percent < least) {
                print "fuzz-coverage: " file ": the corpora cover less than " least " %"
                failed = 1
            }
        }
        exit failed
    }' "$build/functions"
