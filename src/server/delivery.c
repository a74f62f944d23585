/* Rules a to e: what does a new Receive say about the last answer, and where does the next
 * one start? Pure; the winrmd-net loop calls it. Does not look at sockets: http_conn.c
 * fills the facts. */
#include "server/delivery.h"

#include "ipc/stream_names.h"
#include "proto/extension.h"
#include "wsmerror.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct wsm_carrier *wsm_carrier_new(struct wsm_http_conn *conn)
{
    struct wsm_carrier *carrier = calloc(1, sizeof(*carrier));

    if (carrier == NULL)
        return NULL;
    carrier->refs = 1;
    carrier->conn = conn;
    return carrier;
}

struct wsm_carrier *wsm_carrier_ref(struct wsm_carrier *carrier)
{
    carrier->refs++;
    return carrier;
}

void wsm_carrier_unref(struct wsm_carrier *carrier)
{
    if (carrier != NULL && --carrier->refs == 0)
        free(carrier);
}

/* c, d, e: what the connections tell. */
static enum wsm_delivery judge(const struct wsm_carrier *carrier, uint64_t answer_end,
                               int64_t waited_ms)
{
    if (carrier == NULL)
        return WSM_DELIVERY_REPEAT;
    if (carrier->proven >= answer_end)
        return WSM_DELIVERY_CONFIRMED;
    if (carrier->has_failed)
        return WSM_DELIVERY_REPEAT;
    if (carrier->acknowledged >= answer_end)
        return WSM_DELIVERY_CONFIRMED;
    if (carrier->conn != NULL && waited_ms < WSM_DELIVERY_WAIT_MS)
        return WSM_DELIVERY_ASK_AGAIN;
    return WSM_DELIVERY_REPEAT;
}

/* The first row that matches decides; "same": the MessageID and streams of the answer's request.
 *
 *  rule  word  answer  same  needs word  carrier  proven  failed  acked  open  waited    decision
 *   a    yes   .       .     .           .        .       .       .      .     .         WORD
 *   -    no    none    .     .           .        .       .       .      .     .         NOTHING
 *   b    no    there   yes   .           .        .       .       .      .     .         SAME
 *   -    no    there   no    yes         .        .       .       .      .     .         REPEAT
 *   e    no    there   no    no          unknown  .       .       .      .     .         REPEAT
 *   c    no    there   no    no          known    >= end  .       .      .     .         CONFIRMED
 *   e    no    there   no    no          known    < end   yes     .      .     .         REPEAT
 *   d    no    there   no    no          known    < end   no      >= end .     .         CONFIRMED
 *   d    no    there   no    no          known    < end   no      < end  yes   < 500 ms  ASK_AGAIN
 *   e    no    there   no    no          known    < end   no      < end  yes   >= 500 ms REPEAT
 *   e    no    there   no    no          known    < end   no      < end  no    .         REPEAT
 *
 * A client of ours says itself what it has, and may be killed after its kernel took an
 * answer: so for what was given to one (needs word) no connection proves anything.
 * c stands above the failure: what a later request proved stays proven when the
 * connection breaks afterwards. The facts of a connection that is gone do not change
 * any more, so there is nothing to wait for. */
enum wsm_delivery wsm_delivery_decide(const struct wsm_delivery_facts *facts)
{
    if (facts->has_word)
        return WSM_DELIVERY_WORD;
    if (!facts->has_answer)
        return WSM_DELIVERY_NOTHING;
    if (facts->is_same_request)
        return WSM_DELIVERY_SAME;
    if (facts->needs_word)
        return WSM_DELIVERY_REPEAT;
    return judge(facts->carrier, facts->answer_end, facts->waited_ms);
}

/* A reset empties the kernel's queue, so after a failure its acknowledgements say nothing. */
bool wsm_delivery_may_arrive(const struct wsm_carrier *carrier, uint64_t answer_end)
{
    return carrier != NULL && carrier->conn != NULL && carrier->proven < answer_end &&
           (carrier->has_failed || carrier->acknowledged < answer_end);
}

bool wsm_word_parse(struct wsm_span value, const uint64_t confirmed[WSM_HOST_STREAMS],
                    struct wsm_word *out, struct wsm_error *err)
{
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    struct wsm_word word;
    size_t count = 0;

    if (!wsm_from_parse(value, entries, &count, err))
        return false;
    memcpy(word.confirmed, confirmed, sizeof(word.confirmed));
    memcpy(word.start, confirmed, sizeof(word.start));
    for (size_t i = 0; i < count; i++) {
        unsigned stream = 0;

        while (stream < WSM_HOST_STREAMS &&
               !wsm_span_is(entries[i].stream, wsm_output_stream_names[stream]))
            stream++;
        if (stream == WSM_HOST_STREAMS)
            return wsm_fail(err, ERROR_INVALID_PARAMETER,
                            "option " WSM_OPTION_FROM ": stream %.*s is not known",
                            (int)entries[i].stream.len, (const char *)entries[i].stream.ptr);
        word.confirmed[stream] = entries[i].confirmed;
        word.start[stream] = entries[i].start;
    }
    *out = word;
    return true;
}

/* What it confirms needs no check: that lies below the start, and what lies below what is
 * confirmed already changes nothing. */
bool wsm_word_check(const struct wsm_word *word, uint32_t asked,
                    const uint64_t confirmed[WSM_HOST_STREAMS],
                    const uint64_t end[WSM_HOST_STREAMS], bool *out_is_beyond,
                    struct wsm_error *err)
{
    bool is_beyond = false;

    for (unsigned i = 0; i < WSM_HOST_STREAMS; i++) {
        bool is_above = word->start[i] > end[i];

        if (is_above && (asked & (1U << i)) != 0)
            is_beyond = true;
        else if (is_above || word->start[i] < confirmed[i])
            return wsm_fail(err, ERROR_INVALID_PARAMETER,
                            "option " WSM_OPTION_FROM ": offset %" PRIu64
                            " of stream %s is not within %" PRIu64 " to %" PRIu64
                            ", which is what is kept",
                            word->start[i], wsm_output_stream_names[i], confirmed[i], end[i]);
    }
    *out_is_beyond = is_beyond;
    return true;
}
