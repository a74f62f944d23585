/* What the monitor, winrmd-net and winrmd-auth say to each other.
 * Source: docs/host-protocol.md, "Inside the service". These three are always of one
 * release: the HELLO only checks that. */
#ifndef WSM_IPC_CONTROL_MESSAGES_H
#define WSM_IPC_CONTROL_MESSAGES_H

#include "ipc/frame.h"

enum { WSM_CONTROL_VERSION = 1 };

/* The descriptor on which net and auth find their channel to the monitor. */
enum { WSM_CONTROL_FD = 3 };

enum wsm_control_message {
    WSM_CONTROL_HELLO = 1,
    /* monitor to net and to auth */
    WSM_CONTROL_SETTINGS = 16,
    WSM_CONTROL_PEER = 17, /* + descriptor: the channel between net and auth */
    /* monitor to net */
    WSM_CONTROL_LISTENER = 18, /* + descriptor: a listening socket */
    WSM_CONTROL_HOST = 19,     /* + descriptor: connected to the host */
    WSM_CONTROL_HOSTS_END = 20,
    WSM_CONTROL_HOST_FAILED = 21,
    /* net to monitor */
    WSM_CONTROL_READY = 32,
    WSM_CONTROL_SERVED = 33,
    WSM_CONTROL_START_HOST = 34,
    WSM_CONTROL_CONNECT_HOST = 35,
    WSM_CONTROL_RELEASE = 36,
    /* auth to monitor */
    WSM_CONTROL_REGISTER = 48,
    /* net to auth */
    WSM_CONTROL_CHECK_PASSWORD = 64,
    /* auth to net */
    WSM_CONTROL_VERIFIED = 80,
    WSM_CONTROL_DENIED = 81,
};

struct wsm_control_hello {
    uint32_t version;
};

/* Strings NAME=VALUE: every setting of winrmd.conf that the receiver may know. */
struct wsm_control_settings {
    struct wsm_span values;
};

struct wsm_control_peer {
    uint8_t reserved;
};

struct wsm_control_listener {
    struct wsm_span url; /* http://127.0.0.1:5985/wsman */
};

/* A shell host, connected and checked: in answer to START_HOST or CONNECT_HOST
 * (request ≠ 0), or found by the scan after net or the monitor started (request 0). */
struct wsm_control_host {
    uint64_t request;
    uint64_t host_id; /* names the host in the run directory; never 0 */
    struct wsm_span shell_id;
    struct wsm_span owner;
};

/* The scan is over: from now on net answers for shells. */
struct wsm_control_hosts_end {
    uint8_t reserved;
};

struct wsm_control_host_failed {
    uint64_t request;
    uint64_t host_id; /* CONNECT_HOST only: that host does not exist (any more) */
    uint32_t code;
    struct wsm_span text;
};

/* Listening and ready to answer. */
struct wsm_control_ready {
    uint8_t reserved;
};

/* The first request since net started has been answered: its next death is no crash loop. */
struct wsm_control_served {
    uint8_t reserved;
};

struct wsm_control_start_host {
    uint64_t request;
    uint8_t token[WSM_TOKEN_LEN]; /* of a live log-on */
    struct wsm_span shell_id;     /* a GUID, checked by the monitor too */
};

/* A fresh connection to a host whose old one broke. */
struct wsm_control_connect_host {
    uint64_t request;
    uint64_t host_id;
};

/* net forgets a log-on. */
struct wsm_control_release {
    uint8_t token[WSM_TOKEN_LEN];
};

/* auth has verified a user and registers the log-on, before it tells net. */
struct wsm_control_register {
    uint8_t token[WSM_TOKEN_LEN];
    struct wsm_span user;
};

/* Basic. The password is wiped by sender and receiver after use. */
struct wsm_control_check_password {
    uint64_t request;
    struct wsm_span user;
    struct wsm_span password;
};

struct wsm_control_verified {
    uint64_t request;
    uint8_t token[WSM_TOKEN_LEN];
    struct wsm_span user; /* the name as in the users file */
    uint64_t file_inode;  /* of the users file at that moment */
    int64_t file_mtime_ns;
};

struct wsm_control_denied {
    uint64_t request;
    struct wsm_span reason; /* for the log, never for the peer */
};

extern const struct wsm_message_type wsm_control_hello_type, wsm_control_settings_type,
    wsm_control_peer_type, wsm_control_listener_type, wsm_control_host_type,
    wsm_control_hosts_end_type, wsm_control_host_failed_type, wsm_control_ready_type,
    wsm_control_served_type, wsm_control_start_host_type, wsm_control_connect_host_type,
    wsm_control_release_type, wsm_control_register_type, wsm_control_check_password_type,
    wsm_control_verified_type, wsm_control_denied_type;

#endif
