/* What every asynchronous call of a random caller is checked against: rules G5 to G9 of
 * docs/conformance.md, the order of notices, and that no byte of output is lost or doubled.
 * A broken rule ends the program with words that name the seed and the call. */
#ifndef WSM_TESTS_SPIN_RULES_H
#define WSM_TESTS_SPIN_RULES_H

#ifndef WSMAN_API_VERSION_1_1
#define WSMAN_API_VERSION_1_1
#endif
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <wsmext.h>

enum spin_kind { SPIN_API, SPIN_SESSION, SPIN_SHELL, SPIN_COMMAND, SPIN_OPERATION, SPIN_KINDS };

/* What ends together: an API handle or a session. */
struct spin_scope {
    const struct spin_scope *parent;
    bool is_marked;     /* its service counts output, see storm.h */
    atomic_ulong began; /* when the call began that ended it; 0 = it lives */
    atomic_bool has_ended;
};

/* What a handle stands for. Lives until the round is over, longer than the handle. */
struct spin_thing {
    void *handle;
    const struct spin_scope *scope; /* NULL: none */
    struct spin_thing *shell;       /* of a command */
    struct spin_call *made_by;
    bool has_begun[2]; /* output of a command, stdout and stderr; written in its callbacks */
    uint8_t next[2];   /* the byte that must come next */
};

/* One asynchronous call; the context of its callbacks. */
struct spin_call {
    const char *name;
    enum spin_kind kind; /* of its result; SPIN_API = none */
    bool is_receive;
    bool is_owed; /* a last callback */
    void *out;    /* written by the library */
    const struct spin_scope *scope;
    struct spin_thing *command; /* of a Receive; NULL: none */
    struct spin_call *opened;   /* the call that made the shell that is being closed */
    struct spin_thing thing;    /* what it makes */
    WSMAN_SHELL_ASYNC async;
    atomic_ulong returned; /* when the call returned */
    atomic_uint ends;
    atomic_bool is_inside; /* a callback */
    DWORD last_notice;     /* written in callbacks, as the next */
    bool is_closed;        /* its shell's last callback has come */
};

/* Set by the caller, between two rounds. */
extern struct spin {
    uint64_t seed;
    struct spin_call *calls;   /* so that a call has a number */
    void (*on_callback)(void); /* at the end of callbacks: may call the library */
    atomic_ulong clock;        /* counts calls that returned and ends of scopes that began */
    atomic_bool is_silent;     /* the last Deinitialize has returned */
    atomic_ulong calls_made;
    atomic_ulong successes;
    atomic_ulong notices;
    atomic_ulong outputs;
} spin;

extern _Thread_local const struct spin_call *spin_within; /* the call on whose stack we are */
extern _Thread_local bool spin_in_callback;
extern _Thread_local uint64_t spin_random; /* each thread's generator */

uint64_t spin_number(uint64_t below);
bool spin_one_in(uint64_t count);

_Noreturn void spin_broken(const struct spin_call *call, const char *what);

void CALLBACK spin_on_callback(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data);
void CALLBACK spin_on_identity(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_OPERATION_HANDLE operation,
                               const WSMAN_EXT_IDENTITY *identity);
void CALLBACK spin_on_list(PVOID context, DWORD flags, WSMAN_ERROR *error,
                           WSMAN_OPERATION_HANDLE operation, const WSMAN_EXT_LIST *list);

#endif
