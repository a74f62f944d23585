/* A real winrmd with a real winrmd-auth, and the test in the place of winrmd-net. */
#ifndef WSM_TESTS_MONITOR_FIXTURE_H
#define WSM_TESTS_MONITOR_FIXTURE_H

#include "ipc/channel.h"
#include "ipc/control_messages.h"

#include <stdbool.h>
#include <sys/types.h>

enum { WSM_DEADLINE_MS = 20000 }; /* of every wait; only a broken build reaches it */

/* A copy of what a message carried. */
struct wsm_received {
    const struct wsm_message_type *type;
    uint64_t request, host_id;
    uint32_t code;
    uint64_t file_inode;
    uint8_t token[WSM_TOKEN_LEN];
    char text[8192]; /* the message's (first) span, NUL bytes as line ends */
    char owner[128];
    int fd; /* owned by the fixture until the next receive; -1 = none */
};

struct wsm_monitor_fixture {
    char *dir;     /* everything below is in it */
    char *run_dir; /* owned paths */
    char *users;
    char *log;
    int control; /* fake nets connect here */
    pid_t monitor;
    int out; /* standard output of the monitor */
    pid_t net;
    struct wsm_channel channel; /* of net to the monitor */
    struct wsm_channel auth;    /* of net to auth */
    char url[128];              /* of the LISTENER */
    int listener;
    size_t hosts_found;       /* HOST 0 before HOSTS_END */
    struct wsm_received host; /* the last of them */
    struct wsm_received last;
};

/* Copies the programs, writes a users file with alice (password "right"). */
int wsm_monitor_setup(void **state);
/* Ends every process that is left, removes the folder. */
int wsm_monitor_teardown(void **state);

/* Starts winrmd with up to 6 more arguments, NULL at the end of the list. */
void wsm_monitor_start(struct wsm_monitor_fixture *fixture, ...) __attribute__((sentinel));
/* Waits for a net to come, greets, takes all up to HOSTS_END. */
void wsm_monitor_greet(struct wsm_monitor_fixture *fixture);
/* Only takes its channel; nothing is said. */
void wsm_monitor_accept_net(struct wsm_monitor_fixture *fixture);
/* start and greet. */
void wsm_monitor_begin(struct wsm_monitor_fixture *fixture);
/* Exit status as waitpid() gives it. */
int wsm_monitor_wait(struct wsm_monitor_fixture *fixture, pid_t pid);
/* The one child of the monitor with that program name; fails the test if there is none. */
pid_t wsm_monitor_child(const struct wsm_monitor_fixture *fixture, const char *name);
/* Waits until the log holds the words. */
void wsm_monitor_wait_log(const struct wsm_monitor_fixture *fixture, const char *words);
/* One line of the monitor's standard output, without its end. */
void wsm_monitor_read_line(struct wsm_monitor_fixture *fixture, char *out, size_t size);

void wsm_monitor_send(struct wsm_channel *channel, const struct wsm_message_type *type,
                      const void *message);
/* The next message, which must be of that type; in fixture->last. */
void wsm_monitor_expect(struct wsm_monitor_fixture *fixture, struct wsm_channel *channel,
                        const struct wsm_message_type *type);
void wsm_monitor_expect_eof(struct wsm_channel *channel);

/* Sends CHECK_PASSWORD and expects the answer of that type. */
void wsm_monitor_check(struct wsm_monitor_fixture *fixture, const char *user, const char *password,
                       const struct wsm_message_type *answer);
/* Sends START_HOST with the token and expects HOST or HOST_FAILED. */
void wsm_monitor_start_host(struct wsm_monitor_fixture *fixture, const uint8_t *token,
                            const char *shell_id, const struct wsm_message_type *answer);
/* Files in the run directory that end so. */
size_t wsm_monitor_count_files(const struct wsm_monitor_fixture *fixture, const char *suffix);

#endif
