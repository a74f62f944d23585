/* The one error type: a code and words. Any thread; no state of its own. */
#include "base/error.h"

#include "wsmerror.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

void wsm_error_clear(struct wsm_error *err)
{
    free(err->text);
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
