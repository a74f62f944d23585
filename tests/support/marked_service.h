/* What our own service does beyond MS-WSMV, for tests of the client, on top of the scripted one:
 * it marks its shells, counts output, knows a repetition by its MessageID, and cuts connections
 * where it is told to. One at a time; it knows one command. */
#ifndef WSM_TESTS_MARKED_SERVICE_H
#define WSM_TESTS_MARKED_SERVICE_H

#include "fake_service.h"

enum marked_cut {
    MARKED_UNREAD,     /* the connection ends, nothing was done */
    MARKED_RESET,      /* the same by a reset */
    MARKED_UNANSWERED, /* done, but not answered */
    MARKED_HALF,       /* done, and half of the answer sent */
    MARKED_STARTING,   /* HTTP 503, nothing was done */
    MARKED_DENIED,     /* HTTP 401, nothing was done */
    MARKED_LATE,       /* fault: not within the time-out; nothing was done */
    MARKED_CUT_COUNT,
};

/* Before the first request of the fake service; stop before that stops, free behind it. */
void marked_start(struct fake_service *service);
void marked_stop(void);
void marked_free(void);
/* Like any other server from now on: no mark, and a repetition is done again; but a Create with
 * a shell id that there is already is refused. */
void marked_plain(void);
/* The next `times` requests of that name end so. */
void marked_cut(const char *name, enum marked_cut cut, size_t times);
/* How many of that name were carried out: different MessageIDs, or all if plain. */
size_t marked_applied(const char *name);
/* All input carried out; borrowed until the end. */
struct wsm_span marked_input(void);

/* Output of the command. An answer carries all there is from the offset asked for. */
void marked_write(const char *stream, const char *text);
void marked_end(uint32_t exit_code);
/* Forgets output below that offset. */
void marked_drop(const char *stream, uint64_t below);
/* Answers begin so many bytes earlier than asked for. */
void marked_go_back(uint64_t bytes);
/* Offset is this text, NULL = left out. */
void marked_spoil_offset(const char *text);
/* Until so many Receives wait, or have waited, for output: those that were cut do not count. */
void marked_wait_receives(size_t count);
/* What the last Receive said to have got; waits until it is so. */
void marked_wait_confirmed(const char *stream, uint64_t offset);

#endif
