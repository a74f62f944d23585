/* Many sessions at once through the public API: one process, one API handle, a session for each
 * of COUNT addresses of 127.0.0.0/8, in each a shell whose command waits for input. When all run,
 * some are spoken to one by one, then all at once; then all end. Says what it took.
 *
 * Usage: many COUNT PORT USER PASSWORD_FILE
 * With ADDRESS:PORT all sessions go to that one address. */
#include "live.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    THREADS_MAX = 72,
    PROBES = 200,
    DEADLINE_S = 240,
    LINE_LENGTH = 6,
};

enum phase { OPENING, RUNNING, ANSWERED, DONE, CLOSED };

struct many {
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE output, input;
    WSMAN_SHELL_ASYNC created, started, received, sent, closed;
    char line[LINE_LENGTH + 1]; /* what is sent to it, and must come back */
    char back[3 * LINE_LENGTH];
    size_t back_len, back_wanted;
    unsigned lasts; /* last callbacks of the Receive */
    DWORD exit_code;
};

static struct many *all;
static size_t count;
static atomic_size_t reached[CLOSED + 1]; /* how many have come so far */
static unsigned most_threads;
static double started_at;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A number from /proc/self/status. */
static unsigned long status_of(const char *name)
{
    FILE *file = fopen("/proc/self/status", "re");
    size_t len = strlen(name);
    unsigned long value = 0;
    char line[256];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            value = strtoul(line + len + 1, NULL, 10);
    }
    if (file != NULL)
        fclose(file);
    return value;
}

static void check(const struct many *one, const char *what, const WSMAN_ERROR *error)
{
    char *detail;

    if (error->code == 0)
        return;
    detail = WSManExtUtf16ToUtf8(error->errorDetail);
    live_die("session %zd, %s: error %u (0x%x): %s", one - all, what, error->code, error->code,
             detail);
}

static void reach(enum phase phase)
{
    atomic_fetch_add(&reached[phase], 1);
}

/* Looks at the threads meanwhile. */
static void wait_reached(enum phase phase, size_t wanted)
{
    double until = now() + DEADLINE_S;

    while (atomic_load(&reached[phase]) < wanted) {
        unsigned threads = (unsigned)status_of("Threads");

        if (threads > most_threads)
            most_threads = threads;
        if (now() > until)
            live_die("phase %d: %zu of %zu within %d s", phase, atomic_load(&reached[phase]),
                     wanted, DEADLINE_S);
        usleep(500);
    }
}

/* ---- Callbacks ---- */

#define CALLBACK_OF(name)                                                             \
    static void CALLBACK name(PVOID context, DWORD flags, WSMAN_ERROR *error,         \
                              WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command, \
                              WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)

static void take_output(struct many *one, const WSMAN_DATA_BINARY *data)
{
    if (one->back_len + data->dataLength > sizeof(one->back))
        live_die("session %zd: more output than was asked for", one - all);
    memcpy(one->back + one->back_len, data->data, data->dataLength);
    one->back_len += data->dataLength;
    if (data->dataLength > 0 && one->back_len == one->back_wanted)
        reach(ANSWERED);
}

CALLBACK_OF(on_received)
{
    struct many *one = context;

    (void)shell, (void)command, (void)operation;
    check(one, "Receive", error);
    if (data != NULL && data->receiveData.streamId != NULL)
        take_output(one, &data->receiveData.streamData.binaryData);
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0)
        return;
    one->lasts++;
    one->exit_code = data->receiveData.exitCode;
    reach(DONE);
}

CALLBACK_OF(on_started)
{
    struct many *one = context;

    (void)flags, (void)operation, (void)data;
    check(one, "RunShellCommand", error);
    WSManReceiveShellOutput(shell, command, 0, NULL, &one->received, &one->output);
    reach(RUNNING);
}

CALLBACK_OF(on_created)
{
    struct many *one = context;

    (void)command, (void)operation, (void)data;
    check(one, "CreateShell", error);
    if ((flags & WSMAN_FLAG_CALLBACK_END_OF_OPERATION) == 0)
        live_die("session %zd: lost its connection: %#x", one - all, flags);
    WSManRunShellCommand(shell, 0, WSMAN_TEXT("cat; exit 7"), NULL, NULL, &one->started,
                         &one->command);
}

CALLBACK_OF(on_sent)
{
    (void)flags, (void)shell, (void)command, (void)data;
    check(context, "SendShellInput", error);
    WSManCloseOperation(operation, 0);
}

CALLBACK_OF(on_closed)
{
    (void)flags, (void)shell, (void)command, (void)operation, (void)data;
    check(context, "CloseShell", error);
    reach(CLOSED);
}

/* ---- What is done ---- */

static void open_all(WSMAN_API_HANDLE api, const char *port, const char *user, const char *password)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct many *one = &all[i];
        char address[64];

        if (strchr(port, ':') != NULL)
            snprintf(address, sizeof(address), "http://%s/wsman", port);
        else
            snprintf(address, sizeof(address), "http://127.%zu.%zu.%zu:%s/wsman", 1 + i / 10000,
                     i / 100 % 100, 1 + i % 100, port);
        snprintf(one->line, sizeof(one->line), "%05u\n", (unsigned)(i % 100000));
        one->session = live_session(api, address, user, password);
        one->created = (WSMAN_SHELL_ASYNC){ one, on_created };
        one->started = (WSMAN_SHELL_ASYNC){ one, on_started };
        one->received = (WSMAN_SHELL_ASYNC){ one, on_received };
        one->sent = (WSMAN_SHELL_ASYNC){ one, on_sent };
        one->closed = (WSMAN_SHELL_ASYNC){ one, on_closed };
        WSManCreateShell(one->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &one->created,
                         &one->shell);
    }
}

static void say(struct many *one, bool is_end)
{
    WSMAN_DATA data = { .type = WSMAN_DATA_TYPE_BINARY,
                        .binaryData = { .dataLength = is_end ? 0 : LINE_LENGTH,
                                        .data = (BYTE *)one->line } };

    one->back_wanted += data.binaryData.dataLength;
    WSManSendShellInput(one->shell, one->command, 0, WSMAN_STREAM_ID_STDIN, &data, is_end,
                        &one->sent, &one->input);
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;

    return (one > other) - (one < other);
}

/* From the call to the callback with what came back, one session at a time. */
static void probe(void)
{
    size_t probes = count < PROBES ? count : PROBES;
    double *took = calloc(probes, sizeof(*took));
    size_t i;

    if (took == NULL)
        live_die("no memory");
    for (i = 0; i < probes; i++) {
        double begun = now();

        say(&all[i * count / probes], false);
        wait_reached(ANSWERED, i + 1);
        took[i] = now() - begun;
    }
    qsort(took, probes, sizeof(*took), compare);
    printf("one by one: median %.1f ms, slowest %.1f ms of %zu\n", took[probes / 2] * 1000,
           took[probes - 1] * 1000, probes);
    free(took);
}

static void speak_to_all(void)
{
    size_t before = atomic_load(&reached[ANSWERED]);
    double begun = now();
    size_t i;

    for (i = 0; i < count; i++)
        say(&all[i], false);
    wait_reached(ANSWERED, before + count);
    printf("all at once: slowest %.0f ms\n", (now() - begun) * 1000);
}

static void end_all(void)
{
    double begun = now();
    size_t i;

    for (i = 0; i < count; i++)
        say(&all[i], true);
    wait_reached(DONE, count);
    for (i = 0; i < count; i++)
        WSManCloseShell(all[i].shell, 0, &all[i].closed);
    wait_reached(CLOSED, count);
    printf("ended in %.1f s\n", now() - begun);
}

static void check_all(void)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const struct many *one = &all[i];

        if (one->lasts != 1 || one->exit_code != 7)
            live_die("session %zu: ended %u times, with %u", i, one->lasts, one->exit_code);
        if (one->back_len != one->back_wanted || memcmp(one->back, one->line, LINE_LENGTH) != 0 ||
            memcmp(one->back + one->back_len - LINE_LENGTH, one->line, LINE_LENGTH) != 0)
            live_die("session %zu: wrong output", i);
    }
    if (most_threads > THREADS_MAX)
        live_die("%u threads", most_threads);
}

static void report_use(unsigned long before)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    printf(
        "%zu sessions, %u threads at most; %.1f KiB at most for each; %.2f s user, %.2f s system\n",
        count, most_threads, (double)(status_of("VmHWM") - before) / (double)count,
        (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6,
        (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6);
}

int main(int argc, char **argv)
{
    WSMAN_API_HANDLE api;
    unsigned long before;
    size_t i;

    if (argc != 5)
        live_die("usage: many COUNT PORT USER PASSWORD_FILE");
    count = strtoul(argv[1], NULL, 10);
    all = calloc(count, sizeof(*all));
    if (all == NULL)
        live_die("no memory");
    api = live_api();
    before = status_of("VmHWM");
    started_at = now();
    open_all(api, argv[2], argv[3], argv[4]);
    wait_reached(RUNNING, count);
    printf("all run after %.1f s\n", now() - started_at);
    probe();
    speak_to_all();
    end_all();
    report_use(before);
    for (i = 0; i < count; i++)
        WSManCloseSession(all[i].session, 0);
    WSManDeinitialize(api, 0);
    check_all();
    free(all);
    return 0;
}
