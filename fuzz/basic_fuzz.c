/* wsm_basic_parse and _write: what was read is written and read as the same, and what can be
 * written can be read. The input counts as a header's value, then as a name and, behind the
 * first line end, a password. */
#include "auth/basic.h"
#include "fuzz.h"
#include "wsmerror.h"

static void expect_readable(const struct wsm_buf *value, const char *name, const char *password)
{
    struct wsm_basic again = WSM_BASIC_INIT;

    check(wsm_buf_ok(value) && wsm_basic_parse(wsm_buf_span(value), &again, NULL));
    check(strcmp(name, again.name) == 0 && strcmp(password, again.password) == 0);
    wsm_basic_clear(&again);
}

static void read_value(struct wsm_span value)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_basic basic = WSM_BASIC_INIT;
    struct wsm_buf text = WSM_BUF_INIT;

    if (wsm_basic_parse(value, &basic, &err)) {
        check(strlen(basic.name) - 1 < WSM_BASIC_NAME_MAX);
        check(strlen(basic.password) <= WSM_BASIC_PASSWORD_MAX);
        check(wsm_basic_write(&text, basic.name, basic.password, &err));
        check(text.len == wsm_basic_written_len(strlen(basic.name), strlen(basic.password)));
        check(text.len <= value.len); /* there may have been more blanks, no more else */
        expect_readable(&text, basic.name, basic.password);
    } else {
        check(basic.name == NULL && basic.password == NULL && err.code == ERROR_LOGON_FAILURE);
    }
    wsm_basic_clear(&basic);
    wsm_buf_wipe(&text);
    wsm_error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wsm_buf value = WSM_BUF_INIT;
    char *name = string_of(data, size);
    char *end = strchrnul(name, '\n');
    const char *password = *end == '\0' ? "" : end + 1;

    read_value(wsm_span_of(data, size));
    *end = '\0';
    if (wsm_basic_write(&value, name, password, NULL))
        expect_readable(&value, name, password);
    else
        check(value.len == 0);
    wsm_buf_wipe(&value);
    free(name);
    return 0;
}
