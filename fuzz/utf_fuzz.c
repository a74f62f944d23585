/* wsm_utf8_to_utf16, wsm_utf16_to_utf8, wsm_utf8_is_valid, wsm_log: what one of the first two
 * accepts the other turns back into the same, and what is refused leaves the outputs alone.
 * The input counts as UTF-8, then as units of UTF-16, then as text of a peer that is logged. */
#include "base/log.h"
#include "base/utf.h"
#include "fuzz.h"

static void check_line(enum wsm_log_level level, const char *line)
{
    check(level == WSM_LOG_INFO && wsm_utf8_is_valid(wsm_span_str(line)));
    for (const char *at = line; *at != '\0'; at++) {
        check((uint8_t)*at >= ' ' && *at != 0x7f);
        check((uint8_t)at[0] != 0xc2 || (uint8_t)at[1] >= 0xa0);
    }
}

static void from_utf8(struct wsm_span text)
{
    struct wsm_error err = WSM_ERROR_INIT;
    char16_t *units = NULL;
    char *again = NULL;
    size_t count = 0;
    bool has_nul = text.len > 0 && memchr(text.ptr, 0, text.len) != NULL;

    if (wsm_utf8_to_utf16(text, "text", &units, &count, &err)) {
        check(!has_nul && wsm_utf8_is_valid(text) && wsm_utf16_len(units) == count);
        check(wsm_utf16_to_utf8(units, count, "text", &again, NULL));
        check(wsm_span_equal(text, wsm_span_str(again)));
    } else {
        check((has_nul || !wsm_utf8_is_valid(text)) && units == NULL && err.code != 0);
    }
    wsm_error_clear(&err);
    free(units);
    free(again);
}

static void from_utf16(const uint8_t *data, size_t count)
{
    char16_t *units = malloc((count + 1) * sizeof(*units));
    struct wsm_error err = WSM_ERROR_INIT;
    char16_t *again = NULL;
    char *text = NULL;
    size_t same = 0;

    check(units != NULL);
    if (count > 0)
        memcpy(units, data, count * sizeof(*units));
    if (wsm_utf16_to_utf8(units, count, "text", &text, &err)) {
        check(wsm_utf8_is_valid(wsm_span_str(text)));
        check(wsm_utf8_to_utf16(wsm_span_str(text), "text", &again, &same, NULL));
        check(same == count && memcmp(again, units, count * sizeof(*units)) == 0);
    } else {
        check(text == NULL && err.code != 0);
    }
    wsm_error_clear(&err);
    free(units);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    from_utf8(wsm_span_of(data, size));
    from_utf16(data, size / sizeof(char16_t));
    wsm_log_set_sink(check_line, WSM_LOG_INFO);
    wsm_log_info("%.*s", (int)size, (const char *)data);
    return 0;
}
