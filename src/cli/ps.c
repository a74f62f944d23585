/* winrmc ps: the shells of the user and their commands. Main thread. */
#include "verbs.h"

#include "listing.h"
#include "message.h"
#include "ps_print.h"
#include "session.h"

#include <stdio.h>

static int get(struct wsm_cli_session *session, struct wsm_cli_events *events, void *context)
{
    struct wsm_cli_listing *listing = context;
    int status = wsm_cli_listing_get(listing, session, events);
    size_t i = 0;

    while (status == WSM_CLI_OK && i < listing->shell_count) {
        bool is_gone = false;

        status = wsm_cli_listing_get_commands(listing, session, &listing->shells[i], &is_gone);
        if (is_gone)
            wsm_cli_listing_remove(listing, &listing->shells[i]);
        else
            i++;
    }
    return status;
}

static int print(const struct wsm_cli_listing *listing, const struct wsm_cli_options *options)
{
    if (options->is_json)
        wsm_cli_ps_print_json(stdout, listing);
    else
        wsm_cli_ps_print_text(stdout, listing, options->is_verbose);
    if (fflush(stdout) == EOF || ferror(stdout))
        return wsm_cli_fail(WSM_CLI_LOCAL_IO, "standard output: %m");
    return WSM_CLI_OK;
}

int wsm_cli_ps(const struct wsm_cli_options *options, struct wsm_cli_signals *signals)
{
    struct wsm_cli_listing listing = { 0 };
    int status = wsm_cli_session_with(options, signals, get, &listing);

    if (status == WSM_CLI_OK)
        status = print(&listing, options);
    wsm_cli_listing_clear(&listing);
    return status;
}
