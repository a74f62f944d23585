/* wsm_frame_parse, wsm_message_parse, wsm_strings_next: a packet that is a frame of a known
 * message and is accepted gives the same payload when it is written again. */
#include "ipc/control_messages.h"
#include "ipc/host_messages.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wsm_message_type *const types[] = {
    &wsm_host_hello_type,
    &wsm_host_open_type,
    &wsm_host_run_type,
    &wsm_host_input_type,
    &wsm_host_fetch_type,
    &wsm_host_cancel_type,
    &wsm_host_confirm_type,
    &wsm_host_signal_type,
    &wsm_host_delete_type,
    &wsm_host_shell_type,
    &wsm_host_command_type,
    &wsm_host_report_end_type,
    &wsm_host_done_type,
    &wsm_host_failed_type,
    &wsm_host_output_type,
    &wsm_host_answer_type,
    &wsm_host_gone_type,
    &wsm_control_hello_type,
    &wsm_control_settings_type,
    &wsm_control_peer_type,
    &wsm_control_listener_type,
    &wsm_control_host_type,
    &wsm_control_hosts_end_type,
    &wsm_control_host_failed_type,
    &wsm_control_ready_type,
    &wsm_control_served_type,
    &wsm_control_start_host_type,
    &wsm_control_connect_host_type,
    &wsm_control_release_type,
    &wsm_control_register_type,
    &wsm_control_check_password_type,
    &wsm_control_verified_type,
    &wsm_control_denied_type,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_frame frame;
    uint64_t message[64];

    if (wsm_frame_parse(wsm_span_of(data, size), &frame) != WSM_PARSE_DONE)
        return 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct wsm_buf again = WSM_BUF_INIT;

        if (types[i]->type != frame.type || !wsm_message_parse(types[i], frame.payload, message))
            continue;
        wsm_message_write(&again, types[i], message);
        if (!wsm_buf_ok(&again) || !wsm_span_equal(wsm_buf_span(&again), frame.payload))
            abort();
        wsm_buf_clear(&again);
    }
    for (const char *text; wsm_strings_next(&frame.payload, &text);)
        if (strlen(text) > size)
            abort();
    return 0;
}
