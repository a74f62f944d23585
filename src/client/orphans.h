/* What was opened when its session or shell had gone already: the call lost a race against the
 * end of that. It can only be closed; nobody else owns it until the application does so, or the
 * library stops. Loop thread only. */
#ifndef WSM_CLIENT_ORPHANS_H
#define WSM_CLIENT_ORPHANS_H

struct wsm_command;
struct wsm_operation;
struct wsm_shell;

/* Borrowed; freeing it takes it out again. */
void wsm_orphans_add_shell(struct wsm_shell *shell);
void wsm_orphans_add_command(struct wsm_command *command);
void wsm_orphans_add_operation(struct wsm_operation *operation);

/* The library stops, all callbacks have returned: frees what is left, with its handles. */
void wsm_orphans_forget(void);

#endif
