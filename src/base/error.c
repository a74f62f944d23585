/* The one error type: a code and words. Any thread; no state of its own. */
#include "base/error.h"

#include "wsmerror.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wsm_fail(struct wsm_error *err, uint32_t code, const char *format, ...)
{
    va_list args;

    if (err == NULL || err->code != 0)
        return false;
    err->code = code;
    va_start(args, format);
    if (vasprintf(&err->text, format, args) < 0)
        err->text = NULL;
    va_end(args);
    return false;
}

bool wsm_fail_memory(struct wsm_error *err, const char *what)
{
    return wsm_fail(err, ERROR_OUTOFMEMORY, "out of memory: %s", what);
}

/* Puts the text behind the others in the origin's own block. */
static const char *put(char **room, struct wsm_span text)
{
    char *start = *room;

    if (text.len == 0)
        return NULL;
    memcpy(start, text.ptr, text.len);
    start[text.len] = '\0';
    *room = start + text.len + 1;
    return start;
}

void wsm_error_set_origin(struct wsm_error *err, struct wsm_span machine, struct wsm_span provider,
                          struct wsm_span language, struct wsm_span redirect)
{
    size_t texts = machine.len + provider.len + language.len + redirect.len + 4;
    struct wsm_error_origin *origin = malloc(sizeof(*origin) + texts);
    char *room;

    free(err->origin);
    err->origin = origin;
    if (origin == NULL)
        return;
    room = (char *)(origin + 1);
    origin->machine = put(&room, machine);
    origin->provider = put(&room, provider);
    origin->language = put(&room, language);
    origin->redirect = put(&room, redirect);
}

void wsm_error_clear(struct wsm_error *err)
{
    free(err->text);
    free(err->origin);
    *err = (struct wsm_error)WSM_ERROR_INIT;
}

void wsm_error_move(struct wsm_error *to, struct wsm_error *from)
{
    wsm_error_clear(to);
    *to = *from;
    *from = (struct wsm_error)WSM_ERROR_INIT;
}

const char *wsm_error_text(const struct wsm_error *err)
{
    if (err->text != NULL)
        return err->text;
    if (err->code == 0)
        return "no error";
    return err->code == ERROR_OUTOFMEMORY ? "out of memory" : "no details";
}
