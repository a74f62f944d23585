/* Finds a shell and makes the arguments of Connect. Main thread. */
#include "target.h"

#include "message.h"
#include "pick.h"
#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

/* Says who holds the shell, as far as the service tells. */
static int fail_held(const struct wsm_cli_session *session, const struct wsm_cli_shell_info *shell)
{
    char *holder = wsm_cli_quote_visible(shell->holder);
    char *idle = wsm_cli_quote_seconds(shell->inactivity_s);
    char *age = wsm_cli_quote_seconds(shell->run_time_s);

    wsm_cli_fail(0, "%s: shell %s is held by %s%s (made %s ago, idle %s); --take takes it away",
                 session->label, shell->id, *holder != '\0' ? "session " : "another client", holder,
                 age, idle);
    free(age);
    free(idle);
    free(holder);
    return WSM_CLI_PROTOCOL;
}

/* What the service knows to have arrived of a stream. */
static bool find_confirmed(const struct wsm_cli_command_info *command, const char *stream,
                           uint64_t *out)
{
    for (size_t i = 0; i < command->stream_count; i++) {
        if (strcmp(command->streams[i].name, stream) == 0) {
            *out = command->streams[i].confirmed;
            return true;
        }
    }
    return false;
}

/* Where the output goes on. False: where the service thinks, as it does not count, or as
 * its holder's Receives may confirm more until the shell is taken. Saying what it knows
 * itself lets the library see, and count, what was dropped right behind that. */
static bool find_resume(const struct wsm_cli_target *target, const struct wsm_cli_resume *wanted,
                        bool is_taken_away, struct wsm_cli_resume *out)
{
    struct wsm_cli_resume resume = *wanted;
    bool has_out = resume.has_out || find_confirmed(target->command, "stdout", &resume.out);
    bool has_err = resume.has_err || find_confirmed(target->command, "stderr", &resume.err);

    if (!wanted->has_out && (is_taken_away || !has_out || !has_err))
        return false;
    *out = resume;
    return true;
}

static int build_resume(struct wsm_cli_target *target, const struct wsm_cli_resume *resume)
{
    char *from = wsm_cli_format("stdout=%" PRIu64 ":%" PRIu64 " stderr=%" PRIu64 ":%" PRIu64,
                                resume->out, resume->out, resume->err, resume->err);

    target->from = wsm_cli_utf16("--resume-at", from);
    free(from);
    target->command_option = (WSMAN_OPTION){ .name = WSMAN_EXT_OPTION_FROM, .value = target->from };
    target->command_options = (WSMAN_OPTION_SET){ .optionsCount = 1,
                                                  .options = &target->command_option };
    return target->from != NULL ? WSM_CLI_OK : WSM_CLI_PROTOCOL;
}

static int build(struct wsm_cli_target *target, const struct wsm_cli_options *options,
                 bool is_taken_away)
{
    struct wsm_cli_resume resume;

    target->shell_id = wsm_cli_utf16("the shell id", target->shell->id);
    target->resource_uri = wsm_cli_utf16("the resource URI", target->shell->resource_uri);
    if (target->shell_id == NULL || target->resource_uri == NULL)
        return WSM_CLI_PROTOCOL;
    if (is_taken_away) {
        target->option = (WSMAN_OPTION){ .name = WSMAN_EXT_OPTION_TAKEOVER,
                                         .value = WSMAN_TEXT("true") };
        target->options = (WSMAN_OPTION_SET){ .optionsCount = 1, .options = &target->option };
    }
    if (target->command == NULL)
        return WSM_CLI_OK;
    target->command_id = wsm_cli_utf16("the command id", target->command->id);
    if (target->command_id == NULL)
        return WSM_CLI_PROTOCOL;
    return find_resume(target, &options->resume, is_taken_away, &resume)
               ? build_resume(target, &resume)
               : WSM_CLI_OK;
}

int wsm_cli_target_find(struct wsm_cli_target *target, const struct wsm_cli_session *session,
                        struct wsm_cli_events *events, enum wsm_cli_want want, bool is_taken_away)
{
    const char *id = session->options->id;
    struct wsm_cli_shell_info *shell;
    bool is_gone = false;
    int status;

    *target = (struct wsm_cli_target){ 0 };
    status = wsm_cli_listing_get(&target->listing, session, events);
    if (status == WSM_CLI_OK)
        status = wsm_cli_pick_shell(&target->listing, id, session->label, &shell);
    if (status != WSM_CLI_OK)
        return status;
    target->shell = shell;
    if (want == WSM_CLI_WANT_COMMAND) {
        status = wsm_cli_listing_get_commands(&target->listing, session, shell, &is_gone);
        if (status == WSM_CLI_OK && is_gone)
            status = wsm_cli_fail(WSM_CLI_PROTOCOL, "%s: shell %s has just ended", session->label,
                                  shell->id);
        if (status == WSM_CLI_OK)
            status = wsm_cli_pick_command(shell, id, session->label, &target->command);
        if (status == WSM_CLI_OK && !is_taken_away && wsm_cli_shell_is_held(shell))
            status = fail_held(session, shell);
    }
    return status == WSM_CLI_OK ? build(target, session->options, is_taken_away) : status;
}

void wsm_cli_target_clear(struct wsm_cli_target *target)
{
    WSManExtFree(target->shell_id);
    WSManExtFree(target->command_id);
    WSManExtFree(target->resource_uri);
    WSManExtFree(target->from);
    wsm_cli_listing_clear(&target->listing);
    *target = (struct wsm_cli_target){ 0 };
}
