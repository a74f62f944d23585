/* Notices of a shell: what WSManCreateShell's or WSManConnectShell's callback is told about
 * the link after it has completed. */
#ifndef WSM_CLIENT_NOTICE_H
#define WSM_CLIENT_NOTICE_H

#include "client/async.h"

struct wsm_shell;

/* WSManCallbackFlags' numbers; the enum itself stays at the API border. */
enum wsm_notice_kind {
    WSM_NOTICE_DISCONNECTED = 0x40,
    WSM_NOTICE_FAILURE = 0x100,
    WSM_NOTICE_RETRYING = 0x200,
    WSM_NOTICE_RECONNECTED = 0x400,
    WSM_NOTICE_DISCONNECTING = 0x800,
    WSM_NOTICE_ABORTED = 0x1000,
};

struct wsm_notice {
    struct wsm_strand_item item;
    struct wsm_list node;    /* of whoever keeps it until it is posted */
    struct wsm_shell *shell; /* held from the posting on */
    struct wsm_callee callee;
    uintptr_t shell_handle;
    enum wsm_notice_kind kind;
};

/* Owned by the caller until posted; free(). NULL: no memory. */
struct wsm_notice *wsm_notice_new(void) WSM_MUST_CHECK;
/* Queues it behind the shell's callbacks so far; transfers it. */
void wsm_notice_post(struct wsm_notice *notice, struct wsm_shell *shell, enum wsm_notice_kind kind);

/* api_callback.c: calls the application, on a dispatcher thread. */
void wsm_notice_run(struct wsm_strand_item *item);

#endif
