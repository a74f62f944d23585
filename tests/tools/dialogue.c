/* The conversation of dialogue.h. Callbacks run on the library's threads, all else on the
 * caller's. Calls are kept until their shell is gone, so that a second callback is seen. */
#include "dialogue.h"

#include "payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsmerror.h>

enum {
    CALLS_MAX = 32,
    OUTPUT_BYTES = 6000, /* of each stream, before the input and behind it */
    PIECE = 700,         /* that the command writes at once */
    INPUT_BEFORE = 3000, /* bytes, before the shell is let go */
    INPUT_BEHIND = 5000,
    EXIT_CODE = 40,
    TEXT_MAX = 2 * OUTPUT_BYTES + 256,
    SEED_BEHIND = 1, /* added for what comes behind the input */
    SEED_INPUT = 2,  /* added for the input */
    LIST_S = 10,
};

struct text {
    uint8_t bytes[LIVE_STREAMS][TEXT_MAX];
    size_t len[LIVE_STREAMS];
};

struct talk {
    struct dialogue *dialogue;
    struct live_call calls[CALLS_MAX];
    const char *names[CALLS_MAX];
    unsigned call_count;
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell;
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct live_call *next_call(struct talk *talk, const char *name)
{
    struct live_call *call = &talk->calls[talk->call_count];

    if (talk->call_count == CALLS_MAX)
        live_die("too many calls");
    talk->names[talk->call_count++] = name;
    live_call_init(call);
    return call;
}

/* Waits for its end, which must be a success or `allowed`. */
static void finish(struct talk *talk, struct live_call *call, double start, DWORD allowed)
{
    const char *name = talk->names[call - talk->calls];
    DWORD code = live_call_wait(call, name);
    double took = now_s() - start;

    if (code != 0 && code != allowed)
        live_die("%s: error %u (0x%x): %s", name, code, code, call->detail);
    if (took > talk->dialogue->slowest_s) {
        talk->dialogue->slowest_s = took;
        talk->dialogue->slowest = name;
    }
}

static void keep(struct live_output *output, int stream, const uint8_t *data, size_t len)
{
    struct text *text = output->user;

    if (len > TEXT_MAX - text->len[stream])
        live_die("%zu bytes of output are too many", text->len[stream] + len);
    memcpy(text->bytes[stream] + text->len[stream], data, len);
    text->len[stream] += len;
}

/* ---- calls ---- */

static WSMAN_COMMAND_HANDLE run(struct talk *talk, const char *line)
{
    struct live_call *call = next_call(talk, "WSManRunShellCommand");
    PWSTR wide = WSManExtUtf8ToUtf16(line);
    WSMAN_COMMAND_HANDLE command;
    double start = now_s();

    WSManRunShellCommand(talk->shell, 0, wide, NULL, NULL, &call->async, &command);
    WSManExtFree(wide);
    finish(talk, call, start, 0);
    return command;
}

static WSMAN_OPERATION_HANDLE receive(struct talk *talk, WSMAN_COMMAND_HANDLE command,
                                      struct live_output *output, struct text *text)
{
    live_output_init(output);
    output->user = text;
    output->on_data = keep;
    return live_receive(talk->shell, command, output);
}

static void send_input(struct talk *talk, WSMAN_COMMAND_HANDLE command, const void *data,
                       size_t len, bool is_end)
{
    struct live_call *call = next_call(talk, "WSManSendShellInput");
    double start = now_s();
    WSMAN_OPERATION_HANDLE operation = live_start_send(talk->shell, command, data, len, is_end,
                                                       call);

    finish(talk, call, start, 0);
    WSManCloseOperation(operation, 0);
}

static void interrupt(struct talk *talk, WSMAN_COMMAND_HANDLE command)
{
    struct live_call *call = next_call(talk, "WSManSignalShell");
    WSMAN_OPERATION_HANDLE operation;
    double start = now_s();

    WSManSignalShell(talk->shell, command, 0, WSMAN_SIGNAL_SHELL_CODE_CTRL_C, &call->async,
                     &operation);
    finish(talk, call, start, 0);
    WSManCloseOperation(operation, 0);
}

/* Where it has no answer in its time the shell stays disconnected, and one asks again (R-REC-6). */
static void reconnect(struct talk *talk)
{
    DWORD allowed = talk->dialogue->is_link_bad ? ERROR_WSMAN_NETWORK_TIMEDOUT : 0;
    struct live_call *call;

    do {
        double start = now_s();

        call = next_call(talk, "WSManReconnectShell");
        WSManReconnectShell(talk->shell, 0, &call->async);
        finish(talk, call, start, allowed);
        allowed = 0;
    } while (call->code != 0);
}

static void away_and_back(struct talk *talk, WSMAN_COMMAND_HANDLE command)
{
    struct live_call *call = next_call(talk, "WSManDisconnectShell");
    double start = now_s();

    WSManDisconnectShell(talk->shell, 0, NULL, &call->async);
    finish(talk, call, start,
           talk->dialogue->is_link_bad ? ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL : 0);
    reconnect(talk);
    call = next_call(talk, "WSManReconnectShellCommand");
    start = now_s();
    WSManReconnectShellCommand(command, 0, &call->async);
    finish(talk, call, start, 0);
}

static void close_command(struct talk *talk, WSMAN_COMMAND_HANDLE command)
{
    struct live_call *call = next_call(talk, "WSManCloseCommand");
    double start = now_s();

    WSManCloseCommand(command, 0, &call->async);
    finish(talk, call, start, 0);
}

/* ---- checks ---- */

static void expect_end(struct live_output *output, DWORD exit_code)
{
    live_output_wait(output, "WSManReceiveShellOutput");
    if (output->code != 0)
        live_die("WSManReceiveShellOutput: error %u (0x%x): %s", output->code, output->code,
                 output->detail);
    if (!output->is_done || output->exit_code != exit_code)
        live_die("done %d, exit code %u, not %u", output->is_done, output->exit_code, exit_code);
}

static void expect_bytes(const struct text *text, int stream, uint64_t seed)
{
    uint8_t wanted[2 * OUTPUT_BYTES];
    const char *name = stream == LIVE_STDOUT ? "stdout" : "stderr";
    size_t i = 0;

    if (stream == LIVE_STDERR)
        seed += PAYLOAD_STDERR_SEED;
    payload_fill(seed, 0, wanted, OUTPUT_BYTES);
    payload_fill(seed + SEED_BEHIND, 0, wanted + OUTPUT_BYTES, OUTPUT_BYTES);
    while (i < text->len[stream] && i < sizeof(wanted) && text->bytes[stream][i] == wanted[i])
        i++;
    if (text->len[stream] != sizeof(wanted) || i != sizeof(wanted))
        live_die("%s: %zu bytes, of which the first %zu are right; %zu were written", name,
                 text->len[stream], i, sizeof(wanted));
}

static void expect_trace(const struct talk *talk, const char *name, const char *wanted)
{
    char path[512], found[128];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", talk->dialogue->folder, name);
    file = fopen(path, "re");
    if (file == NULL)
        live_die("%s was not made", path);
    len = fread(found, 1, sizeof(found) - 1, file);
    found[len] = '\0';
    fclose(file);
    unlink(path);
    if (strcmp(found, wanted) != 0)
        live_die("%s says \"%s\", not \"%s\"", path, found, wanted);
}

static void expect_one_end_each(struct talk *talk)
{
    for (unsigned i = 0; i < talk->call_count; i++) {
        struct live_call *call = &talk->calls[i];

        if (call->ends != 1 || call->others != 0)
            live_die("%s: %u ends, %u other callbacks", talk->names[i], call->ends, call->others);
        if (i == 0 && call->disorder[1] != 0)
            live_die("notice %x after %x", call->disorder[1], call->disorder[0]);
        if (i != 0 && call->notices != 0)
            live_die("%s: %u notices", talk->names[i], call->notices);
        live_call_clear(call);
    }
}

/* ---- the conversation ---- */

/* Output, input, let go, input, output. */
static void talk_much(struct talk *talk)
{
    const struct dialogue *dialogue = talk->dialogue;
    uint8_t input[INPUT_BEFORE + INPUT_BEHIND];
    struct text *text = calloc(1, sizeof(*text));
    WSMAN_OPERATION_HANDLE operation;
    WSMAN_COMMAND_HANDLE command;
    struct live_output output;
    char line[1024];

    if (text == NULL)
        live_die("out of memory");
    snprintf(line, sizeof(line),
             "echo start >>%s/starts; %s both %" PRIu64 " %d %d; %s check %" PRIu64
             " 0 %d >/dev/null; s=$?; %s both %" PRIu64 " %d %d; exit $((%d + s))",
             dialogue->folder, dialogue->words, dialogue->seed, OUTPUT_BYTES, PIECE,
             dialogue->words, dialogue->seed + SEED_INPUT, INPUT_BEFORE + INPUT_BEHIND,
             dialogue->words, dialogue->seed + SEED_BEHIND, OUTPUT_BYTES, PIECE, EXIT_CODE);
    payload_fill(dialogue->seed + SEED_INPUT, 0, input, sizeof(input));
    command = run(talk, line);
    operation = receive(talk, command, &output, text);
    send_input(talk, command, input, INPUT_BEFORE, false);
    live_output_wait_bytes(&output, OUTPUT_BYTES, "WSManReceiveShellOutput");
    away_and_back(talk, command);
    send_input(talk, command, input + INPUT_BEFORE, INPUT_BEHIND, true);
    expect_end(&output, EXIT_CODE);
    WSManCloseOperation(operation, 0);
    close_command(talk, command);
    for (int stream = 0; stream < LIVE_STREAMS; stream++)
        expect_bytes(text, stream, dialogue->seed);
    expect_trace(talk, "starts", "start\n");
    if (output.ends != 1 || output.late != 0)
        live_die("WSManReceiveShellOutput: %u ends, %u callbacks after it", output.ends,
                 output.late);
    live_output_clear(&output);
    free(text);
}

/* A command that counts how often it is interrupted. */
static void talk_briefly(struct talk *talk)
{
    static const char wanted[] = "ready\n<go>\n";
    struct text *text = calloc(1, sizeof(*text));
    WSMAN_OPERATION_HANDLE operation;
    WSMAN_COMMAND_HANDLE command;
    struct live_output output;
    char line[512];

    if (text == NULL)
        live_die("out of memory");
    snprintf(
        line, sizeof(line),
        "trap 'echo int >>%s/signals' INT; echo ready; until read x; do :; done; echo \"<$x>\"",
        talk->dialogue->folder);
    command = run(talk, line);
    operation = receive(talk, command, &output, text);
    live_output_wait_bytes(&output, 6, "WSManReceiveShellOutput");
    interrupt(talk, command);
    send_input(talk, command, "go\n", 3, true);
    expect_end(&output, 0);
    WSManCloseOperation(operation, 0);
    close_command(talk, command);
    if (text->len[LIVE_STDOUT] != strlen(wanted) ||
        memcmp(text->bytes, wanted, strlen(wanted)) != 0)
        live_die("stdout: \"%.*s\"", (int)text->len[LIVE_STDOUT], (char *)text->bytes[LIVE_STDOUT]);
    expect_trace(talk, "signals", "int\n");
    if (output.ends != 1 || output.late != 0)
        live_die("WSManReceiveShellOutput: %u ends, %u callbacks after it", output.ends,
                 output.late);
    live_output_clear(&output);
    free(text);
}

static void set_timeout(const struct talk *talk)
{
    WSMAN_DATA value = { .type = WSMAN_DATA_TYPE_DWORD, .number = talk->dialogue->timeout_ms };

    if (value.number != 0 &&
        WSManSetSessionOption(talk->session, WSMAN_OPTION_DEFAULT_OPERATION_TIMEOUTMS, &value) != 0)
        live_die("WSManSetSessionOption");
}

/* A Delete that had no answer in its whole time-out is not repeated (docs/deviations.md): a hole
 * may swallow it. */
static void close_shell(struct talk *talk)
{
    bool is_hole = talk->dialogue->is_link_bad && talk->dialogue->timeout_ms != 0;
    struct live_call *call = next_call(talk, "WSManCloseShell");
    double start = now_s();

    WSManCloseShell(talk->shell, 0, &call->async);
    finish(talk, call, start, is_hole ? ERROR_WSMAN_NETWORK_TIMEDOUT : 0);
    talk->dialogue->may_leave_shell = call->code != 0;
}

void dialogue_run(WSMAN_API_HANDLE api, struct dialogue *dialogue)
{
    struct talk *talk = calloc(1, sizeof(*talk));
    struct live_call *call;
    double start;

    if (talk == NULL)
        live_die("out of memory");
    talk->dialogue = dialogue;
    talk->session = live_session(api, dialogue->address, dialogue->user, dialogue->password_file);
    set_timeout(talk);
    call = next_call(talk, "WSManCreateShell");
    start = now_s();
    WSManCreateShell(talk->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &call->async,
                     &talk->shell);
    finish(talk, call, start, 0);
    talk_much(talk);
    talk_briefly(talk);
    close_shell(talk);
    if (WSManCloseSession(talk->session, 0) != 0)
        live_die("WSManCloseSession");
    dialogue->notices = talk->calls[0].notices;
    expect_one_end_each(talk);
    free(talk);
}

/* ---- what is left ---- */

struct listing {
    struct live_call call; /* only its lock and its condition */
    unsigned shells;
    WCHAR id[64]; /* of the first */
};

static void CALLBACK on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct listing *listing = context;

    (void)flags;
    (void)operation;
    pthread_mutex_lock(&listing->call.lock);
    listing->call.ends++;
    listing->call.code = error->code;
    listing->shells = list == NULL ? 0 : list->shellCount;
    for (size_t i = 0; listing->shells > 0 && i < sizeof(listing->id) / sizeof(WCHAR) - 1; i++) {
        listing->id[i] = list->shells[0].shellId[i];
        if (listing->id[i] == 0)
            break;
    }
    pthread_cond_broadcast(&listing->call.changed);
    pthread_mutex_unlock(&listing->call.lock);
}

static void list_shells(WSMAN_SESSION_HANDLE session, struct listing *listing)
{
    WSMAN_OPERATION_HANDLE operation;

    *listing = (struct listing){ 0 };
    live_call_init(&listing->call);
    WSManExtListShells(session, 0, listing, on_list, &operation);
    live_call_expect(&listing->call, "WSManExtListShells");
    WSManCloseOperation(operation, 0);
    live_call_clear(&listing->call);
}

void dialogue_delete_shell(WSMAN_SESSION_HANDLE session)
{
    struct listing listing, deleted = { 0 };
    WSMAN_OPERATION_HANDLE operation;

    list_shells(session, &listing);
    if (listing.shells == 0)
        return; /* only the answer was lost */
    live_call_init(&deleted.call);
    WSManExtDeleteShell(session, 0, WSMAN_CMDSHELL_URI, listing.id, &deleted, on_list, &operation);
    live_call_expect(&deleted.call, "WSManExtDeleteShell");
    WSManCloseOperation(operation, 0);
    live_call_clear(&deleted.call);
}

void dialogue_expect_no_shell(WSMAN_SESSION_HANDLE session)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    double until = now_s() + LIST_S;
    struct listing listing;

    do {
        list_shells(session, &listing);
        if (listing.shells != 0)
            nanosleep(&pause, NULL);
    } while (listing.shells != 0 && now_s() < until);
    if (listing.shells != 0)
        live_die("%u shells are left", listing.shells);
}
