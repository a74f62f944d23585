/* Notices: made and queued by the loop thread. */
#include "client/notice.h"

#include "client/session.h"
#include "client/shell.h"

#include <stdlib.h>

struct wsm_notice *wsm_notice_new(void)
{
    struct wsm_notice *notice = calloc(1, sizeof(*notice));

    if (notice != NULL) {
        wsm_list_init(&notice->node);
        wsm_list_init(&notice->item.node);
    }
    return notice;
}

static void on_returned(struct wsm_message *message)
{
    struct wsm_strand_item *item = WSM_CONTAINER_OF(message, struct wsm_strand_item, returned);
    struct wsm_notice *notice = WSM_CONTAINER_OF(item, struct wsm_notice, item);
    struct wsm_session *session = notice->shell->session;

    wsm_shell_release(notice->shell);
    free(notice);
    wsm_session_callback_returned(session);
}

void wsm_notice_post(struct wsm_notice *notice, struct wsm_shell *shell, enum wsm_notice_kind kind)
{
    notice->shell = shell;
    notice->callee = shell->create.callee;
    notice->shell_handle = shell->handle;
    notice->kind = kind;
    notice->item.run = wsm_notice_run;
    notice->item.returned.handle = on_returned;
    wsm_shell_hold(shell);
    wsm_session_callback_queued(shell->session);
    wsm_strand_post(shell->strand, &notice->item);
}
