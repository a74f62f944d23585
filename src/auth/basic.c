/* Credentials of the Basic scheme. Pure: any thread, no I/O. Every copy of the password
 * that is made here is wiped here, or handed to the caller in *out. */
#include "auth/basic.h"

#include "base/base64.h"
#include "base/utf.h"
#include "wsmerror.h"

#include <stdlib.h>
#include <string.h>

enum { CREDENTIALS_MAX = WSM_BASIC_NAME_MAX + 1 + WSM_BASIC_PASSWORD_MAX };

static const char SCHEME[] = "Basic";

/* RFC 7617, section 2: neither part may hold control characters. NUL is one. */
static bool is_clean(struct wsm_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return wsm_utf8_is_valid(text);
}

/* The word that says what is wrong, NULL if nothing is. Never quotes the parts. */
static const char *find_flaw(struct wsm_span name, struct wsm_span password)
{
    if (name.len == 0)
        return "the user name is empty";
    if (name.len > WSM_BASIC_NAME_MAX)
        return "the user name is too long";
    if (password.len > WSM_BASIC_PASSWORD_MAX)
        return "the password is too long";
    if (!is_clean(name) || memchr(name.ptr, ':', name.len) != NULL)
        return "the user name holds a character that is not allowed";
    if (!is_clean(password))
        return "the password holds a character that is not allowed";
    return NULL;
}

static bool take_parts(struct wsm_span name, struct wsm_span password, struct wsm_basic *out,
                       struct wsm_error *err)
{
    char *name_copy = strndup((const char *)name.ptr, name.len);
    char *password_copy = password.len == 0 ? strdup("")
                                            : strndup((const char *)password.ptr, password.len);

    if (name_copy == NULL || password_copy == NULL) {
        struct wsm_basic half = { name_copy, password_copy };

        wsm_basic_clear(&half);
        return wsm_fail_memory(err, "credentials");
    }
    out->name = name_copy;
    out->password = password_copy;
    return true;
}

/* What follows the scheme, without the blanks between; false: not this scheme. */
static bool skip_scheme(struct wsm_span value, struct wsm_span *out_rest)
{
    size_t used = sizeof(SCHEME) - 1;

    if (value.len <= used || value.ptr[used] != ' ' ||
        !wsm_span_is_nocase(wsm_span_of(value.ptr, used), SCHEME))
        return false;
    while (used < value.len && value.ptr[used] == ' ')
        used++;
    *out_rest = wsm_span_of(value.ptr + used, value.len - used);
    return true;
}

static bool has_white_space(struct wsm_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (wsm_is_xml_space(text.ptr[i]))
            return true;
    return false;
}

bool wsm_basic_parse(struct wsm_span value, struct wsm_basic *out, struct wsm_error *err)
{
    uint8_t plain[(CREDENTIALS_MAX + 2) / 3 * 3];
    struct wsm_span encoded, name, password;
    const uint8_t *colon;
    const char *flaw;
    size_t len = 0;
    bool ok = false;

    if (!skip_scheme(value, &encoded))
        return wsm_fail(err, ERROR_LOGON_FAILURE, "the credentials are not of the Basic scheme");
    if (encoded.len > sizeof(plain) / 3 * 4)
        return wsm_fail(err, ERROR_LOGON_FAILURE, "the credentials are longer than %d bytes",
                        CREDENTIALS_MAX);
    /* The decoder skips white space, which a header value may not hold here. */
    if (encoded.len == 0 || has_white_space(encoded) ||
        !wsm_base64_decode(encoded.ptr, encoded.len, plain, &len)) {
        wsm_fail(err, ERROR_LOGON_FAILURE, "the credentials are not base64");
        goto out;
    }
    colon = memchr(plain, ':', len);
    if (colon == NULL) {
        wsm_fail(err, ERROR_LOGON_FAILURE, "the credentials hold no colon");
        goto out;
    }
    name = wsm_span_of(plain, (size_t)(colon - plain));
    password = wsm_span_of(colon + 1, len - name.len - 1);
    flaw = find_flaw(name, password);
    if (flaw != NULL) {
        wsm_fail(err, ERROR_LOGON_FAILURE, "%s", flaw);
        goto out;
    }
    ok = take_parts(name, password, out, err);
out:
    explicit_bzero(plain, sizeof(plain));
    return ok;
}

size_t wsm_basic_written_len(size_t name_len, size_t password_len)
{
    return sizeof(SCHEME) + wsm_base64_encoded_len(name_len + 1 + password_len);
}

bool wsm_basic_write(struct wsm_buf *out, const char *name, const char *password,
                     struct wsm_error *err)
{
    struct wsm_span name_span = wsm_span_str(name), password_span = wsm_span_str(password);
    const char *flaw = find_flaw(name_span, password_span);
    size_t len = name_span.len + 1 + password_span.len;
    struct wsm_buf plain = WSM_BUF_INIT;
    bool ok = false;

    if (flaw != NULL)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "%s", flaw);
    /* Reserved whole: growing would leave copies behind. */
    if (!wsm_buf_reserve(&plain, len) ||
        !wsm_buf_reserve(out, wsm_basic_written_len(name_span.len, password_span.len))) {
        wsm_fail_memory(err, "credentials");
        goto out;
    }
    wsm_buf_append_span(&plain, name_span);
    wsm_buf_append_byte(&plain, ':');
    wsm_buf_append_span(&plain, password_span);
    wsm_buf_append_str(out, SCHEME);
    wsm_buf_append_byte(out, ' ');
    wsm_base64_encode(plain.ptr, plain.len, wsm_buf_end(out));
    wsm_buf_added(out, wsm_base64_encoded_len(plain.len));
    ok = true;
out:
    wsm_buf_wipe(&plain);
    return ok;
}

void wsm_basic_clear(struct wsm_basic *basic)
{
    free(basic->name);
    if (basic->password != NULL)
        explicit_bzero(basic->password, strlen(basic->password));
    free(basic->password);
    *basic = (struct wsm_basic)WSM_BASIC_INIT;
}
