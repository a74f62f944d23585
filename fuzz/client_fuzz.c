/* What the library reads of an application's texts: wsm_target_parse (connection strings),
 * wsm_options_set_text (languages), wsm_options_set_redirect, wsm_offsets_resume and _start (where
 * output goes on) and _tell (how far it has got). What was read is written and read as the same.
 * The input counts as each. */
#include "client/offsets.h"
#include "client/options.h"
#include "client/target.h"
#include "fuzz.h"
#include "wsmerror.h"

static void read_target(const char *text)
{
    struct wsm_target target = { .port = 0 };
    struct wsm_target again = { .port = 0 };
    struct wsm_error err = WSM_ERROR_INIT;

    if (wsm_target_parse(text, &target, &err)) {
        check(target.port != 0 && target.host[0] != '\0' && target.path[0] == '/');
        check(strlen(target.host) <= WSM_TARGET_HOST_MAX && strlen(target.url) <= WSM_WIRE_URI_MAX);
        if (strlen(target.url) <= WSM_TARGET_MAX) {
            check(wsm_target_parse(target.url, &again, NULL));
            check(again.port == target.port && strcmp(again.host, target.host) == 0 &&
                  strcmp(again.path, target.path) == 0 && strcmp(again.url, target.url) == 0 &&
                  strcmp(again.host_header, target.host_header) == 0);
        }
    } else {
        check(target.host == NULL && target.url == NULL && err.code != 0);
    }
    wsm_error_clear(&err);
    wsm_target_clear(&target);
    wsm_target_clear(&again);
}

static void set_options(const char *text)
{
    struct wsm_options options;
    bool ok;

    wsm_options_init(&options);
    ok = wsm_options_set_text(&options, WSM_OPTION_LOCALE, text) == ERROR_SUCCESS;
    check(strcmp(wsm_options_text(&options, WSM_OPTION_LOCALE), ok ? text : "en-US") == 0);
    check(wsm_options_set_text(&options, WSM_OPTION_UI_LANGUAGE, text) ==
          (ok ? ERROR_SUCCESS : (uint32_t)ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE));
    check(ok >= wsm_is_language_tag(text));
    ok = wsm_options_set_redirect(&options, text) == ERROR_SUCCESS;
    check(ok == (options.redirect != NULL) && (!ok || strcmp(options.redirect, text) == 0));
    wsm_options_clear(&options);
}

/* What a Disconnect says of it our service reads, and nothing says more than a limit. */
static void tell(struct wsm_offsets *offsets)
{
    static struct wsm_delivered read[WSM_DELIVERED_MAX];
    struct wsm_delivered told[WSM_FROM_STREAMS_MAX];
    struct wsm_buf text = WSM_BUF_INIT;
    size_t count = wsm_offsets_tell(offsets, wsm_span_str("C"), told, WSM_FROM_STREAMS_MAX);
    size_t same = 0;

    check(wsm_offsets_tell(offsets, wsm_span_str("C"), told, WSM_FROM_STREAMS_MAX) == 0);
    wsm_delivered_write(&text, told, count);
    check(wsm_buf_ok(&text));
    check(wsm_delivered_parse(wsm_buf_span(&text), read, &same, NULL) == (count > 0));
    check(same == count);
    for (size_t i = 0; i < count; i++)
        check(read[i].offset == wsm_offsets_delivered(offsets, read[i].stream));
    wsm_offsets_untell(offsets);
    offsets->is_limited = true;
    count = wsm_offsets_tell(offsets, wsm_span_str("C"), told, WSM_FROM_STREAMS_MAX);
    for (size_t i = 0; i < count; i++)
        check(!wsm_span_is(told[i].stream, "stdout") && !wsm_span_is(told[i].stream, "stderr"));
    wsm_buf_clear(&text);
}

static void resume(struct wsm_span text)
{
    static struct wsm_offsets offsets;
    static struct wsm_offsets again;
    struct wsm_buf streams = WSM_BUF_INIT;
    struct wsm_buf first = WSM_BUF_INIT;
    struct wsm_buf second = WSM_BUF_INIT;

    memset(&offsets, 0, sizeof(offsets));
    memset(&again, 0, sizeof(again));
    wsm_offsets_start(&offsets, text);
    check(offsets.count <= WSM_FROM_STREAMS_MAX);
    memset(&offsets, 0, sizeof(offsets));
    if (wsm_offsets_resume(&offsets, text, NULL)) {
        for (size_t i = 0; i < offsets.count; i++)
            wsm_buf_printf(&streams, "%s ", offsets.streams[i].name);
        wsm_offsets_write(&offsets, wsm_buf_span(&streams), &first);
        check(wsm_offsets_resume(&again, wsm_buf_span(&first), NULL));
        wsm_offsets_write(&again, wsm_buf_span(&streams), &second);
        check(wsm_span_equal(wsm_buf_span(&first), wsm_buf_span(&second)) && first.len > 0);
        tell(&offsets);
    }
    wsm_buf_clear(&streams);
    wsm_buf_clear(&first);
    wsm_buf_clear(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size);

    read_target(text);
    set_options(text);
    resume(wsm_span_str(text));
    free(text);
    return 0;
}
