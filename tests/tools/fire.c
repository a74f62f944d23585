/* A client under fire: what the service and its link do meanwhile is the business of whoever
 * started this program. It ends with 0 only if every byte, every exit code and every callback
 * was right, and says on stderr what was not. Only the public API.
 *
 * Usage: fire out ADDRESS USER PASSWORD-FILE COMMANDS BYTES SEED ROUNDS
 *        fire in ADDRESS USER PASSWORD-FILE COMMANDS BYTES SEED ROUNDS
 *        fire rounds ADDRESS USER PASSWORD-FILE
 *
 * out: COMMANDS at once, two a shell, each `words both` of BYTES, its own exit code; ROUNDS
 * times each shell is disconnected and reconnected, spread over the transfer. in: BYTES into
 * `sha256sum` and, a copy of them, into `words check`. Both print the seconds of the transfer and
 * the notices about the link. rounds: disconnects and reconnects a shell with a silent command and
 * a pending Receive as often as each line of stdin says, and prints a line when that is done.
 * FIRE_WORDS names the program `words`; FIRE_DEADLINE the seconds that one step may take;
 * FIRE_LINK=bad says that calls which end with the state of the link unknown (disconnect and
 * reconnect) may fail for its sake, and are tried again. */
#include "live.h"
#include "payload.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsmerror.h>

enum {
    COMMANDS_MAX = 64,
    PER_SHELL = 2,
    SEND_MAX = 300000, /* bytes of one Send */
    HASH_LINE = 67,    /* of sha256sum: hash, two blanks and "-", line end */
};

struct job;

struct shell {
    pthread_t thread;
    WSMAN_SESSION_HANDLE session;
    WSMAN_SHELL_HANDLE handle;
    struct live_call created; /* its async gets the notices */
    struct job *jobs;
    unsigned job_count;
    uint64_t rnd;
    atomic_bool is_disconnected; /* between the callback of Disconnect and the call of Reconnect */
    atomic_uint rounds;
    unsigned retries; /* of disconnect and reconnect */
    pthread_mutex_t lock;
    pthread_cond_t progress;
    uint64_t bytes; /* received by all of its jobs */
};

struct job {
    struct shell *shell;
    uint64_t seed;
    DWORD exit_code;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE receive;
    struct live_output output;
    struct payload_checker checkers[LIVE_STREAMS];
    char text[LIVE_STREAMS][256]; /* input jobs: what the command said */
    size_t text_len[LIVE_STREAMS];
    uint64_t sent;
};

static struct {
    struct job jobs[COMMANDS_MAX];
    struct shell shells[COMMANDS_MAX];
    unsigned job_count, shell_count, rounds;
    uint64_t bytes;
    const char *words;
    bool is_link_bad;
    bool is_input;
} fire;

static void report(void)
{
    for (unsigned i = 0; i < fire.job_count; i++) {
        const struct job *job = &fire.jobs[i];

        fprintf(stderr,
                "command %u: stdout %" PRIu64 " stderr %" PRIu64 " sent %" PRIu64 " of %" PRIu64
                "; over %u code %u; its shell: round %u, notices %u, last %x%s\n",
                i, job->output.bytes[0], job->output.bytes[1], job->sent, fire.bytes,
                job->output.ends, job->output.code, atomic_load(&job->shell->rounds),
                job->shell->created.notices, job->shell->created.last_notice,
                atomic_load(&job->shell->is_disconnected) ? ", disconnected" : "");
    }
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t value;

    *state += 1;
    payload_fill(*state, 0, &value, sizeof(value));
    return value;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Output. */

static void count_bytes(struct shell *shell, size_t len)
{
    if (atomic_load(&shell->is_disconnected))
        live_die("%zu bytes came while the shell was disconnected", len);
    pthread_mutex_lock(&shell->lock);
    shell->bytes += len;
    pthread_cond_broadcast(&shell->progress);
    pthread_mutex_unlock(&shell->lock);
}

static void check_output(struct live_output *output, int stream, const uint8_t *data, size_t len)
{
    struct job *job = output->user;
    struct payload_checker *checker = &job->checkers[stream];

    payload_checker_take(checker, data, len);
    if (checker->has_failed) {
        payload_checker_explain(checker, stderr);
        live_die("command of seed %" PRIu64 ", %s, a piece of %zu bytes", job->seed,
                 stream == LIVE_STDOUT ? "stdout" : "stderr", len);
    }
    count_bytes(job->shell, len);
}

static void keep_text(struct live_output *output, int stream, const uint8_t *data, size_t len)
{
    struct job *job = output->user;
    size_t room = sizeof(job->text[stream]) - 1 - job->text_len[stream];

    if (len > room)
        live_die("command of seed %" PRIu64 " says too much", job->seed);
    memcpy(job->text[stream] + job->text_len[stream], data, len);
    job->text_len[stream] += len;
    count_bytes(job->shell, len);
}

static void start_job(struct job *job)
{
    char line[512];

    if (fire.is_input)
        snprintf(line, sizeof(line),
                 "mkfifo ${T:=$(mktemp -u)} && { sha256sum <$T & tee $T | %s check %" PRIu64
                 " 0 %" PRIu64 " >&2; s=$?; wait; rm $T; exit $((s * 100 + %u)); }",
                 fire.words, job->seed, fire.bytes, job->exit_code);
    else
        snprintf(line, sizeof(line), "%s both %" PRIu64 " %" PRIu64 " 60000; exit %u", fire.words,
                 job->seed, fire.bytes, job->exit_code);
    live_output_init(&job->output);
    job->output.user = job;
    job->output.on_data = fire.is_input ? keep_text : check_output;
    payload_checker_init(&job->checkers[LIVE_STDOUT], job->seed, 0);
    payload_checker_init(&job->checkers[LIVE_STDERR], job->seed + PAYLOAD_STDERR_SEED, 0);
    job->command = live_run(job->shell->handle, line);
    job->receive = live_receive(job->shell->handle, job->command, &job->output);
}

/* Until so much of all its jobs has come, or they are over. */
static void wait_for_bytes(struct shell *shell, uint64_t bytes)
{
    for (;;) {
        struct timespec until;
        bool is_over = true, is_enough;

        for (unsigned i = 0; i < shell->job_count; i++)
            is_over &= live_output_is_over(&shell->jobs[i].output);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20000000; /* the end of a job is no progress: look again */
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_mutex_lock(&shell->lock);
        is_enough = shell->bytes >= bytes;
        if (!is_enough && !is_over)
            pthread_cond_timedwait(&shell->progress, &shell->lock, &until);
        pthread_mutex_unlock(&shell->lock);
        if (is_enough || is_over)
            return;
    }
}

/* Disconnecting. */

static void pause_before_retry(struct shell *shell, const char *what, DWORD code)
{
    const struct timespec pause = { .tv_nsec = 20000000 };

    if (!fire.is_link_bad || ++shell->retries > 10000)
        live_die("%s: error %u (0x%x) after %u retries", what, code, code, shell->retries);
    nanosleep(&pause, NULL);
}

static void disconnect(struct shell *shell)
{
    static const DWORD modes[] = { 0, WSMAN_FLAG_SERVER_BUFFERING_MODE_BLOCK };
    struct live_call call;
    DWORD code;

    live_call_init(&call);
    WSManDisconnectShell(shell->handle, modes[next_random(&shell->rnd) % 2], NULL, &call.async);
    code = live_call_wait(&call, "WSManDisconnectShell");
    if (code != 0 &&
        (!fire.is_link_bad || code != ERROR_WINRS_SHELL_DISCONNECT_OPERATION_NOT_GRACEFUL))
        live_die("WSManDisconnectShell: error %u (0x%x): %s", code, code, call.detail);
    atomic_store(&shell->is_disconnected, true);
    live_call_clear(&call);
}

static void reconnect(struct shell *shell)
{
    atomic_store(&shell->is_disconnected, false);
    for (;;) {
        struct live_call call;
        DWORD code;

        live_call_init(&call);
        WSManReconnectShell(shell->handle, 0, &call.async);
        code = live_call_wait(&call, "WSManReconnectShell");
        live_call_clear(&call);
        if (code == 0)
            return;
        pause_before_retry(shell, "WSManReconnectShell", code);
    }
}

static void reconnect_command(struct job *job)
{
    for (;;) {
        struct live_call call;
        DWORD code;

        live_call_init(&call);
        WSManReconnectShellCommand(job->command, 0, &call.async);
        code = live_call_wait(&call, "WSManReconnectShellCommand");
        live_call_clear(&call);
        if (code == 0)
            return;
        pause_before_retry(job->shell, "WSManReconnectShellCommand", code);
    }
}

static void away_and_back(struct shell *shell)
{
    disconnect(shell);
    reconnect(shell);
    for (unsigned i = 0; i < shell->job_count; i++)
        reconnect_command(&shell->jobs[i]);
    atomic_fetch_add(&shell->rounds, 1);
}

/* Input. */

/* One after another, as a program does that reads a file: the next piece when the last was
 * taken. A round comes between two Sends, or, on a good link, while one is under way. */
static void send_piece(struct job *job, uint8_t *piece, bool is_round)
{
    struct shell *shell = job->shell;
    uint64_t left = fire.bytes - job->sent;
    size_t len = (size_t)(next_random(&shell->rnd) % SEND_MAX) + 1;
    WSMAN_OPERATION_HANDLE operation;
    struct live_call call;

    if (len > left)
        len = (size_t)left;
    if (is_round && fire.is_link_bad)
        away_and_back(shell);
    payload_fill(job->seed, job->sent, piece, len);
    live_call_init(&call);
    operation = live_start_send(shell->handle, job->command, piece, len, len == left, &call);
    if (is_round && !fire.is_link_bad) {
        disconnect(shell);
        if (!live_call_is_over(&call))
            live_die("WSManDisconnectShell was done before a Send that came first");
        reconnect(shell);
        for (unsigned i = 0; i < shell->job_count; i++)
            reconnect_command(&shell->jobs[i]);
        atomic_fetch_add(&shell->rounds, 1);
    }
    live_call_expect(&call, "WSManSendShellInput");
    WSManCloseOperation(operation, 0);
    live_call_clear(&call);
    job->sent += len;
}

static void send_all(struct shell *shell)
{
    uint8_t *piece = malloc(SEND_MAX);
    uint64_t total = fire.bytes * shell->job_count, sent = 0;

    if (piece == NULL)
        live_die("out of memory");
    while (sent < total) {
        struct job *job = &shell->jobs[next_random(&shell->rnd) % shell->job_count];
        uint64_t before = job->sent;
        uint64_t due = total / (fire.rounds + 1) * (atomic_load(&shell->rounds) + 1);

        if (job->sent == fire.bytes)
            continue;
        send_piece(job, piece, fire.rounds > 0 && sent >= due);
        sent += job->sent - before;
    }
    free(piece);
}

/* Jobs. */

static void finish_job(struct job *job)
{
    const struct live_output *output = &job->output;
    uint64_t wanted = fire.is_input ? 0 : fire.bytes;

    live_output_wait(&job->output, "WSManReceiveShellOutput");
    if (output->code != 0)
        live_die("command of seed %" PRIu64 ": Receive ended with %u (0x%x): %s", job->seed,
                 output->code, output->code, output->detail);
    if (!output->is_done || output->exit_code != job->exit_code)
        live_die("command of seed %" PRIu64 ": done %d, exit code %u, not %u: %s", job->seed,
                 output->is_done, output->exit_code, job->exit_code, job->text[LIVE_STDERR]);
    if (!fire.is_input && (output->bytes[0] != wanted || output->bytes[1] != wanted))
        live_die("command of seed %" PRIu64 ": %" PRIu64 " and %" PRIu64 " bytes, not %" PRIu64,
                 job->seed, output->bytes[0], output->bytes[1], wanted);
    if (fire.is_input)
        printf("input %" PRIu64 " %.*s\n", job->seed, HASH_LINE - 3, job->text[LIVE_STDOUT]);
    WSManCloseOperation(job->receive, 0);
    live_close_command(job->command);
    if (output->ends != 1 || output->late != 0)
        live_die("command of seed %" PRIu64 ": %u ends, %u callbacks after it", job->seed,
                 output->ends, output->late);
    live_output_clear(&job->output);
}

static void *shell_main(void *argument)
{
    struct shell *shell = argument;
    uint64_t part = fire.bytes * 2 * shell->job_count / (fire.rounds + 1);

    live_call_init(&shell->created);
    shell->handle = live_create(shell->session, &shell->created);
    if ((shell->created.flags & WSMAN_FLAG_CALLBACK_SHELL_SUPPORTS_DISCONNECT) == 0)
        live_die("the shell cannot be disconnected");
    for (unsigned i = 0; i < shell->job_count; i++)
        start_job(&shell->jobs[i]);
    if (fire.is_input)
        send_all(shell);
    while (atomic_load(&shell->rounds) < fire.rounds) {
        uint64_t due = atomic_load(&shell->rounds) * part + next_random(&shell->rnd) % part;

        wait_for_bytes(shell, fire.is_input ? 0 : due);
        away_and_back(shell);
    }
    for (unsigned i = 0; i < shell->job_count; i++)
        finish_job(&shell->jobs[i]);
    live_close_shell(shell->handle);
    if (shell->created.disorder[1] != 0 || shell->created.ends != 1 || shell->created.others != 0)
        live_die("callbacks of the create: %u ends, %u others, notice %x after %x",
                 shell->created.ends, shell->created.others, shell->created.disorder[1],
                 shell->created.disorder[0]);
    return NULL;
}

static void set_up(unsigned commands, uint64_t seed, const WSMAN_SESSION_HANDLE *sessions)
{
    fire.job_count = commands;
    fire.shell_count = (commands + PER_SHELL - 1) / PER_SHELL;
    for (unsigned i = 0; i < commands; i++) {
        struct shell *shell = &fire.shells[i / PER_SHELL];

        fire.jobs[i].shell = shell;
        fire.jobs[i].seed = seed + i;
        fire.jobs[i].exit_code = i * 7 % 90;
        shell->job_count++;
    }
    for (unsigned i = 0; i < fire.shell_count; i++) {
        struct shell *shell = &fire.shells[i];

        shell->jobs = &fire.jobs[i * PER_SHELL];
        shell->rnd = seed * 1000 + i * 1000000;
        shell->session = sessions[i % 2];
        pthread_mutex_init(&shell->lock, NULL);
        pthread_cond_init(&shell->progress, NULL);
    }
}

static void transfer(char **argv, WSMAN_API_HANDLE api)
{
    const WSMAN_SESSION_HANDLE sessions[] = { live_session(api, argv[2], argv[3], argv[4]),
                                              live_session(api, argv[2], argv[3], argv[4]) };
    unsigned commands = (unsigned)strtoul(argv[5], NULL, 10), notices = 0, retries = 0;
    double start;

    fire.bytes = strtoull(argv[6], NULL, 10);
    fire.rounds = (unsigned)strtoul(argv[8], NULL, 10);
    if (commands == 0 || commands > COMMANDS_MAX || fire.bytes < 1000)
        live_die("see the top of tests/tools/fire.c");
    set_up(commands, strtoull(argv[7], NULL, 10), sessions);
    live_on_death(report);
    start = now_s();
    for (unsigned i = 0; i < fire.shell_count; i++)
        if (pthread_create(&fire.shells[i].thread, NULL, shell_main, &fire.shells[i]) != 0)
            live_die("pthread_create");
    for (unsigned i = 0; i < fire.shell_count; i++) {
        pthread_join(fire.shells[i].thread, NULL);
        notices += fire.shells[i].created.notices;
        retries += fire.shells[i].retries;
    }
    printf("%.3f s, %u notices, %u retries\n", now_s() - start, notices, retries);
    if (WSManCloseSession(sessions[0], 0) != 0 || WSManCloseSession(sessions[1], 0) != 0)
        live_die("WSManCloseSession");
}

static void rounds(char **argv, WSMAN_API_HANDLE api)
{
    WSMAN_SESSION_HANDLE session = live_session(api, argv[2], argv[3], argv[4]);
    struct live_output output;
    struct live_call created;
    WSMAN_SHELL_HANDLE shell;
    WSMAN_COMMAND_HANDLE command;
    WSMAN_OPERATION_HANDLE receive;
    char line[32];

    live_call_init(&created);
    live_output_init(&output);
    shell = live_create(session, &created);
    command = live_run(shell, "read line; echo \"$line\"");
    receive = live_receive(shell, command, &output);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        for (unsigned long left = strtoul(line, NULL, 10); left > 0; left--) {
            live_disconnect(shell, 0);
            live_reconnect(shell);
            live_reconnect_command(command);
        }
        puts("done");
        fflush(stdout);
    }
    live_send(shell, command, "end\n", 4, true);
    live_output_wait(&output, "WSManReceiveShellOutput");
    if (output.code != 0 || output.exit_code != 0 || output.bytes[0] != 4 || output.ends != 1)
        live_die("after the rounds: code %u, exit code %u, %" PRIu64 " bytes, %u ends", output.code,
                 output.exit_code, output.bytes[0], output.ends);
    WSManCloseOperation(receive, 0);
    live_close_command(command);
    live_close_shell(shell);
    WSManCloseSession(session, 0);
}

int main(int argc, char **argv)
{
    const char *deadline = getenv("FIRE_DEADLINE"), *link = getenv("FIRE_LINK");
    const char *verb = argc > 1 ? argv[1] : "";
    WSMAN_API_HANDLE api = live_api();

    fire.words = getenv("FIRE_WORDS");
    fire.is_link_bad = link != NULL && strcmp(link, "bad") == 0;
    fire.is_input = strcmp(verb, "in") == 0;
    if (deadline != NULL)
        live_set_deadline((int)strtol(deadline, NULL, 10));
    if (argc == 9 && fire.words != NULL && (fire.is_input || strcmp(verb, "out") == 0))
        transfer(argv, api);
    else if (argc == 5 && strcmp(verb, "rounds") == 0)
        rounds(argv, api);
    else
        live_die("see the top of tests/tools/fire.c");
    if (WSManDeinitialize(api, 0) != 0)
        live_die("WSManDeinitialize");
    return 0;
}
