/* The wire format of what the monitor, winrmd-net and winrmd-auth say to each other:
 * tables only. Each lists the fields of its struct in wire order. */
#include "ipc/control_messages.h"

#define FIELD(type, message, member)                                         \
    {                                                                        \
        .kind = WSM_FIELD_##type, .offset = offsetof(struct message, member) \
    }
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct wsm_field control_hello_fields[] = {
    FIELD(U32, wsm_control_hello, version),
};
const struct wsm_message_type wsm_control_hello_type = {
    .type = WSM_CONTROL_HELLO,
    .name = "HELLO",
    .fields = control_hello_fields,
    .field_count = COUNT_OF(control_hello_fields),
};

static const struct wsm_field control_settings_fields[] = {
    FIELD(SPAN, wsm_control_settings, values),
};
const struct wsm_message_type wsm_control_settings_type = {
    .type = WSM_CONTROL_SETTINGS,
    .name = "SETTINGS",
    .fields = control_settings_fields,
    .field_count = COUNT_OF(control_settings_fields),
};

static const struct wsm_field control_peer_fields[] = {
    FIELD(U8, wsm_control_peer, reserved),
};
const struct wsm_message_type wsm_control_peer_type = {
    .type = WSM_CONTROL_PEER,
    .name = "PEER",
    .fields = control_peer_fields,
    .field_count = COUNT_OF(control_peer_fields),
};

static const struct wsm_field control_listener_fields[] = {
    FIELD(SPAN, wsm_control_listener, url),
};
const struct wsm_message_type wsm_control_listener_type = {
    .type = WSM_CONTROL_LISTENER,
    .name = "LISTENER",
    .fields = control_listener_fields,
    .field_count = COUNT_OF(control_listener_fields),
};

static const struct wsm_field control_host_fields[] = {
    FIELD(U64, wsm_control_host, request),
    FIELD(U64, wsm_control_host, host_id),
    FIELD(SPAN, wsm_control_host, shell_id),
    FIELD(SPAN, wsm_control_host, owner),
};
const struct wsm_message_type wsm_control_host_type = {
    .type = WSM_CONTROL_HOST,
    .name = "HOST",
    .fields = control_host_fields,
    .field_count = COUNT_OF(control_host_fields),
};

static const struct wsm_field control_hosts_end_fields[] = {
    FIELD(U8, wsm_control_hosts_end, reserved),
};
const struct wsm_message_type wsm_control_hosts_end_type = {
    .type = WSM_CONTROL_HOSTS_END,
    .name = "HOSTS_END",
    .fields = control_hosts_end_fields,
    .field_count = COUNT_OF(control_hosts_end_fields),
};

static const struct wsm_field control_host_failed_fields[] = {
    FIELD(U64, wsm_control_host_failed, request),
    FIELD(U64, wsm_control_host_failed, host_id),
    FIELD(U32, wsm_control_host_failed, code),
    FIELD(SPAN, wsm_control_host_failed, text),
};
const struct wsm_message_type wsm_control_host_failed_type = {
    .type = WSM_CONTROL_HOST_FAILED,
    .name = "HOST_FAILED",
    .fields = control_host_failed_fields,
    .field_count = COUNT_OF(control_host_failed_fields),
};

static const struct wsm_field control_ready_fields[] = {
    FIELD(U8, wsm_control_ready, reserved),
};
const struct wsm_message_type wsm_control_ready_type = {
    .type = WSM_CONTROL_READY,
    .name = "READY",
    .fields = control_ready_fields,
    .field_count = COUNT_OF(control_ready_fields),
};

static const struct wsm_field control_served_fields[] = {
    FIELD(U8, wsm_control_served, reserved),
};
const struct wsm_message_type wsm_control_served_type = {
    .type = WSM_CONTROL_SERVED,
    .name = "SERVED",
    .fields = control_served_fields,
    .field_count = COUNT_OF(control_served_fields),
};

static const struct wsm_field control_start_host_fields[] = {
    FIELD(U64, wsm_control_start_host, request),
    FIELD(TOKEN, wsm_control_start_host, token),
    FIELD(SPAN, wsm_control_start_host, shell_id),
};
const struct wsm_message_type wsm_control_start_host_type = {
    .type = WSM_CONTROL_START_HOST,
    .name = "START_HOST",
    .fields = control_start_host_fields,
    .field_count = COUNT_OF(control_start_host_fields),
};

static const struct wsm_field control_connect_host_fields[] = {
    FIELD(U64, wsm_control_connect_host, request),
    FIELD(U64, wsm_control_connect_host, host_id),
};
const struct wsm_message_type wsm_control_connect_host_type = {
    .type = WSM_CONTROL_CONNECT_HOST,
    .name = "CONNECT_HOST",
    .fields = control_connect_host_fields,
    .field_count = COUNT_OF(control_connect_host_fields),
};

static const struct wsm_field control_release_fields[] = {
    FIELD(TOKEN, wsm_control_release, token),
};
const struct wsm_message_type wsm_control_release_type = {
    .type = WSM_CONTROL_RELEASE,
    .name = "RELEASE",
    .fields = control_release_fields,
    .field_count = COUNT_OF(control_release_fields),
};

static const struct wsm_field control_register_fields[] = {
    FIELD(TOKEN, wsm_control_register, token),
    FIELD(SPAN, wsm_control_register, user),
};
const struct wsm_message_type wsm_control_register_type = {
    .type = WSM_CONTROL_REGISTER,
    .name = "REGISTER",
    .fields = control_register_fields,
    .field_count = COUNT_OF(control_register_fields),
};

static const struct wsm_field control_check_password_fields[] = {
    FIELD(U64, wsm_control_check_password, request),
    FIELD(SPAN, wsm_control_check_password, user),
    FIELD(SPAN, wsm_control_check_password, password),
};
const struct wsm_message_type wsm_control_check_password_type = {
    .type = WSM_CONTROL_CHECK_PASSWORD,
    .name = "CHECK_PASSWORD",
    .fields = control_check_password_fields,
    .field_count = COUNT_OF(control_check_password_fields),
    .is_secret = true,
};

static const struct wsm_field control_verified_fields[] = {
    FIELD(U64, wsm_control_verified, request),       FIELD(TOKEN, wsm_control_verified, token),
    FIELD(SPAN, wsm_control_verified, user),         FIELD(U64, wsm_control_verified, file_inode),
    FIELD(I64, wsm_control_verified, file_mtime_ns),
};
const struct wsm_message_type wsm_control_verified_type = {
    .type = WSM_CONTROL_VERIFIED,
    .name = "VERIFIED",
    .fields = control_verified_fields,
    .field_count = COUNT_OF(control_verified_fields),
};

static const struct wsm_field control_denied_fields[] = {
    FIELD(U64, wsm_control_denied, request),
    FIELD(SPAN, wsm_control_denied, reason),
};
const struct wsm_message_type wsm_control_denied_type = {
    .type = WSM_CONTROL_DENIED,
    .name = "DENIED",
    .fields = control_denied_fields,
    .field_count = COUNT_OF(control_denied_fields),
};
