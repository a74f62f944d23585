/* The whole of winrmd-net: its loop and what hangs on it. */
#ifndef WSM_SERVER_SERVICE_H
#define WSM_SERVER_SERVICE_H

#include "base/guid.h"
#include "proto/xml.h"
#include "server/authenticator.h"
#include "server/contexts.h"
#include "server/sessions.h"
#include "server/settings.h"
#include "server/shell_table.h"

#include <uv.h>

struct wsm_exchange;
struct wsm_http_conn;
struct wsm_service;

/* Who answers requests: exchange.c and dispatch.c, of which connections know no more than this. */
struct wsm_service_handlers {
    /* A request has come: takes `bytes`, head and body (transfer, on success only). NULL without
     * memory. Else the connection tells it one of the two below until it is answered. */
    struct wsm_exchange *(*open)(struct wsm_service *service, struct wsm_http_conn *conn,
                                 struct wsm_logon *logon, struct wsm_buf *bytes);
    void (*on_timer)(struct wsm_exchange *exchange);
    void (*on_gone)(struct wsm_exchange *exchange); /* takes it over */
    /* To be answered now; takes it over. */
    void (*on_request)(struct wsm_exchange *exchange, size_t head_len, bool charset_is_known);
    /* What it waited for has come: on_request goes on. */
    void (*on_resume)(struct wsm_exchange *exchange);
};

/* See the table in control_link.c, which is the only writer. */
enum wsm_service_state {
    WSM_SERVICE_REFUSED, /* no state: a transition that the table does not have */
    WSM_SERVICE_NEW,
    WSM_SERVICE_GREETED,
    WSM_SERVICE_LOADING,
    WSM_SERVICE_SERVING,
};

struct wsm_service {
    const struct wsm_service_handlers *handlers; /* borrowed for ever */
    uv_loop_t loop;
    struct wsm_settings settings;
    struct wsm_link *monitor; /* owned */
    struct wsm_authenticator auth;
    struct wsm_shell_table shells;
    struct wsm_sessions sessions;
    struct wsm_contexts contexts; /* of enumerations */
    struct wsm_list waiting;      /* exchanges that came before the hosts were known */
    struct wsm_buf scratch;       /* owned: for one function at a time */
    struct wsm_xml_parser parser; /* of requests */
    size_t connection_count;
    uint64_t last_monitor_request;
    enum wsm_service_state state;
    bool is_proven; /* SERVED was sent */
};

void wsm_service_random(void *out, size_t count);
/* A new random GUID. */
void wsm_service_guid(struct wsm_guid *out);

static inline int64_t wsm_service_now(struct wsm_service *service)
{
    return (int64_t)uv_now(&service->loop);
}

/* Are the hosts known, so that shells can be answered for? */
bool wsm_service_is_serving(const struct wsm_service *service);
/* Asks the monitor for a host; the result is the number of the request. */
uint64_t wsm_service_start_host(struct wsm_service *service, const uint8_t token[WSM_TOKEN_LEN],
                                const struct wsm_guid *id);
/* A connection came or went. */
void wsm_service_on_connection(struct wsm_service *service, bool has_come);
/* An authenticated request was answered. */
void wsm_service_on_served(struct wsm_service *service);

#endif
