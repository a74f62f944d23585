/* How far the output of one command has come, stream by stream, at a server that counts it
 * as we do (one with our mark). Loop thread, but for the two counters that callbacks move. */
#ifndef WSM_CLIENT_OFFSETS_H
#define WSM_CLIENT_OFFSETS_H

#include "proto/extension.h"
#include "proto/send.h"

#include <stdatomic.h>

struct wsm_delivery;

/* One stream; all count its bytes from 0. delivered <= received. */
struct wsm_offset {
    char name[WSM_STREAM_NAME_MAX + 1];
    uint64_t received;               /* the next answer starts here */
    uint64_t told;                   /* by the Disconnect under way */
    bool has_ended;                  /* its end has been received */
    atomic_uint_least64_t delivered; /* everything below was in callbacks that have returned */
    atomic_uint_least64_t dropped;   /* bytes below `delivered` that the server had thrown away */
};

/* Zero-initialised: nothing is known. Entries never move. */
struct wsm_offsets {
    struct wsm_offset streams[WSM_FROM_STREAMS_MAX];
    size_t count;
    bool is_limited; /* the application has got no further, whatever its callbacks were given: */
    uint64_t limit_stdout;
    uint64_t limit_stderr;
};

/* A new command: each of these streams (blank separated) starts at 0. */
void wsm_offsets_start(struct wsm_offsets *offsets, struct wsm_span streams);
/* Goes on where somebody else stopped: `from` is a value of WINRMD_FROM. */
bool wsm_offsets_resume(struct wsm_offsets *offsets, struct wsm_span from,
                        struct wsm_error *err) WSM_MUST_CHECK;
/* The value of WINRMD_FROM for a Receive of these streams; empty: nothing is known of them. */
void wsm_offsets_write(const struct wsm_offsets *offsets, struct wsm_span streams,
                       struct wsm_buf *out);
/* Counts an answer in: cuts off what was received before and takes out the pieces that say
 * nothing new; there may be none left. On failure nothing has changed. */
bool wsm_offsets_take(struct wsm_offsets *offsets, struct wsm_delivery *delivery,
                      struct wsm_error *err) WSM_MUST_CHECK;
/* Everything of that stream below has reached the application; 0 = nothing is known of it. */
uint64_t wsm_offsets_delivered(const struct wsm_offsets *offsets, struct wsm_span name);
/* What a Disconnect says of the command of that id (borrowed, as the names are): up to `room`
 * entries, of streams that got on since they were last told. Returns how many. */
size_t wsm_offsets_tell(struct wsm_offsets *offsets, struct wsm_span command,
                        struct wsm_delivered *entries, size_t room);
/* Nothing has been told. */
void wsm_offsets_untell(struct wsm_offsets *offsets);
/* NULL = nothing is known of that stream. */
const struct wsm_offset *wsm_offsets_find(const struct wsm_offsets *offsets, struct wsm_span name);

#endif
