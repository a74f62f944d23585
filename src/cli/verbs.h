/* The verbs of winrmc: one function each; main.c holds their table. */
#ifndef WSM_CLI_VERBS_H
#define WSM_CLI_VERBS_H

#include "options.h"
#include "signals.h"

/* Each does its work with options already read, says what failed, and returns the exit
 * code of the program. */
int wsm_cli_run(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
int wsm_cli_ps(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
int wsm_cli_attach(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
int wsm_cli_wait_verb(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
int wsm_cli_detach(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
int wsm_cli_kill(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);
int wsm_cli_id(const struct wsm_cli_options *options, struct wsm_cli_signals *signals);

#endif
