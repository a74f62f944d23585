/* Every message of both protocols between our processes. */
#ifndef WSM_TESTS_ALL_MESSAGES_H
#define WSM_TESTS_ALL_MESSAGES_H

#include "ipc/control_messages.h"
#include "ipc/host_messages.h"

static const struct wsm_message_type *const all_types[] = {
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
    &wsm_host_disconnect_type,
    &wsm_host_connect_type,
    &wsm_host_inspect_type,
    &wsm_host_started_type,
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

#endif
