/* Which client sessions have a connection open. A session is a user and the SessionId of
 * its requests; a connection belongs to those whose requests it carried. When the last one
 * of a session has been gone for AutoDisconnectTimeout, its shells are let go of. */
#ifndef WSM_SERVER_SESSIONS_H
#define WSM_SERVER_SESSIONS_H

#include "base/list.h"
#include "ipc/host_messages.h"

#include <uv.h>

enum { WSM_SESSION_BUCKETS = 64 };

/* One that has a connection, or holds a shell and had one lately: of a user no more than
 * there are connections and shells. */
struct wsm_session;

struct wsm_sessions_events {
    /* Does it hold a shell that can be let go of? */
    bool (*holds)(void *context, const char *user, const char *id);
    void (*on_gone)(void *context, const char *user, const char *id);
};

struct wsm_sessions {
    uv_loop_t *loop;    /* borrowed */
    int64_t timeout_ms; /* 0 = never; set before anything is joined or expected */
    const struct wsm_sessions_events *events;
    void *context; /* borrowed */
    struct wsm_list buckets[WSM_SESSION_BUCKETS];
    struct wsm_list lonely; /* without a connection, by the time when they lost the last */
    uv_timer_t timer;
};

void wsm_sessions_init(struct wsm_sessions *sessions, uv_loop_t *loop,
                       const struct wsm_sessions_events *events, void *context);
/* Frees what is left and closes the timer. */
void wsm_sessions_close(struct wsm_sessions *sessions);

/* A connection belongs to it from now on, until it leaves. NULL without memory, or if the
 * id is empty: script clients name none and are never let go of. */
struct wsm_session *wsm_sessions_join(struct wsm_sessions *sessions, const char *user,
                                      struct wsm_span id);
void wsm_session_leave(struct wsm_session *session);
bool wsm_session_is(const struct wsm_session *session, const char *user, struct wsm_span id);

/* The sessions that one connection belongs to. Zero-initialised: none. */
enum { WSM_MEMBERSHIPS_MAX = 4 }; /* then the oldest is forgotten */
struct wsm_memberships {
    struct wsm_session *sessions[WSM_MEMBERSHIPS_MAX]; /* the newest first, NULL behind the last */
};

/* Joins unless it has; see wsm_sessions_join(). Without memory it may be let go of too early,
 * and heals itself. */
void wsm_memberships_join(struct wsm_memberships *memberships, struct wsm_sessions *sessions,
                          const char *user, struct wsm_span id);
void wsm_memberships_leave(struct wsm_memberships *memberships);

/* It holds a shell: if it has no connection its time begins, unless it has already. */
void wsm_sessions_expect(struct wsm_sessions *sessions, const char *user, struct wsm_span id);

#endif
