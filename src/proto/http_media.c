/* The media type of a message. Any thread. Source: RFC 9110, section 8.3. */
#include "proto/http.h"
#include "proto/http_chars.h"

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static void skip_blanks(struct cursor *in)
{
    while (in->at < in->end && wsm_http_is_blank(*in->at))
        in->at++;
}

static bool skip_char(struct cursor *in, uint8_t c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static struct wsm_span take_token(struct cursor *in)
{
    const uint8_t *start = in->at;

    while (in->at < in->end && wsm_http_is_token_char(*in->at))
        in->at++;
    return wsm_span_of(start, (size_t)(in->at - start));
}

/* token or "quoted"; escapes stay as they are, since no value we know has any. */
static bool take_value(struct cursor *in, struct wsm_span *out)
{
    const uint8_t *start;

    if (!skip_char(in, '"')) {
        *out = take_token(in);
        return out->len > 0;
    }
    start = in->at;
    for (; in->at < in->end && *in->at != '"'; in->at++) {
        if (*in->at == '\\' && ++in->at == in->end)
            return false;
    }
    *out = wsm_span_of(start, (size_t)(in->at - start));
    return skip_char(in, '"');
}

/* The parameters up to the end; *out_charset stays if there is none. */
static bool read_parameters(struct cursor *in, struct wsm_span *out_charset)
{
    bool has_charset = false;

    for (;;) {
        struct wsm_span name;
        struct wsm_span value;

        skip_blanks(in);
        if (in->at == in->end)
            return true;
        if (!skip_char(in, ';'))
            return false;
        skip_blanks(in);
        name = take_token(in);
        if (name.len == 0)
            continue; /* ";" with nothing behind it is allowed */
        if (!skip_char(in, '=') || !take_value(in, &value))
            return false;
        if (!wsm_span_is_nocase(name, "charset"))
            continue;
        if (has_charset)
            return false;
        has_charset = true;
        *out_charset = value;
    }
}

enum wsm_http_media wsm_http_media_of(struct wsm_span content_type)
{
    struct cursor in;
    struct wsm_span charset = wsm_span_str("utf-8");
    struct wsm_span type;
    struct wsm_span subtype;

    if (content_type.len == 0)
        return WSM_HTTP_MEDIA_OTHER;
    in = (struct cursor){ content_type.ptr, content_type.ptr + content_type.len };
    skip_blanks(&in);
    type = take_token(&in);
    if (!skip_char(&in, '/'))
        return WSM_HTTP_MEDIA_OTHER;
    subtype = take_token(&in);
    if (!wsm_span_is_nocase(type, "application") || !wsm_span_is_nocase(subtype, "soap+xml") ||
        !read_parameters(&in, &charset))
        return WSM_HTTP_MEDIA_OTHER;
    if (wsm_span_is_nocase(charset, "utf-8"))
        return WSM_HTTP_MEDIA_SOAP_UTF8;
    if (wsm_span_is_nocase(charset, "utf-16") || wsm_span_is_nocase(charset, "utf-16le"))
        return WSM_HTTP_MEDIA_SOAP_UTF16;
    return WSM_HTTP_MEDIA_SOAP_OTHER_CHARSET;
}
