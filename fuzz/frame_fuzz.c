/* wsm_frame_parse, wsm_message_parse, wsm_strings_next, wsm_strings_are_valid: a packet that is
 * a frame of a known message and is accepted gives the same payload when it is written again;
 * a valid list of strings is read to its end. */
#include "../tests/support/all_messages.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_frame frame;
    uint64_t message[64];
    bool is_list;

    if (wsm_frame_parse(wsm_span_of(data, size), &frame) != WSM_PARSE_DONE)
        return 0;
    for (size_t i = 0; i < sizeof(all_types) / sizeof(all_types[0]); i++) {
        struct wsm_buf again = WSM_BUF_INIT;

        if (all_types[i]->type != frame.type ||
            !wsm_message_parse(all_types[i], frame.payload, message))
            continue;
        wsm_message_write(&again, all_types[i], message);
        if (!wsm_buf_ok(&again) || !wsm_span_equal(wsm_buf_span(&again), frame.payload))
            abort();
        wsm_buf_clear(&again);
    }
    is_list = wsm_strings_are_valid(frame.payload);
    for (const char *text; wsm_strings_next(&frame.payload, &text);)
        if (strlen(text) > size)
            abort();
    if (is_list && frame.payload.len > 0)
        abort();
    return 0;
}
