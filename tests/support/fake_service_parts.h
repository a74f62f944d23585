/* Inside of the scripted service: what its files know of each other. Calls that read or write
 * the state want the lock, unless they say that they take it themselves. */
#ifndef WSM_TESTS_FAKE_SERVICE_PARTS_H
#define WSM_TESTS_FAKE_SERVICE_PARTS_H

#include "fake_service.h"

#include <pthread.h>
#include <time.h>

enum {
    FAKE_CONNECTIONS_MAX = 2048,
    FAKE_REQUESTS_MAX = 65536,
    FAKE_SHELLS_MAX = 8,
    FAKE_PARKED_MAX = 32,
    FAKE_HELD_MAX = 16,
};

struct fake_answer; /* to a Receive: fake_answers.c */

/* A shell id as text. */
struct fake_shell_name {
    char text[64];
};

struct fake_seen {
    char name[16];
    char *fields; /* "what=value\n…" */
    bool is_answered;
};

struct fake_connection {
    struct fake_service *service;
    pthread_t thread;
    int fd;
    int number;
    bool is_open;
};

struct fake_service {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t acceptor;
    int listener;
    uint16_t port;
    bool is_refusing;
    size_t cut_at; /* bytes of the next request; 0 = whole */
    bool is_stopping;
    fake_handler handler;
    struct fake_connection connections[FAKE_CONNECTIONS_MAX];
    size_t connection_count;
    struct fake_answer *first;
    struct fake_answer **last;
    struct fake_seen *seen;
    size_t seen_count;
    const char *held[FAKE_HELD_MAX];
    size_t held_count;
    struct wsm_buf input;
    bool input_ended;
    bool input_is_behind_end; /* more came all the same */
    bool can_disconnect;
    bool keeps_receives;
    struct fake_shell_name gone[FAKE_SHELLS_MAX]; /* disconnected */
    size_t gone_count;
    struct fake_shell_name parked[FAKE_PARKED_MAX]; /* whose Receives wait */
    size_t parked_count;
    char **items; /* what Enumerate lists */
    size_t item_count;
    size_t items_per_answer;
};

/* Until when a test waits from now on; borrowed until the thread's next call. */
const struct timespec *fake_deadline(void);

/* fake_service.c: returns when no hold is on that kind of request; takes the lock. */
void fake_wait_released(struct fake_service *service, const char *name);

/* fake_connection.c: takes the descriptor, which a thread serves; takes the lock. */
void fake_connection_add(struct fake_service *service, int fd);

/* fake_record.c: notes a request, returns its number; both take the lock. */
size_t fake_remember(struct fake_service *service, struct fake_request *request);
void fake_note_answered(struct fake_service *service, size_t number);

/* fake_answers.c: the answer where no handler gives one; takes the lock. */
void fake_answer(struct fake_service *service, struct fake_connection *connection,
                 const struct fake_request *request, struct fake_reply *reply);
void fake_answers_free(struct fake_service *service);

/* fake_shells.c: which shells are disconnected, and whose Receives wait. */
struct fake_shell_name fake_shell_of(const struct fake_request *request);
bool fake_shell_is_gone(const struct fake_service *service, const char *shell);
void fake_shell_come_back(struct fake_service *service, const char *shell);
void fake_shell_leave(struct fake_service *service, const struct fake_shell_name *shell);
bool fake_shell_is_parked(const struct fake_service *service, const char *shell);
void fake_shell_park(struct fake_service *service, const struct fake_shell_name *shell);
void fake_shell_unpark(struct fake_service *service, const char *shell);

#endif
