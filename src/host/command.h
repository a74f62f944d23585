/* A command of the shell: its process, its pipes, its output and input.
 * Source: docs/host-protocol.md, "Between net and host". */
#ifndef WSM_HOST_COMMAND_H
#define WSM_HOST_COMMAND_H

#include "base/guid.h"
#include "base/list.h"
#include "host/ids.h"
#include "host/input.h"
#include "host/output.h"
#include "host/pipe.h"
#include "ipc/host_messages.h"

#include <sys/types.h>

struct wsm_host;

enum wsm_command_state {
    WSM_COMMAND_REFUSED, /* no state: what a forbidden transition leads to */
    WSM_COMMAND_RUNNING,
    WSM_COMMAND_DRAINING, /* the process has ended, somebody holds its streams */
    WSM_COMMAND_DONE,
    WSM_COMMAND_FORGOTTEN, /* freed at the end of the turn */
    WSM_COMMAND_STATES,
};

enum wsm_command_event {
    WSM_COMMAND_EXIT,    /* the process has ended */
    WSM_COMMAND_DRAINED, /* both streams have ended */
    WSM_COMMAND_TERMINATE,
    WSM_COMMAND_EVENTS,
};

/* The next state, or WSM_COMMAND_REFUSED. */
enum wsm_command_state wsm_command_next(enum wsm_command_state state, enum wsm_command_event event);

enum {
    WSM_FETCH_BYTES_MAX = 512 * 1024, /* of an answer, whatever net asks for */
    WSM_FETCH_WAIT_MS = 5,            /* for the end, after the first byte of a quiet command */
    WSM_FETCH_QUIET_MS = 50,          /* without output makes a command quiet */
    WSM_FETCH_PLENTY = 64 * 1024,     /* bytes that end the short wait */
};

/* A FETCH that waits. */
struct wsm_fetch {
    uint64_t request; /* 0 = none waits */
    uint32_t streams;
    uint64_t from[WSM_HOST_STREAMS];
    uint32_t max_bytes;
    uint32_t max_pieces;
    bool has_waited; /* there was nothing to answer when it came */
};

struct wsm_command {
    struct wsm_list node;  /* in host->commands, or host->forgotten */
    struct wsm_host *host; /* borrowed, outlives the command */
    enum wsm_command_state state;
    struct wsm_guid id;
    struct wsm_id message_id; /* that started it */
    struct wsm_id signal_id;  /* of the last signal */
    struct wsm_buf line;      /* what was started, to show */
    pid_t pid;                /* of the process; also its group and session */
    uint32_t exit_code;       /* once the process has ended */
    struct wsm_pipe input_pipe;
    struct wsm_input input;
    uint64_t input_request;   /* the INPUT that waits for its DONE, 0 = none */
    struct wsm_id waiting_id; /* of the INPUT that has no answer, also when net has gone */
    struct wsm_ids input_ids; /* of those that were taken */
    bool has_fresh_input;     /* since the last output: somebody talks with the command */
    struct wsm_pipe pipes[WSM_HOST_STREAMS];
    struct wsm_output output;
    uint64_t last[WSM_HOST_STREAMS]; /* where a stream ends that nobody closes */
    int64_t drain_ms;                /* when that is decided */
    int64_t output_ms;               /* of the last output */
    int64_t hold_until_ms;           /* no answer earlier */
    struct wsm_fetch fetch;
};

/* Starts what RUN asks for; the command is owned by the host's list. */
bool wsm_command_start(struct wsm_host *host, const struct wsm_guid *id,
                       const struct wsm_host_run *message, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_command_free(struct wsm_command *command); /* a forgotten one */

void wsm_command_on_exit(struct wsm_command *command, uint32_t exit_code);
void wsm_command_on_output(struct wsm_command *command, enum wsm_host_stream stream);
void wsm_command_on_input_room(struct wsm_command *command);
/* Time for what wsm_command_deadline() said. */
void wsm_command_on_time(struct wsm_command *command);
int64_t wsm_command_deadline(const struct wsm_command *command);
/* Lets pipes shrink, and tries again where there was no memory. */
void wsm_command_rest(struct wsm_command *command);
/* Is the stream held back without need? There is room, or bytes may be dropped for it. */
bool wsm_command_may_go_on(const struct wsm_command *command, enum wsm_host_stream stream);
/* Has what is held back without need read soon. */
void wsm_command_go_on(struct wsm_command *command);

/* Answers the INPUT, now or when there is room. */
void wsm_command_input(struct wsm_command *command, const struct wsm_host_input *message);
void wsm_command_confirm(struct wsm_command *command, const uint64_t upto[WSM_HOST_STREAMS]);
/* ctrl_c, ctrl_break: nothing happens to a command that is done. */
void wsm_command_interrupt(struct wsm_command *command, int number);
/* Ends what belongs to the command and forgets it. */
void wsm_command_terminate(struct wsm_command *command);
/* Forgets the command without ending anything: whoever calls kills all. */
void wsm_command_abandon(struct wsm_command *command);
/* Lets go: what waits gets its answer now. */
void wsm_command_let_go(struct wsm_command *command);
/* The link has gone, and what waits for an answer with it. */
void wsm_command_on_link_lost(struct wsm_command *command);

/* Takes a FETCH, or says FAILED; a waiting one is replaced. */
void wsm_command_fetch_begin(struct wsm_command *command, const struct wsm_host_fetch *message);
/* Answers the waiting one if it is time to. */
void wsm_command_fetch_try(struct wsm_command *command);
/* Ends the waiting one: with what there is, else with FAILED. */
void wsm_command_fetch_end(struct wsm_command *command);
/* Ends the waiting one without an answer. */
void wsm_command_fetch_forget(struct wsm_command *command);
/* Ends the waiting one with FAILED. */
void wsm_command_fetch_abort(struct wsm_command *command, uint32_t code, const char *text);
/* When wsm_command_fetch_try() is to be called though nothing else happens. */
int64_t wsm_command_fetch_deadline(const struct wsm_command *command);

/* Between command.c, command_fetch.c, command_input.c and command_output.c. */

/* Nobody reads any more, or all is written that will ever be. */
void wsm_command_close_input(struct wsm_command *command, bool is_broken);
/* Says DONE to the INPUT that waits: it is kept, and remembered. */
void wsm_command_take_waiting(struct wsm_command *command);
/* Reads the pipe until it is empty, at its end, there is no room, or it is the turn of
 * others. */
void wsm_command_read(struct wsm_command *command, enum wsm_host_stream stream);
/* Reads on where there is more. */
void wsm_command_read_more(struct wsm_command *command);
/* The drain time-out: what is in the pipes now still counts. */
void wsm_command_set_ends(struct wsm_command *command);
/* Steps on if both streams have ended. */
void wsm_command_streams_ended(struct wsm_command *command);

#endif
