/* What a host reports about its shell and commands, as the items of an answer. Pure. */
#ifndef WSM_SERVER_SHELL_REPORT_H
#define WSM_SERVER_SHELL_REPORT_H

#include "proto/shell_item.h"
#include "server/settings.h"
#include "server/shell_table.h"

enum {
    WSM_REPORT_TEXT_MAX = 4096, /* bytes of a text that goes into an item; longer: left out */
    WSM_REPORT_LINE_MAX = 512,  /* bytes of a command line; longer: cut off */
};

/* is_marked: the client announced itself. Borrows from all. */
void wsm_shell_report_item(const struct wsm_shell *shell, const struct wsm_host_shell *report,
                           const struct wsm_settings *settings, bool is_marked,
                           struct wsm_shell_item *out);
/* The same for a host that does not report in time: what is known without it. */
void wsm_shell_report_unknown(const struct wsm_shell *shell, bool is_marked,
                              struct wsm_shell_item *out);
/* A report that names no command: false. */
bool wsm_command_report_item(const struct wsm_host_command *report, bool is_marked,
                             struct wsm_command_item *out) WSM_MUST_CHECK;

#endif
