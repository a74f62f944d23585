/* What the parts of the fault proxy share. */
#ifndef WSM_TESTS_FAULT_LINK_H
#define WSM_TESTS_FAULT_LINK_H

#include "base/buf.h"
#include "base/list.h"

#include <netinet/in.h>
#include <poll.h>

enum fault_way { FAULT_UP, FAULT_DOWN, FAULT_WAYS };

enum fault_manner { FAULT_RESET, FAULT_SWALLOW, FAULT_END, FAULT_CLOSE, FAULT_HOLE, FAULT_MANNERS };

struct fault_rule {
    bool is_armed;
    enum fault_way way;
    uint64_t at; /* bytes that have gone that way */
    enum fault_manner manner;
};

enum fault_counter {
    FAULT_CONNECTIONS,
    FAULT_OPEN,
    FAULT_CUTS,
    FAULT_COPIES,
    FAULT_HELD,        /* ways of connections on which bytes are held */
    FAULT_PASSED_UP,   /* bytes; FAULT_PASSED_UP + way */
    FAULT_PASSED_DOWN, /* likewise */
    FAULT_COUNTERS
};

enum fault_copy { FAULT_COPY_OFF, FAULT_COPY_FIRST, FAULT_COPY_SECOND };

/* What holds for all connections. */
struct fault_core {
    struct sockaddr_in target;
    struct wsm_list links;
    uint64_t counters[FAULT_COUNTERS];
    struct fault_rule once; /* `at` counts over all connections */
    struct fault_rule each;
    bool is_random;
    uint64_t seed;
    uint64_t most;
    bool is_held[FAULT_WAYS];
    uint64_t hold_at[FAULT_WAYS];
    uint64_t pace[FAULT_WAYS]; /* bytes a second, 0 = none */
    double budget[FAULT_WAYS];
    int64_t paced_ms;
    bool refuses;
    enum fault_copy copy;
    char copy_text[128];
    char folder[256]; /* to record into; empty = none */
    unsigned recorded;
};

/* The first lets bytes pass, the second drops what comes. Messages are passed by a relay. */
enum fault_state { FAULT_PASSING, FAULT_DROPPING, FAULT_RELAYING, FAULT_OVER };

/* Bytes that go one way. */
struct fault_flow {
    struct wsm_buf bytes; /* owned: read, not yet passed on */
    uint64_t passed;
    bool has_ended; /* the source ended its side */
    bool is_shut;   /* the sink was told */
};

enum fault_stage { FAULT_REQUEST, FAULT_ANSWER, FAULT_COPY, FAULT_REPLY };

/* One exchange of messages. */
struct fault_relay {
    enum fault_stage stage;
    int copy_fd; /* -1 = none */
    struct wsm_buf request;
    struct wsm_buf answers[2];
    size_t sent; /* of the message that is being written */
    unsigned number;
};

enum { FAULT_FDS = 3 };

struct fault_link {
    struct wsm_list node;
    struct fault_core *core; /* borrowed */
    enum fault_state state;
    int fds[FAULT_WAYS]; /* where what goes that way comes from: the client, the service; -1 = none
                          */
    struct fault_flow flows[FAULT_WAYS];
    struct fault_rule rule;
    struct fault_relay relay;
    int64_t until_ms;     /* DROPPING: then both ends are reset; 0 = never */
    size_t drop_left;     /* DROPPING: after so many bytes too */
    bool ends_hard;       /* DROPPING: with resets, whatever the peers do */
    struct pollfd *polls; /* borrowed: its own, FAULT_FDS of them */
};

/* A client was accepted. */
void fault_link_start(struct fault_core *core, int client);
/* What to wait for: FAULT_FDS entries. Returns the milliseconds to wait at most, -1 = for ever. */
int fault_link_prepare(struct fault_link *link, struct pollfd *polls, int64_t now_ms);
/* Does all that can be done now. */
void fault_link_run(struct fault_link *link, int64_t now_ms);
void fault_link_cut(struct fault_link *link, enum fault_way way, enum fault_manner manner,
                    int64_t now_ms);
/* Closes both ends, with resets if `hard`. */
void fault_link_end(struct fault_link *link, bool hard);
void fault_link_free(struct fault_link *link);
/* Connects to the service; the connection may still be under way. -1: no. */
int fault_link_connect(const struct fault_core *core);
/* Accepts -1. */
void fault_close(int fd, bool hard);

/* -1: failed, 0: nothing now, 1: some, 2: the end of the input. */
int fault_receive(int fd, struct wsm_buf *in);

void fault_relay_prepare(struct fault_link *link, struct pollfd *polls);
void fault_relay_run(struct fault_link *link);

#endif
