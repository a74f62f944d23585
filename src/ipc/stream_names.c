/* Lists of stream names. Pure; the loops of winrmd-net and of the shell host. */
#include "ipc/stream_names.h"

const char *const wsm_input_stream_names[1] = { "stdin" };
const char *const wsm_output_stream_names[WSM_HOST_STREAMS] = { "stdout", "stderr" };

bool wsm_stream_names_parse(struct wsm_span list, const char *const *names, size_t name_count,
                            uint32_t *out_bits)
{
    uint32_t bits = 0;
    size_t at = 0;

    while (at < list.len) {
        struct wsm_span word = { list.ptr + at, 0 };
        size_t i = 0;

        while (at < list.len && !wsm_is_xml_space(list.ptr[at])) {
            at++;
            word.len++;
        }
        at++;
        if (word.len == 0)
            continue;
        while (i < name_count && !wsm_span_is(word, names[i]))
            i++;
        if (i == name_count)
            return false;
        bits |= 1U << i;
    }
    *out_bits = bits;
    return true;
}
