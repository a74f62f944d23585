/* The list of shells as text for people and for programs. */
#ifndef WSM_CLI_PS_PRINT_H
#define WSM_CLI_PS_PRINT_H

#include "listing.h"

#include <stdio.h>

/* A line of headings, then one for each command, and one for each shell without any; with
 * `has_streams` one for each output stream below its command. */
void wsm_cli_ps_print_text(FILE *out, const struct wsm_cli_listing *listing, bool has_streams);

/* One JSON array of shells, with all that is known, on one line. */
void wsm_cli_ps_print_json(FILE *out, const struct wsm_cli_listing *listing);

#endif
