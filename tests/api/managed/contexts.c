/* A table with a place for each number that is in use. */
#include "contexts.h"

#include "native.h"

#include <pthread.h>
#include <stddef.h>

enum { CONTEXTS_MAX = 4096, END_OF_OPERATION = 1 };

struct entry {
    intptr_t context;                /* 0 = free */
    intptr_t owner;                  /* the session's; its own for a session */
    struct managed_session *session; /* NULL = forgotten */
    struct managed_command *command;
    unsigned owed[CALL_COUNT];
    bool is_running; /* of a session: a callback of it or of its commands */
};

static struct {
    pthread_mutex_t lock;
    struct entry entries[CONTEXTS_MAX];
    intptr_t last;
} contexts = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct context_counts context_counts;

const char *call_name(enum managed_call call)
{
    static const char *const names[CALL_COUNT] = {
        [CALL_CREATE] = "CreateShell",
        [CALL_CONNECT] = "ConnectShell",
        [CALL_DISCONNECT] = "DisconnectShell",
        [CALL_RECONNECT] = "ReconnectShell",
        [CALL_RECONNECT_COMMAND] = "ReconnectShellCommand",
        [CALL_RUN] = "RunShellCommand",
        [CALL_ATTACH] = "ConnectShellCommand",
        [CALL_SEND] = "SendShellInput",
        [CALL_RECEIVE] = "ReceiveShellOutput",
        [CALL_SIGNAL] = "SignalShell",
        [CALL_CLOSE_COMMAND] = "CloseCommand",
        [CALL_CLOSE_SHELL] = "CloseShell",
    };

    return names[call];
}

static struct entry *find(intptr_t context)
{
    struct entry *entry = &contexts.entries[(size_t)context % CONTEXTS_MAX];

    return context > 0 && entry->context == context ? entry : NULL;
}

intptr_t context_new(intptr_t owner, struct managed_session *session,
                     struct managed_command *command)
{
    struct entry *entry;
    size_t tries = 0;
    intptr_t context;

    pthread_mutex_lock(&contexts.lock);
    do {
        if (tries++ == CONTEXTS_MAX)
            native_die("too many contexts at once");
        context = ++contexts.last;
        entry = &contexts.entries[(size_t)context % CONTEXTS_MAX];
    } while (entry->context != 0);
    *entry = (struct entry){ .context = context,
                             .owner = owner == 0 ? context : owner,
                             .session = session,
                             .command = command };
    pthread_mutex_unlock(&contexts.lock);
    return context;
}

void context_called(intptr_t context, enum managed_call call)
{
    pthread_mutex_lock(&contexts.lock);
    find(context)->owed[call]++;
    context_counts.calls[call]++;
    pthread_mutex_unlock(&contexts.lock);
}

/* Closing a command has a callback of its own, which may come later. */
static void expect_all_ended(intptr_t owner, const char *when, bool counts_close_command)
{
    for (size_t i = 0; i < CONTEXTS_MAX; i++) {
        const struct entry *entry = &contexts.entries[i];

        for (int call = 0; call < CALL_COUNT && entry->owner == owner; call++) {
            if (entry->owed[call] != 0 && (counts_close_command || call != CALL_CLOSE_COMMAND))
                native_die("%s: %u callbacks of %s are owed", when, entry->owed[call],
                           call_name((enum managed_call)call));
        }
    }
}

static void count_end(struct entry *entry, enum managed_call call)
{
    if (entry->owed[call] == 0)
        native_die("%s: a last callback that nothing was called for", call_name(call));
    entry->owed[call]--;
    for (int other = 0; call == CALL_CLOSE_COMMAND && other < CALL_COUNT; other++) {
        if (entry->owed[other] != 0)
            native_die("in the callback of CloseCommand: %u callbacks of %s are owed",
                       entry->owed[other], call_name((enum managed_call)other));
    }
    if (call == CALL_CLOSE_SHELL)
        expect_all_ended(entry->owner, "in the callback of CloseShell", false);
}

bool context_enter(intptr_t context, enum managed_call call, int32_t flags,
                   struct managed_session **out_session, struct managed_command **out_command)
{
    struct entry *entry, *owner;
    bool is_known;

    pthread_mutex_lock(&contexts.lock);
    entry = find(context);
    if (entry == NULL)
        native_die("%s: a callback with the context %ld, of nothing that there is", call_name(call),
                   (long)context);
    owner = find(entry->owner);
    if (owner->is_running)
        native_die("%s: two callbacks of one session at once", call_name(call));
    owner->is_running = true;
    context_counts.callbacks++;
    if (call != CALL_CREATE && call != CALL_CONNECT && call != CALL_RECEIVE &&
        flags != END_OF_OPERATION)
        native_die("%s: flags %#x", call_name(call), (unsigned)flags);
    if ((flags & END_OF_OPERATION) != 0)
        count_end(entry, call);
    else if (entry->owed[call] == 0 && call != CALL_CREATE && call != CALL_CONNECT)
        native_die("%s: a callback behind the last one", call_name(call));
    *out_session = entry->session;
    *out_command = entry->command;
    is_known = entry->session != NULL;
    pthread_mutex_unlock(&contexts.lock);
    return is_known;
}

void context_leave(intptr_t context)
{
    struct entry *entry;

    pthread_mutex_lock(&contexts.lock);
    entry = find(context);
    if (entry == NULL)
        native_die("a session has ended while one of its callbacks ran");
    find(entry->owner)->is_running = false;
    pthread_mutex_unlock(&contexts.lock);
}

void context_forget(intptr_t context)
{
    struct entry *entry;

    pthread_mutex_lock(&contexts.lock);
    entry = find(context);
    entry->session = NULL;
    entry->command = NULL;
    pthread_mutex_unlock(&contexts.lock);
}

void context_end(intptr_t session_context)
{
    pthread_mutex_lock(&contexts.lock);
    if (find(session_context)->is_running)
        native_die("CloseSession and Deinitialize have returned, and a callback still runs");
    expect_all_ended(session_context, "CloseSession and Deinitialize have returned", true);
    for (size_t i = 0; i < CONTEXTS_MAX; i++) {
        if (contexts.entries[i].owner == session_context)
            contexts.entries[i] = (struct entry){ 0 };
    }
    pthread_mutex_unlock(&contexts.lock);
}
