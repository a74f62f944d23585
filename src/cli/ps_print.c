/* Writes the list of shells. Main thread; whether the writing worked is its caller's to
 * ask of the stream. */
#include "ps_print.h"

#include "message.h"
#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOLDER_LEN 8 /* bytes of a session id that tell sessions apart well enough */
#define ROW        "%-36s %-12s %-8s %7s %7s %-36s %-8s %s\n"

/* Who holds it: a dash, or the beginning of a session id. Owned by the caller. */
static char *holder_word(const struct wsm_cli_shell_info *shell)
{
    static const char prefix[] = "uuid:";
    const char *holder = shell->holder;
    char *visible;
    char *word;
    size_t len;

    if (!wsm_cli_shell_is_held(shell))
        return wsm_cli_format("-");
    if (strncasecmp(holder, prefix, sizeof(prefix) - 1) == 0)
        holder += sizeof(prefix) - 1;
    visible = wsm_cli_quote_visible(*holder != '\0' ? holder : "client");
    len = strnlen(visible, HOLDER_LEN);
    while ((visible[len] & 0xC0) == 0x80)
        len--; /* not within a character */
    word = wsm_cli_format("%.*s", (int)len, visible);
    free(visible);
    return word;
}

static void print_row(FILE *out, const struct wsm_cli_shell_info *shell, const char *id,
                      const char *state, const char *line)
{
    char *holder = holder_word(shell);
    char *idle = wsm_cli_quote_seconds(shell->inactivity_s);
    char *age = wsm_cli_quote_seconds(shell->run_time_s);
    char *shell_id = wsm_cli_quote_visible(shell->id);
    char *shell_state = wsm_cli_quote_visible(shell->state);

    fprintf(out, ROW, shell_id, *shell_state != '\0' ? shell_state : "-", holder, idle, age, id,
            state, line);
    free(shell_state);
    free(shell_id);
    free(age);
    free(idle);
    free(holder);
}

static void print_streams(FILE *out, const struct wsm_cli_command_info *command)
{
    for (size_t i = 0; i < command->stream_count; i++) {
        const struct wsm_cli_stream_info *s = &command->streams[i];
        char *name = wsm_cli_quote_visible(s->name);

        fprintf(out,
                "  %s confirmed=%" PRIu64 " served=%" PRIu64 " served-again=%" PRIu64
                " end=%" PRIu64 " dropped=%" PRIu64 "\n",
                name, s->confirmed, s->served, s->served_again, s->end, s->dropped);
        free(name);
    }
}

static void print_command(FILE *out, const struct wsm_cli_shell_info *shell,
                          const struct wsm_cli_command_info *command)
{
    char *id = wsm_cli_quote_visible(command->id);
    char *line = wsm_cli_quote_visible(command->line);
    char *state = command->has_exit_code ? wsm_cli_format("Done/%u", command->exit_code)
                                         : wsm_cli_quote_visible(command->state);

    print_row(out, shell, id, *state != '\0' ? state : "-", line);
    free(state);
    free(line);
    free(id);
}

void wsm_cli_ps_print_text(FILE *out, const struct wsm_cli_listing *listing, bool has_streams)
{
    fprintf(out, ROW, "SHELL", "STATE", "HOLDER", "IDLE", "TIME", "COMMAND", "IS", "LINE");
    for (size_t i = 0; i < listing->shell_count; i++) {
        const struct wsm_cli_shell_info *shell = &listing->shells[i];

        if (shell->command_count == 0)
            print_row(out, shell, "-", "-", "-");
        for (size_t j = 0; j < shell->command_count; j++) {
            print_command(out, shell, &shell->commands[j]);
            if (has_streams)
                print_streams(out, &shell->commands[j]);
        }
    }
}

/* ---- JSON ---- */

static void put_text(FILE *out, const char *name, const char *value)
{
    char *quoted = wsm_cli_quote_json(value);

    fprintf(out, "\"%s\":%s,", name, quoted);
    free(quoted);
}

static void put_stream(FILE *out, const struct wsm_cli_stream_info *s)
{
    char *name = wsm_cli_quote_json(s->name);

    fprintf(out,
            "%s:{\"confirmed\":%" PRIu64 ",\"served\":%" PRIu64 ",\"servedAgain\":%" PRIu64
            ",\"end\":%" PRIu64 ",\"dropped\":%" PRIu64 "}",
            name, s->confirmed, s->served, s->served_again, s->end, s->dropped);
    free(name);
}

static void put_command(FILE *out, const struct wsm_cli_command_info *command)
{
    fputs("{", out);
    put_text(out, "commandId", command->id);
    put_text(out, "state", command->state);
    put_text(out, "commandLine", command->line);
    if (command->has_exit_code)
        fprintf(out, "\"exitCode\":%u,", command->exit_code);
    fputs("\"streams\":{", out);
    for (size_t i = 0; i < command->stream_count; i++) {
        fputs(i != 0 ? "," : "", out);
        put_stream(out, &command->streams[i]);
    }
    fputs("}}", out);
}

static void put_shell(FILE *out, const struct wsm_cli_shell_info *shell)
{
    fputs("{", out);
    put_text(out, "shellId", shell->id);
    put_text(out, "name", shell->name);
    put_text(out, "resourceUri", shell->resource_uri);
    put_text(out, "owner", shell->owner);
    put_text(out, "clientIP", shell->client_ip);
    put_text(out, "state", shell->state);
    put_text(out, "sessionId", shell->holder);
    put_text(out, "bufferMode", shell->buffer_mode);
    fprintf(out,
            "\"idleTimeoutMs\":%u,\"runTimeSeconds\":%u,\"inactivitySeconds\":%u,"
            "\"childProcesses\":%u,\"memoryKiB\":%" PRIu64 ",\"commands\":[",
            shell->idle_timeout_ms, shell->run_time_s, shell->inactivity_s, shell->child_processes,
            shell->memory_kib);
    for (size_t i = 0; i < shell->command_count; i++) {
        fputs(i != 0 ? "," : "", out);
        put_command(out, &shell->commands[i]);
    }
    fputs("]}", out);
}

void wsm_cli_ps_print_json(FILE *out, const struct wsm_cli_listing *listing)
{
    fputs("[", out);
    for (size_t i = 0; i < listing->shell_count; i++) {
        fputs(i != 0 ? "," : "", out);
        put_shell(out, &listing->shells[i]);
    }
    fputs("]\n", out);
}
