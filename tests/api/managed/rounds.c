/* Rounds of players. After each nothing is left: no callback owed, no handle, no descriptor, no
 * thread, and no shell at the service but those that the weather kept from being deleted. */
#include "rounds.h"

#include "contexts.h"
#include "dice.h"
#include "entries.h"
#include "player.h"
#include "weather.h"

#ifndef WSMAN_API_VERSION_1_1
#define WSMAN_API_VERSION_1_1
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wsmext.h>

enum {
    PLAYERS = 6,
    ROUND_MS = 2500, /* but for its end */
    ROUND_MAX_S = 300,
    LEFT_S = 20,  /* what is being closed is closed by then */
    LISTED = 512, /* shells of a listing that are looked at */
};

struct seat {
    pthread_t thread;
    uint64_t seed;
    const atomic_bool *is_over;
};

static void *play(void *arg)
{
    const struct seat *seat = arg;

    player_play(seat->seed, seat->is_over);
    return NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- What is left at the service ---- */

struct listing {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned owed;
    DWORD code;
    size_t count;
    WCHAR ids[LISTED][64];
};

static void CALLBACK on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                             WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list)
{
    struct listing *listing = context;

    (void)flags;
    (void)operation;
    pthread_mutex_lock(&listing->lock);
    listing->owed--;
    listing->code = error->code;
    for (DWORD i = 0; list != NULL && i < list->shellCount && i < LISTED; i++) {
        size_t len = unit_count((const unit *)list->shells[i].shellId);

        if (len < 64)
            memcpy(listing->ids[listing->count++], list->shells[i].shellId,
                   (len + 1) * sizeof(WCHAR));
    }
    pthread_cond_broadcast(&listing->changed);
    pthread_mutex_unlock(&listing->lock);
}

static void wait_listing(struct listing *listing)
{
    pthread_mutex_lock(&listing->lock);
    while (listing->owed > 0)
        pthread_cond_wait(&listing->changed, &listing->lock);
    pthread_mutex_unlock(&listing->lock);
}

static void list_shells(struct managed_session *session, struct listing *listing)
{
    static __typeof__(&WSManExtListShells) list;
    void *function = native_find("WSManExtListShells");
    WSMAN_OPERATION_HANDLE operation = NULL;

    memcpy(&list, &function, sizeof(function));
    listing->owed = 1;
    listing->count = 0;
    list((WSMAN_SESSION_HANDLE)session->session, 0, listing, on_list, &operation);
    wait_listing(listing);
    native.CloseOperation((intptr_t)operation, 0);
    if (listing->code != 0)
        native_die("WSManExtListShells: %#x", listing->code);
}

static void delete_shells(struct managed_session *session, struct listing *listing)
{
    static __typeof__(&WSManExtDeleteShell) delete;
    void *function = native_find("WSManExtDeleteShell");
    size_t count = listing->count;

    memcpy(&delete, &function, sizeof(function));
    for (size_t i = 0; i < count; i++) {
        WSMAN_OPERATION_HANDLE operation = NULL;

        listing->owed = 1;
        delete ((WSMAN_SESSION_HANDLE)session->session, 0, WSMAN_CMDSHELL_URI, listing->ids[i],
                listing, on_list, &operation);
        wait_listing(listing);
        native.CloseOperation((intptr_t)operation, 0);
    }
}

/* Returns how many shells the weather has left there. */
static unsigned long expect_no_shell(void)
{
    bool may_be_left = weather_now() != WEATHER_CALM;
    struct managed_session *session = player_direct();
    struct listing *listing = calloc(1, sizeof(*listing));
    int64_t until = now_ms() + LEFT_S * 1000;
    unsigned long left = 0;

    if (listing == NULL)
        native_die("malloc");
    pthread_mutex_init(&listing->lock, NULL);
    pthread_cond_init(&listing->changed, NULL);
    for (list_shells(session, listing); listing->count > 0; list_shells(session, listing)) {
        if (now_ms() > until)
            native_die("%zu shells are left", listing->count);
        left += listing->count;
        if (may_be_left)
            delete_shells(session, listing);
        else
            usleep(10000);
    }
    pthread_cond_destroy(&listing->changed);
    pthread_mutex_destroy(&listing->lock);
    free(listing);
    managed_dispose(session, true);
    return may_be_left ? left : 0;
}

/* ---- What is left here ---- */

/* What was waited for may still be seen for a moment. */
static void expect_at_most(const char *path, size_t most)
{
    int64_t until = now_ms() + LEFT_S * 1000;
    char command[64];

    while (entries_count(path) > most) {
        if (now_ms() > until) {
            snprintf(command, sizeof(command), "ls -l /proc/%d/fd >&2", (int)getpid());
            (void)!system(command);
            native_die("%s: %zu entries, not %zu", path, entries_count(path), most);
        }
        usleep(1000);
    }
}

/* ---- Rounds ---- */

static void play_round(uint64_t seed, void (*meanwhile)(uint64_t dice))
{
    uint64_t dice = seed;
    enum weather_kind kind = (enum weather_kind)dice_below(&dice, WEATHER_COUNT);
    struct seat seats[PLAYERS];
    atomic_bool is_over = false;
    int64_t until = now_ms() + ROUND_MS;

    weather_begin(kind, dice_roll(&dice));
    for (size_t i = 0; i < PLAYERS; i++) {
        seats[i].seed = dice_roll(&dice);
        seats[i].is_over = &is_over;
        if (pthread_create(&seats[i].thread, NULL, play, &seats[i]) != 0)
            native_die("pthread_create");
    }
    while (now_ms() < until)
        meanwhile(dice_roll(&dice));
    atomic_store(&is_over, true);
    for (size_t i = 0; i < PLAYERS; i++)
        pthread_join(seats[i].thread, NULL);
    weather_end();
}

static void report(unsigned long rounds, unsigned long left)
{
    struct weather_counts weather = weather_counts();
    unsigned long calls = 0;

    for (size_t i = 0; i < CALL_COUNT; i++)
        calls += context_counts.calls[i];
    printf(
        "%lu rounds: %lu calls, %lu callbacks, %lu notices; %lu shells, %lu commands, %lu seen to "
        "their end, %lu returns, %lu takeovers; %lu bytes of input, %lu of output, all right; "
        "%lu cuts, %lu copies, %lu kills, %lu outages, which broke %lu runspaces and left %lu "
        "shells\n",
        rounds, calls, context_counts.callbacks, atomic_load(&player_counts.notices),
        atomic_load(&player_counts.shells), atomic_load(&player_counts.commands),
        atomic_load(&player_counts.ended), atomic_load(&player_counts.returns),
        atomic_load(&player_counts.takeovers), atomic_load(&player_counts.input),
        atomic_load(&player_counts.output), weather.cuts, weather.copies, weather.kills,
        weather.outages, atomic_load(&player_counts.broken), left);
}

void rounds_play(uint64_t seed, unsigned long seconds, void (*meanwhile)(uint64_t dice))
{
    int64_t until = now_ms() + (int64_t)seconds * 1000;
    unsigned long rounds = 0, left = 0;
    size_t files = 0, threads = 0;
    uint64_t dice = seed;

    native_seed = seed;
    printf("seed %" PRIu64 "\n", seed);
    fflush(stdout);
    weather_set_up();
    do {
        alarm(ROUND_MAX_S);
        play_round(dice_roll(&dice), meanwhile);
        left += expect_no_shell();
        if (rounds++ == 0) {
            files = entries_count("/proc/self/fd");
            threads = entries_count("/proc/self/task");
        }
        expect_at_most("/proc/self/fd", files);
        expect_at_most("/proc/self/task", threads);
    } while (now_ms() < until);
    alarm(0);
    report(rounds, left);
    weather_tear_down();
}
