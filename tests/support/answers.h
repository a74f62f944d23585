/* Callbacks under strict watch, for the tests of conformance: a caller that holds a lock of
 * its own during each call and takes the same lock in each callback, as PowerShell does, and
 * judges every callback by the rules that hold for all of them. */
#ifndef WSM_TESTS_ANSWERS_H
#define WSM_TESTS_ANSWERS_H

#define WSMAN_API_VERSION_1_1
#include <stdbool.h>
#include <stddef.h>
#include <wsman.h>
#include <wsmerror.h>

/* What came for one call. Read it after answer_wait(), or under the caller's lock. */
struct answer {
    WSMAN_SHELL_ASYNC async; /* to pass */
    size_t count;
    size_t last_count; /* with END_OF_OPERATION */
    DWORD flags;       /* of the latest, as all below */
    DWORD code;
    void *shell;
    void *command;
    void *operation;
    bool has_data;
    const char *wrong; /* the first rule that a callback broke; NULL = none */
    /* Where the call stores its handle; the callback must find it there. NULL = not watched. */
    void *const *out;
    /* Called in the callback without the lock; data is NULL or as it came. */
    void (*then)(struct answer *answer, const WSMAN_RESPONSE_DATA *data);
    void *user;
    bool is_inside;      /* a callback is running */
    bool may_be_noticed; /* the create's: notices may follow the last callback */
};

struct answer *answer_new(void);
/* Checks that no rule was broken. */
void answer_free(struct answer *answer);

/* Around each call of the API: takes and gives back the caller's lock. */
void call_begin(void);
void call_end(void);

/* Until the last callback has come; fails the test after 10 s, or if a rule was broken. */
void answer_wait(struct answer *answer);
/* Until so many callbacks have come. */
void answer_wait_count(struct answer *answer, size_t count);

#endif
