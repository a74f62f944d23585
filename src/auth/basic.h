/* Credentials of the Basic scheme (RFC 7617, UTF-8): header value <-> name and password. */
#ifndef WSM_AUTH_BASIC_H
#define WSM_AUTH_BASIC_H

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

enum {
    WSM_BASIC_NAME_MAX = 256,     /* bytes; the users file allows less */
    WSM_BASIC_PASSWORD_MAX = 511, /* bytes; the most that crypt(3) takes */
};

/* Both NUL-terminated, owned, wiped and freed by wsm_basic_clear(). */
struct wsm_basic {
    char *name;
    char *password;
};

#define WSM_BASIC_INIT \
    {                  \
        NULL, NULL     \
    }

/* Reads the value of an Authorization header, scheme included. Strict: one or more
 * blanks after the scheme, padded base64 without white space, a colon, valid UTF-8, no
 * control characters, a name that is not empty. ERROR_LOGON_FAILURE else; the error
 * never quotes what it read. *out must be empty. */
bool wsm_basic_parse(struct wsm_span value, struct wsm_basic *out,
                     struct wsm_error *err) WSM_MUST_CHECK;

/* Appends "Basic " and the credentials, wsm_basic_written_len() bytes; the caller wipes `out`.
 * ERROR_INVALID_PARAMETER where wsm_basic_parse() would refuse the result. */
size_t wsm_basic_written_len(size_t name_len, size_t password_len);
bool wsm_basic_write(struct wsm_buf *out, const char *name, const char *password,
                     struct wsm_error *err) WSM_MUST_CHECK;

void wsm_basic_clear(struct wsm_basic *basic);

#endif
