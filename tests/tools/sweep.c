/* Cuts the dialogue of dialogue.h at many places, one a run, and has each kind of its requests
 * come twice; ends with 0 only if each run was right in every byte, code and callback, and
 * left neither a shell nor a descriptor.
 *
 * Usage: sweep cuts [COUNT SEED]        places and manners of that seed
 *        sweep holes [COUNT SEED]       the same, but nobody is told that nothing goes on
 *                                       unless told: the seed WSM_SEED (or 1), few places, or
 *                                       with WSM_LONG=1 many
 *        sweep for SECONDS SEED         cuts, holes and copies of that seed, for so long
 *        sweep every STEP [WAY FIRST LAST]  at every STEPth byte, in each manner in turn
 *        sweep cut WAY AT MANNER        one of them, as a failed run names it
 *        sweep refused COUNT            Create, its first connection reset at once
 *        sweep copies                   each kind of request twice, either answer
 *        sweep record FOLDER            writes the messages there
 *
 * tests/integration/with_service.py tells where the service is. */
#include "dialogue.h"
#include "entries.h"
#include "fault_proxy.h"
#include "payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wsmerror.h>

enum {
    CALL_S = 30,  /* a call takes no longer, whatever happens to the link once */
    LEAK_S = 15,  /* what is being closed is closed by then */
    MEASURED = 5, /* dialogues */
    CUTS_SHORT = 200,
    CUTS_LONG = 5000,
    HOLES_SHORT = 2,
    HOLES_LONG = 60,
    HOLE_TIMEOUT_MS = 500,
    BEHIND_CREATE = 2500, /* bytes either way: Create must end within its own time-out */
    MANNERS = 4,          /* those that somebody is told of */
};

static const char *const ways[] = { "up", "down" };
static const char *const manners[MANNERS] = { "reset", "swallow", "end", "close" };

static struct {
    WSMAN_API_HANDLE api;
    WSMAN_SESSION_HANDLE direct; /* to the service itself */
    struct fault_proxy proxy;
    struct dialogue dialogue;
    char address[32];
    char words[512];
    char fault[64]; /* of the present run */
    unsigned runs, notices;
    double slowest_s;
    char slowest[128];
} sweep;

static void report(void)
{
    fprintf(stderr, "in run %u: sweep %s\n", sweep.runs, sweep.fault);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        live_die("%s is not set: see tests/integration/with_service.py", name);
    return value;
}

/* ---- leaks ---- */

/* Descriptors of this process and of those of the service, and how many these are. */
struct facts {
    unsigned own, service, processes;
};

static struct facts facts_now(void)
{
    const char *monitor = environment("TEST_MONITOR");
    struct facts facts = { .own = (unsigned)entries_count("/proc/self/fd") };
    char path[64];
    FILE *children;
    long pid;

    snprintf(path, sizeof(path), "/proc/%s/fd", monitor);
    facts.service = (unsigned)entries_count(path);
    snprintf(path, sizeof(path), "/proc/%s/task/%s/children", monitor, monitor);
    children = fopen(path, "re");
    if (children == NULL)
        live_die("%s: no such process", monitor);
    while (fscanf(children, "%ld", &pid) == 1) {
        snprintf(path, sizeof(path), "/proc/%ld/fd", pid);
        facts.service += (unsigned)entries_count(path);
        facts.processes++;
    }
    fclose(children);
    return facts;
}

static void expect_no_more(struct facts before)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    time_t until = time(NULL) + LEAK_S;
    struct facts now = facts_now();

    while ((now.own > before.own || now.service > before.service ||
            now.processes > before.processes) &&
           time(NULL) < until) {
        nanosleep(&pause, NULL);
        now = facts_now();
    }
    if (now.own > before.own || now.service > before.service || now.processes > before.processes)
        live_die("descriptors: %u here, %u in the service with %u processes; before %u, %u, %u",
                 now.own, now.service, now.processes, before.own, before.service, before.processes);
}

/* ---- runs ---- */

static void tell(const char *line)
{
    if (!fault_proxy_tell(&sweep.proxy, "%s", line))
        live_die("the proxy says to \"%s\": %s", line, sweep.proxy.reply);
}

static void run_once(bool is_link_bad)
{
    struct dialogue *dialogue = &sweep.dialogue;

    sweep.runs++;
    dialogue->is_link_bad = is_link_bad;
    dialogue->slowest_s = 0;
    dialogue->seed += 10;
    dialogue_run(sweep.api, dialogue);
    if (dialogue->may_leave_shell)
        dialogue_delete_shell(sweep.direct);
    dialogue_expect_no_shell(sweep.direct);
    sweep.notices += dialogue->notices;
    if (dialogue->slowest_s > sweep.slowest_s) {
        sweep.slowest_s = dialogue->slowest_s;
        snprintf(sweep.slowest, sizeof(sweep.slowest), "%s at %s", dialogue->slowest, sweep.fault);
    }
}

static bool cut_at(const char *way, uint64_t at, const char *manner)
{
    uint64_t cuts = fault_proxy_count(&sweep.proxy, "cuts");
    bool is_hole = strcmp(manner, "hole") == 0;

    snprintf(sweep.fault, sizeof(sweep.fault), "cut %s %" PRIu64 " %s", way, at, manner);
    tell(sweep.fault);
    sweep.dialogue.timeout_ms = is_hole ? HOLE_TIMEOUT_MS : 0; /* it is seen 5 s later */
    run_once(true);
    tell("cut off");
    if (is_hole)
        tell("reset"); /* the service would wait for minutes */
    return fault_proxy_count(&sweep.proxy, "cuts") > cuts;
}

/* Bytes of a dialogue that nothing happens to: the fewest of some, since output comes in more
 * or fewer answers. */
static void measure(uint64_t out[2])
{
    out[0] = out[1] = UINT64_MAX;
    for (int i = 0; i < MEASURED; i++) {
        uint64_t before[] = { fault_proxy_count(&sweep.proxy, "up"),
                              fault_proxy_count(&sweep.proxy, "down") };

        run_once(false);
        for (int way = 0; way < 2; way++) {
            uint64_t bytes = fault_proxy_count(&sweep.proxy, ways[way]) - before[way];

            out[way] = bytes < out[way] ? bytes : out[way];
        }
    }
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t value;

    payload_fill(++*state, 0, &value, sizeof(value));
    return value;
}

/* Behind the first bytes; each in that manner, or NULL: in one of `manners`. */
static unsigned cuts(uint64_t count, uint64_t seed, uint64_t first, const char *manner)
{
    uint64_t bytes[2], state = seed << 32;
    unsigned hits = 0;

    measure(bytes);
    printf("seed %" PRIu64 ": %" PRIu64 " of %" PRIu64 " + %" PRIu64 " places\n", seed, count,
           bytes[0], bytes[1]);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t way = next_random(&state) % 2,
                 at = next_random(&state) % (bytes[way] - first) + first + 1;

        hits += cut_at(ways[way], at,
                       manner != NULL ? manner : manners[next_random(&state) % MANNERS]);
    }
    if (hits < count * 3 / 4)
        live_die("only %u of %" PRIu64 " cuts came about", hits, count);
    return hits;
}

static unsigned every(uint64_t step, int way, uint64_t first, uint64_t last)
{
    unsigned hits = 0;

    for (uint64_t at = first; at < last; at += step)
        hits += cut_at(ways[way], at, manners[at / step % MANNERS]);
    return hits;
}

static unsigned everywhere(uint64_t step)
{
    uint64_t bytes[2];

    measure(bytes);
    return every(step, 0, 1, bytes[0] + 1) + every(step, 1, 1, bytes[1] + 1);
}

static const char *const actions[] = {
    "transfer/Create</", "shell/Command</",    "shell/Send</",      "shell/Receive</",
    "shell/Signal</",    "shell/Disconnect</", "shell/Reconnect</", "transfer/Delete</",
};
static const char *const answers[] = { "first", "second" };

enum { ACTIONS = sizeof(actions) / sizeof(actions[0]), ANSWERS = 2 };

static void copy(const char *answer, const char *action)
{
    uint64_t before = fault_proxy_count(&sweep.proxy, "copies");

    snprintf(sweep.fault, sizeof(sweep.fault), "copy %s %s", answer, action);
    tell(sweep.fault);
    run_once(false);
    if (fault_proxy_count(&sweep.proxy, "copies") == before)
        live_die("nothing came twice");
}

static unsigned copies(void)
{
    uint64_t before = fault_proxy_count(&sweep.proxy, "copies");

    for (size_t i = 0; i < ACTIONS; i++) {
        for (size_t j = 0; j < ANSWERS; j++)
            copy(answers[j], actions[i]);
    }
    tell("copy off");
    return (unsigned)(fault_proxy_count(&sweep.proxy, "copies") - before);
}

/* It cannot know whether the service is there at all, and ends with that, or notices only when
 * it has sent something, and repeats it. */
static void refuse_once(void)
{
    WSMAN_SESSION_HANDLE session = live_session(sweep.api, sweep.address, sweep.dialogue.user,
                                                sweep.dialogue.password_file);
    WSMAN_SHELL_HANDLE shell;
    struct live_call call;
    DWORD code;

    live_call_init(&call);
    tell("cut up 0 reset");
    WSManCreateShell(session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &call.async, &shell);
    code = live_call_wait(&call, "WSManCreateShell");
    if (code == 0)
        live_close_shell(shell);
    else if (code != ERROR_WSMAN_DESTINATION_UNREACHABLE)
        live_die("WSManCreateShell: error %u (0x%x): %s", code, code, call.detail);
    if (WSManCloseSession(session, 0) != 0 || call.ends != 1)
        live_die("WSManCreateShell: %u ends", call.ends);
    live_call_clear(&call);
    dialogue_expect_no_shell(sweep.direct);
}

static unsigned refused(uint64_t count)
{
    uint64_t before = fault_proxy_count(&sweep.proxy, "cuts");

    snprintf(sweep.fault, sizeof(sweep.fault), "refused %" PRIu64, count);
    for (uint64_t i = 0; i < count; i++)
        refuse_once();
    return (unsigned)(fault_proxy_count(&sweep.proxy, "cuts") - before);
}

static unsigned record(const char *folder)
{
    char line[512];

    snprintf(line, sizeof(line), "record %s", folder);
    tell(line);
    run_once(false);
    return 0;
}

/* Mostly cuts, some copies, few holes: those take seconds. */
static unsigned for_seconds(uint64_t seconds, uint64_t seed)
{
    time_t until = time(NULL) + (time_t)seconds;
    uint64_t bytes[2], state = seed << 32;
    unsigned hits = 0, runs = 0;

    measure(bytes);
    printf("seed %" PRIu64 ": %" PRIu64 " s at %" PRIu64 " + %" PRIu64 " places\n", seed, seconds,
           bytes[0], bytes[1]);
    fflush(stdout);
    for (; time(NULL) < until; runs++) {
        uint64_t kind = next_random(&state) % 1000, way = next_random(&state) % 2,
                 place = next_random(&state), choice = next_random(&state);

        if (kind < 4) {
            hits += cut_at(ways[way], BEHIND_CREATE + 1 + place % (bytes[way] - BEHIND_CREATE),
                           "hole");
        } else if (kind < 60) {
            copy(answers[way], actions[choice % ACTIONS]);
            tell("copy off");
            hits++;
        } else {
            hits += cut_at(ways[way], place % bytes[way] + 1, manners[choice % MANNERS]);
        }
    }
    if (hits < runs * 3 / 4)
        live_die("only %u of %u faults came about", hits, runs);
    return hits;
}

static unsigned by_default(bool is_holes)
{
    const char *is_long = getenv("WSM_LONG"), *text = getenv("WSM_SEED");
    uint64_t seed = text == NULL ? 1 : strtoull(text, NULL, 10);
    bool is_short = is_long == NULL || strcmp(is_long, "1") != 0;

    if (is_holes)
        return cuts(is_short ? HOLES_SHORT : HOLES_LONG, seed, BEHIND_CREATE, "hole");
    return cuts(is_short ? CUTS_SHORT : CUTS_LONG, seed, 0, NULL);
}

static unsigned do_verb(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (argc == 2 && (strcmp(verb, "cuts") == 0 || strcmp(verb, "holes") == 0))
        return by_default(strcmp(verb, "holes") == 0);

    if (argc == 4 && strcmp(verb, "cuts") == 0)
        return cuts(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), 0, NULL);
    if (argc == 4 && strcmp(verb, "holes") == 0)
        return cuts(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), BEHIND_CREATE,
                    "hole");
    if (argc == 3 && strcmp(verb, "every") == 0 && strtoull(argv[2], NULL, 10) > 0)
        return everywhere(strtoull(argv[2], NULL, 10));
    if (argc == 6 && strcmp(verb, "every") == 0 && strtoull(argv[2], NULL, 10) > 0)
        return every(strtoull(argv[2], NULL, 10), strcmp(argv[3], "down") == 0,
                     strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
    if (argc == 4 && strcmp(verb, "for") == 0)
        return for_seconds(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    if (argc == 5 && strcmp(verb, "cut") == 0)
        return cut_at(argv[2], strtoull(argv[3], NULL, 10), argv[4]);
    if (argc == 3 && strcmp(verb, "refused") == 0)
        return refused(strtoull(argv[2], NULL, 10));
    if (argc == 2 && strcmp(verb, "copies") == 0)
        return copies();
    if (argc == 3 && strcmp(verb, "record") == 0)
        return record(argv[2]);
    live_die("see the top of tests/tools/sweep.c");
}

static void set_up(void)
{
    const char *service = environment("TEST_ADDRESS");

    if (!fault_proxy_start(&sweep.proxy, service))
        live_die("no proxy");
    snprintf(sweep.address, sizeof(sweep.address), "127.0.0.1:%u", sweep.proxy.port);
    snprintf(sweep.words, sizeof(sweep.words), "%s/words", environment("TEST_BIN"));
    snprintf(sweep.fault, sizeof(sweep.fault), "without a fault");
    sweep.dialogue = (struct dialogue){ .address = sweep.address,
                                        .user = environment("TEST_USER"),
                                        .password_file = environment("TEST_PASSWORD_FILE"),
                                        .words = sweep.words,
                                        .folder = environment("TEST_FOLDER") };
    live_set_deadline(CALL_S);
    live_on_death(report);
    sweep.api = live_api();
    sweep.direct = live_session(sweep.api, service, sweep.dialogue.user,
                                sweep.dialogue.password_file);
    dialogue_expect_no_shell(sweep.direct);
}

int main(int argc, char **argv)
{
    struct facts before;
    unsigned hits;

    set_up();
    run_once(false); /* what is set up once is there */
    before = facts_now();
    hits = do_verb(argc, argv);
    expect_no_more(before);
    printf("%u runs, %u faults, %u notices; slowest: %.3f s, %s\n", sweep.runs, hits, sweep.notices,
           sweep.slowest_s, sweep.slowest);
    if (WSManCloseSession(sweep.direct, 0) != 0 || WSManDeinitialize(sweep.api, 0) != 0)
        live_die("the end");
    fault_proxy_stop(&sweep.proxy);
    return 0;
}
