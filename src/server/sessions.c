/* Sessions and their connections. The winrmd-net loop owns it. Knows no shells. */
#include "server/sessions.h"

#include <stdlib.h>
#include <string.h>

struct wsm_session {
    struct wsm_list node;   /* in its bucket */
    struct wsm_list lonely; /* in the list of those without a connection */
    struct wsm_sessions *sessions;
    size_t connections;
    int64_t lonely_since_ms;
    char *user; /* owned */
    char id[WSM_HOST_ID_MAX + 1];
};

void wsm_sessions_init(struct wsm_sessions *sessions, uv_loop_t *loop,
                       const struct wsm_sessions_events *events, void *context)
{
    sessions->loop = loop;
    sessions->timeout_ms = 0;
    sessions->events = events;
    sessions->context = context;
    for (size_t i = 0; i < WSM_SESSION_BUCKETS; i++)
        wsm_list_init(&sessions->buckets[i]);
    wsm_list_init(&sessions->lonely);
    uv_timer_init(loop, &sessions->timer); /* cannot fail */
    sessions->timer.data = sessions;
}

static void session_free(struct wsm_session *session)
{
    wsm_list_remove(&session->node);
    wsm_list_remove(&session->lonely);
    free(session->user);
    free(session);
}

void wsm_sessions_close(struct wsm_sessions *sessions)
{
    for (size_t i = 0; i < WSM_SESSION_BUCKETS; i++)
        while (!wsm_list_is_empty(&sessions->buckets[i]))
            session_free(WSM_CONTAINER_OF(sessions->buckets[i].next, struct wsm_session, node));
    uv_close((uv_handle_t *)&sessions->timer, NULL);
}

static struct wsm_list *bucket(struct wsm_sessions *sessions, struct wsm_span id)
{
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (id.ptr[i] | 0x20U)) * 16777619U; /* letters without case */
    return &sessions->buckets[hash % WSM_SESSION_BUCKETS];
}

bool wsm_session_is(const struct wsm_session *session, const char *user, struct wsm_span id)
{
    return wsm_span_is_nocase(wsm_span_trim(id), session->id) && strcmp(session->user, user) == 0;
}

static struct wsm_session *find(struct wsm_list *head, const char *user, struct wsm_span id)
{
    struct wsm_list *node;

    WSM_LIST_FOREACH (node, head) {
        struct wsm_session *session = WSM_CONTAINER_OF(node, struct wsm_session, node);

        if (wsm_session_is(session, user, id))
            return session;
    }
    return NULL;
}

/* The one there is, or a new one. */
static struct wsm_session *get(struct wsm_sessions *sessions, const char *user, struct wsm_span id)
{
    struct wsm_list *head;
    struct wsm_session *session;

    id = wsm_span_trim(id);
    if (id.len == 0 || id.len > WSM_HOST_ID_MAX)
        return NULL;
    head = bucket(sessions, id);
    session = find(head, user, id);
    if (session != NULL)
        return session;
    session = calloc(1, sizeof(*session));
    if (session == NULL)
        return NULL;
    session->user = strdup(user);
    if (session->user == NULL) {
        free(session);
        return NULL;
    }
    session->sessions = sessions;
    memcpy(session->id, id.ptr, id.len);
    wsm_list_init(&session->lonely);
    wsm_list_add(head, &session->node);
    return session;
}

static void on_timer(uv_timer_t *timer);

/* For the one that is lonely for longest; all have the same time. */
static void set_timer(struct wsm_sessions *sessions)
{
    struct wsm_session *first;
    int64_t left;

    if (wsm_list_is_empty(&sessions->lonely)) {
        uv_timer_stop(&sessions->timer);
        return;
    }
    first = WSM_CONTAINER_OF(sessions->lonely.next, struct wsm_session, lonely);
    left = first->lonely_since_ms + sessions->timeout_ms - (int64_t)uv_now(sessions->loop);
    uv_timer_start(&sessions->timer, on_timer, (uint64_t)(left < 0 ? 0 : left),
                   0); /* cannot fail */
}

static void on_timer(uv_timer_t *timer)
{
    struct wsm_sessions *sessions = timer->data;
    int64_t now = (int64_t)uv_now(sessions->loop);

    while (!wsm_list_is_empty(&sessions->lonely)) {
        struct wsm_session *first = WSM_CONTAINER_OF(sessions->lonely.next, struct wsm_session,
                                                     lonely);

        if (first->lonely_since_ms + sessions->timeout_ms > now)
            break;
        wsm_list_remove(&first->lonely);
        sessions->events->on_gone(sessions->context, first->user, first->id);
        if (first->connections == 0)
            session_free(first);
    }
    set_timer(sessions);
}

static bool holds(const struct wsm_session *session)
{
    const struct wsm_sessions *sessions = session->sessions;

    return sessions->events->holds(sessions->context, session->user, session->id);
}

/* What others took away since does not count: so no user has more than shells. */
static void forget_losers(struct wsm_sessions *sessions, const char *user)
{
    struct wsm_list *node;
    struct wsm_list *next;

    WSM_LIST_FOREACH_SAFE (node, next, &sessions->lonely) {
        struct wsm_session *session = WSM_CONTAINER_OF(node, struct wsm_session, lonely);

        if (strcmp(session->user, user) == 0 && !holds(session))
            session_free(session);
    }
}

/* Without a connection it is only kept while it has something to lose. */
static void become_lonely(struct wsm_session *session)
{
    struct wsm_sessions *sessions = session->sessions;

    if (sessions->timeout_ms == 0 || !holds(session)) {
        session_free(session);
        return;
    }
    forget_losers(sessions, session->user);
    session->lonely_since_ms = (int64_t)uv_now(sessions->loop);
    wsm_list_add(&sessions->lonely, &session->lonely);
    set_timer(sessions);
}

struct wsm_session *wsm_sessions_join(struct wsm_sessions *sessions, const char *user,
                                      struct wsm_span id)
{
    struct wsm_session *session = get(sessions, user, id);

    if (session == NULL)
        return NULL;
    session->connections++;
    wsm_list_remove(&session->lonely);
    set_timer(sessions);
    return session;
}

void wsm_session_leave(struct wsm_session *session)
{
    if (--session->connections == 0)
        become_lonely(session);
}

void wsm_sessions_expect(struct wsm_sessions *sessions, const char *user, struct wsm_span id)
{
    struct wsm_session *session = get(sessions, user, id);

    if (session != NULL && session->connections == 0 && wsm_list_is_empty(&session->lonely))
        become_lonely(session);
}

void wsm_memberships_join(struct wsm_memberships *memberships, struct wsm_sessions *sessions,
                          const char *user, struct wsm_span id)
{
    struct wsm_session **all = memberships->sessions;
    struct wsm_session *session;

    for (size_t i = 0; i < WSM_MEMBERSHIPS_MAX; i++)
        if (all[i] != NULL && wsm_session_is(all[i], user, id))
            return;
    session = wsm_sessions_join(sessions, user, id);
    if (session == NULL)
        return;
    if (all[WSM_MEMBERSHIPS_MAX - 1] != NULL)
        wsm_session_leave(all[WSM_MEMBERSHIPS_MAX - 1]);
    memmove(&all[1], &all[0], (WSM_MEMBERSHIPS_MAX - 1) * sizeof(*all));
    all[0] = session;
}

void wsm_memberships_leave(struct wsm_memberships *memberships)
{
    for (size_t i = 0; i < WSM_MEMBERSHIPS_MAX; i++) {
        if (memberships->sessions[i] != NULL)
            wsm_session_leave(memberships->sessions[i]);
        memberships->sessions[i] = NULL;
    }
}
