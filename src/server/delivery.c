/* Rules c, d and e: does a new Receive prove that the last answer arrived? Pure; the
 * winrmd-net loop calls it. Does not look at sockets: http_conn.c fills the facts. */
#include "server/delivery.h"

#include <stdlib.h>

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

/* The first row that matches decides:
 *
 *  rule  carrier   proven   failed  acknowledged  open   waited      decision
 *   e    unknown   .        .       .             .      .           REPEAT
 *   c    known     ≥ end    .       .             .      .           CONFIRMED
 *   e    known     < end    yes     .             .      .           REPEAT
 *   d    known     < end    no      ≥ end         .      .           CONFIRMED
 *   d    known     < end    no      < end         yes    < 500 ms    ASK_AGAIN
 *   e    known     < end    no      < end         yes    ≥ 500 ms    REPEAT
 *   e    known     < end    no      < end         no     .           REPEAT
 *
 * c stands above the failure: what a later request proved stays proven when the
 * connection breaks afterwards. The facts of a connection that is gone do not change
 * any more, so there is nothing to wait for. */
enum wsm_delivery wsm_delivery_decide(const struct wsm_carrier *carrier, uint64_t answer_end,
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
