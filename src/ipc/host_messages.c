/* The wire format of what winrmd-net and a shell host say to each other:
 * tables only. Each lists the fields of its struct in wire order. */
#include "ipc/host_messages.h"

#define FIELD(type, message, member)                                         \
    {                                                                        \
        .kind = WSM_FIELD_##type, .offset = offsetof(struct message, member) \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct wsm_field host_hello_fields[] = {
    FIELD(U32, wsm_host_hello, lowest),
    FIELD(U32, wsm_host_hello, highest),
    FIELD(U64, wsm_host_hello, features),
};
const struct wsm_message_type wsm_host_hello_type = {
    .type = WSM_HOST_HELLO,
    .name = "HELLO",
    .fields = host_hello_fields,
    .field_count = COUNT_OF(host_hello_fields),
};

static const struct wsm_field host_open_fields[] = {
    FIELD(U64, wsm_host_open, request),
    FIELD(SPAN, wsm_host_open, resource_uri),
    FIELD(SPAN, wsm_host_open, input_streams),
    FIELD(SPAN, wsm_host_open, output_streams),
    FIELD(SPAN, wsm_host_open, working_directory),
    FIELD(SPAN, wsm_host_open, environment),
    FIELD(U32, wsm_host_open, code_page),
    FIELD(I64, wsm_host_open, idle_timeout_ms),
    FIELD(I64, wsm_host_open, drain_timeout_ms),
    FIELD(U32, wsm_host_open, commands_max),
    FIELD(U8, wsm_host_open, can_disconnect),
    FIELD(U8, wsm_host_open, buffer_mode),
    FIELD(U32, wsm_host_open, client_version),
    FIELD(SPAN, wsm_host_open, session_id),
    FIELD(SPAN, wsm_host_open, create_message_id),
    FIELD(SPAN, wsm_host_open, name),
    FIELD(SPAN, wsm_host_open, client_ip),
};
const struct wsm_message_type wsm_host_open_type = {
    .type = WSM_HOST_OPEN,
    .name = "OPEN",
    .fields = host_open_fields,
    .field_count = COUNT_OF(host_open_fields),
};

static const struct wsm_field host_run_fields[] = {
    FIELD(U64, wsm_host_run, request),     FIELD(SPAN, wsm_host_run, message_id),
    FIELD(SPAN, wsm_host_run, command_id), FIELD(U8, wsm_host_run, skip_shell),
    FIELD(SPAN, wsm_host_run, command),    FIELD(SPAN, wsm_host_run, arguments),
};
const struct wsm_message_type wsm_host_run_type = {
    .type = WSM_HOST_RUN,
    .name = "RUN",
    .fields = host_run_fields,
    .field_count = COUNT_OF(host_run_fields),
};

static const struct wsm_field host_input_fields[] = {
    FIELD(U64, wsm_host_input, request),     FIELD(SPAN, wsm_host_input, message_id),
    FIELD(SPAN, wsm_host_input, command_id), FIELD(SPAN, wsm_host_input, stream),
    FIELD(U8, wsm_host_input, end),          FIELD(SPAN, wsm_host_input, data),
};
const struct wsm_message_type wsm_host_input_type = {
    .type = WSM_HOST_INPUT,
    .name = "INPUT",
    .fields = host_input_fields,
    .field_count = COUNT_OF(host_input_fields),
};

static const struct wsm_field host_fetch_fields[] = {
    FIELD(U64, wsm_host_fetch, request),
    FIELD(SPAN, wsm_host_fetch, command_id),
    FIELD(U32, wsm_host_fetch, streams),
    FIELD(U64, wsm_host_fetch, from[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_fetch, from[WSM_HOST_STDERR]),
    FIELD(U32, wsm_host_fetch, max_bytes),
    FIELD(U32, wsm_host_fetch, max_pieces),
};
const struct wsm_message_type wsm_host_fetch_type = {
    .type = WSM_HOST_FETCH,
    .name = "FETCH",
    .fields = host_fetch_fields,
    .field_count = COUNT_OF(host_fetch_fields),
};

static const struct wsm_field host_cancel_fields[] = {
    FIELD(U64, wsm_host_cancel, request),
};
const struct wsm_message_type wsm_host_cancel_type = {
    .type = WSM_HOST_CANCEL,
    .name = "CANCEL",
    .fields = host_cancel_fields,
    .field_count = COUNT_OF(host_cancel_fields),
};

static const struct wsm_field host_confirm_fields[] = {
    FIELD(SPAN, wsm_host_confirm, command_id),
    FIELD(U64, wsm_host_confirm, upto[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_confirm, upto[WSM_HOST_STDERR]),
    FIELD(U8, wsm_host_confirm, final),
};
const struct wsm_message_type wsm_host_confirm_type = {
    .type = WSM_HOST_CONFIRM,
    .name = "CONFIRM",
    .fields = host_confirm_fields,
    .field_count = COUNT_OF(host_confirm_fields),
};

static const struct wsm_field host_signal_fields[] = {
    FIELD(U64, wsm_host_signal_request, request),
    FIELD(SPAN, wsm_host_signal_request, message_id),
    FIELD(SPAN, wsm_host_signal_request, command_id),
    FIELD(U32, wsm_host_signal_request, signal),
};
const struct wsm_message_type wsm_host_signal_type = {
    .type = WSM_HOST_SIGNAL,
    .name = "SIGNAL",
    .fields = host_signal_fields,
    .field_count = COUNT_OF(host_signal_fields),
};

static const struct wsm_field host_delete_fields[] = {
    FIELD(U64, wsm_host_delete, request),
};
const struct wsm_message_type wsm_host_delete_type = {
    .type = WSM_HOST_DELETE,
    .name = "DELETE",
    .fields = host_delete_fields,
    .field_count = COUNT_OF(host_delete_fields),
};

static const struct wsm_field host_shell_fields[] = {
    FIELD(U8, wsm_host_shell, is_open),
    FIELD(SPAN, wsm_host_shell, resource_uri),
    FIELD(SPAN, wsm_host_shell, input_streams),
    FIELD(SPAN, wsm_host_shell, output_streams),
    FIELD(I64, wsm_host_shell, idle_timeout_ms),
    FIELD(I64, wsm_host_shell, run_time_ms),
    FIELD(I64, wsm_host_shell, inactivity_ms),
    FIELD(SPAN, wsm_host_shell, working_directory),
    FIELD(U8, wsm_host_shell, can_disconnect),
    FIELD(U8, wsm_host_shell, buffer_mode),
    FIELD(U32, wsm_host_shell, client_version),
    FIELD(SPAN, wsm_host_shell, session_id),
    FIELD(SPAN, wsm_host_shell, create_message_id),
    FIELD(SPAN, wsm_host_shell, name),
    FIELD(SPAN, wsm_host_shell, client_ip),
    FIELD(U8, wsm_host_shell, connection),
    FIELD(U8, wsm_host_shell, is_taken),
    FIELD(U32, wsm_host_shell, processes),
    FIELD(U64, wsm_host_shell, memory_kib),
};
const struct wsm_message_type wsm_host_shell_type = {
    .type = WSM_HOST_SHELL,
    .name = "SHELL",
    .fields = host_shell_fields,
    .field_count = COUNT_OF(host_shell_fields),
};

static const struct wsm_field host_command_fields[] = {
    FIELD(SPAN, wsm_host_command, command_id),
    FIELD(U64, wsm_host_command, confirmed[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_command, confirmed[WSM_HOST_STDERR]),
    FIELD(U64, wsm_host_command, served[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_command, served[WSM_HOST_STDERR]),
    FIELD(U64, wsm_host_command, served_again[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_command, served_again[WSM_HOST_STDERR]),
    FIELD(U64, wsm_host_command, end[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_command, end[WSM_HOST_STDERR]),
    FIELD(U64, wsm_host_command, dropped[WSM_HOST_STDOUT]),
    FIELD(U64, wsm_host_command, dropped[WSM_HOST_STDERR]),
    FIELD(U8, wsm_host_command, is_done),
    FIELD(U32, wsm_host_command, exit_code),
    FIELD(SPAN, wsm_host_command, line),
};
const struct wsm_message_type wsm_host_command_type = {
    .type = WSM_HOST_COMMAND,
    .name = "COMMAND",
    .fields = host_command_fields,
    .field_count = COUNT_OF(host_command_fields),
};

static const struct wsm_field host_report_end_fields[] = {
    FIELD(U64, wsm_host_report_end, request),
};
const struct wsm_message_type wsm_host_report_end_type = {
    .type = WSM_HOST_REPORT_END,
    .name = "REPORT_END",
    .fields = host_report_end_fields,
    .field_count = COUNT_OF(host_report_end_fields),
};

static const struct wsm_field host_done_fields[] = {
    FIELD(U64, wsm_host_done, request),
};
const struct wsm_message_type wsm_host_done_type = {
    .type = WSM_HOST_DONE,
    .name = "DONE",
    .fields = host_done_fields,
    .field_count = COUNT_OF(host_done_fields),
};

static const struct wsm_field host_failed_fields[] = {
    FIELD(U64, wsm_host_failed, request),
    FIELD(U32, wsm_host_failed, code),
    FIELD(SPAN, wsm_host_failed, text),
};
const struct wsm_message_type wsm_host_failed_type = {
    .type = WSM_HOST_FAILED,
    .name = "FAILED",
    .fields = host_failed_fields,
    .field_count = COUNT_OF(host_failed_fields),
};

static const struct wsm_field host_output_fields[] = {
    FIELD(U64, wsm_host_output, request),
    FIELD(U8, wsm_host_output, stream),
    FIELD(U64, wsm_host_output, offset),
    FIELD(SPAN, wsm_host_output, data),
};
const struct wsm_message_type wsm_host_output_type = {
    .type = WSM_HOST_OUTPUT,
    .name = "OUTPUT",
    .fields = host_output_fields,
    .field_count = COUNT_OF(host_output_fields),
};

static const struct wsm_field host_answer_fields[] = {
    FIELD(U64, wsm_host_answer, request),   FIELD(U8, wsm_host_answer, is_done),
    FIELD(U32, wsm_host_answer, exit_code), FIELD(U32, wsm_host_answer, ended),
    FIELD(U8, wsm_host_answer, parked),
};
const struct wsm_message_type wsm_host_answer_type = {
    .type = WSM_HOST_ANSWER,
    .name = "ANSWER",
    .fields = host_answer_fields,
    .field_count = COUNT_OF(host_answer_fields),
};

static const struct wsm_field host_gone_fields[] = {
    FIELD(U32, wsm_host_gone, code),
    FIELD(SPAN, wsm_host_gone, text),
};
const struct wsm_message_type wsm_host_gone_type = {
    .type = WSM_HOST_GONE,
    .name = "GONE",
    .fields = host_gone_fields,
    .field_count = COUNT_OF(host_gone_fields),
};

static const struct wsm_field host_disconnect_fields[] = {
    FIELD(U64, wsm_host_disconnect, request),     FIELD(U8, wsm_host_disconnect, is_automatic),
    FIELD(U8, wsm_host_disconnect, buffer_mode),  FIELD(I64, wsm_host_disconnect, idle_timeout_ms),
    FIELD(SPAN, wsm_host_disconnect, session_id),
};
const struct wsm_message_type wsm_host_disconnect_type = {
    .type = WSM_HOST_DISCONNECT,
    .name = "DISCONNECT",
    .fields = host_disconnect_fields,
    .field_count = COUNT_OF(host_disconnect_fields),
};

static const struct wsm_field host_connect_fields[] = {
    FIELD(U64, wsm_host_connect, request),
    FIELD(U8, wsm_host_connect, buffer_mode),
    FIELD(U32, wsm_host_connect, client_version),
    FIELD(SPAN, wsm_host_connect, session_id),
};
const struct wsm_message_type wsm_host_connect_type = {
    .type = WSM_HOST_CONNECT,
    .name = "CONNECT",
    .fields = host_connect_fields,
    .field_count = COUNT_OF(host_connect_fields),
};

static const struct wsm_field host_inspect_fields[] = {
    FIELD(U64, wsm_host_inspect, request),
};
const struct wsm_message_type wsm_host_inspect_type = {
    .type = WSM_HOST_INSPECT,
    .name = "INSPECT",
    .fields = host_inspect_fields,
    .field_count = COUNT_OF(host_inspect_fields),
};

static const struct wsm_field host_started_fields[] = {
    FIELD(U64, wsm_host_started, request),
    FIELD(SPAN, wsm_host_started, command_id),
};
const struct wsm_message_type wsm_host_started_type = {
    .type = WSM_HOST_STARTED,
    .name = "STARTED",
    .fields = host_started_fields,
    .field_count = COUNT_OF(host_started_fields),
};
