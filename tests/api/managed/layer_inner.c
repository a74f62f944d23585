/* The managed layer: what every call and every callback begins and ends with. */
#include "layer_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { DEADLINE_S = 60 };

const struct native_async *managed_async(intptr_t context, enum managed_call call,
                                         native_callback *function)
{
    struct native_async *async = pin(sizeof(*async));

    context_called(context, call);
    async->context = context;
    async->function = (void (*)(void))function;
    return async;
}

void managed_begin(struct managed_session *session)
{
    pthread_mutex_lock(&session->lock);
    pin_begin();
}

void managed_end(struct managed_session *session)
{
    pin_end();
    pthread_mutex_unlock(&session->lock);
}

const struct native_texts *managed_pin_texts(const char *const *texts, size_t count)
{
    struct native_texts *set = pin(sizeof(*set));
    const unit **items = pin(count * sizeof(*items));

    for (size_t i = 0; i < count; i++)
        items[i] = pin_text(texts[i]);
    set->count = (int32_t)count;
    set->texts = items;
    return set;
}

bool managed_enter(intptr_t context, enum managed_call call, int32_t flags,
                   struct managed_session **out_session, struct managed_command **out_command)
{
    if (context_enter(context, call, flags, out_session, out_command)) {
        pthread_mutex_lock(&(*out_session)->lock);
        return true;
    }
    context_leave(context);
    return false;
}

/* Whoever is woken may cause the next callback. */
void managed_leave(intptr_t context, struct managed_session *session)
{
    context_leave(context);
    pthread_cond_broadcast(&session->changed);
    pthread_mutex_unlock(&session->lock);
}

bool managed_is_error(const struct native_error *error)
{
    return error != NULL && error->code != 0;
}

void managed_break(struct managed_session *session, const struct native_error *error,
                   const char *what)
{
    int32_t code = error == NULL ? -1 : error->code;
    char *text = native_error_message(session->api, code);
    char *detail = error == NULL || error->detail == NULL
                       ? strdup("")
                       : narrow(error->detail, unit_count(error->detail));

    if (!session->may_break)
        fprintf(stderr, "%s: %#x %s %s\n", what, (unsigned)code, text, detail);
    session->broken_call = what;
    snprintf(session->broken_by, sizeof(session->broken_by), "%s", detail);
    free(text);
    free(detail);
    if (session->state != MANAGED_CLOSING)
        session->state = MANAGED_BROKEN;
    session->code = code;
}

void managed_check_handles(const struct managed_session *session,
                           const struct managed_command *command, intptr_t shell,
                           intptr_t command_handle, const char *what)
{
    if (shell != session->shell || command_handle != (command == NULL ? 0 : command->handle))
        native_die("%s: a callback with other handles", what);
}

void managed_wait_until(struct managed_session *session, struct timespec *until, const char *what)
{
    if (until->tv_sec == 0) {
        clock_gettime(CLOCK_REALTIME, until);
        until->tv_sec += DEADLINE_S;
    }
    if (pthread_cond_timedwait(&session->changed, &session->lock, until) != 0)
        native_die("waited %d s in vain: %s", DEADLINE_S, what);
}

void managed_wait_flag(struct managed_session *session, const bool *flag, const char *what)
{
    struct timespec until = { 0 };

    pthread_mutex_lock(&session->lock);
    while (!*flag)
        managed_wait_until(session, &until, what);
    pthread_mutex_unlock(&session->lock);
}

void managed_make_guid(char out[40])
{
    uint8_t bytes[16];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        native_die("getrandom");
    snprintf(out, 40, "%02X%02X%02X%02X-%02X%02X-4%01X%02X-A%01X%02X-%02X%02X%02X%02X%02X%02X",
             bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6] & 15, bytes[7],
             bytes[8] & 15, bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14],
             bytes[15]);
}
