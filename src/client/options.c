/* Session options as a table. Loop thread; source: wsman-api of Microsoft's
 * WSManSessionOption page. */
#include "client/options.h"

#include "base/span.h"
#include "client/target.h"
#include "proto/send.h"
#include "wsmerror.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    READ_ONLY = 1,
    FLAG = 2,      /* 0 or 1 */
    TRANSPORT = 4, /* fixed once an operation has begun */
};

struct row {
    enum wsm_option_type type;
    unsigned traits;
    uint32_t initial;
};

#define NUMBER WSM_OPTION_TYPE_NUMBER
#define TEXT   WSM_OPTION_TYPE_TEXT

static const struct row rows[WSM_OPTION_ID_MAX + 1] = {
    [WSM_OPTION_DEFAULT_TIMEOUT] = { NUMBER, 0, 60000 },
    [WSM_OPTION_MAX_RETRY_TIME] = { NUMBER, READ_ONLY, 240000 }, /* ms, what Windows shows */
    [WSM_OPTION_TIMEOUT_CREATE] = { NUMBER, 0, 0 },
    [WSM_OPTION_TIMEOUT_RUN] = { NUMBER, 0, 0 },
    [WSM_OPTION_TIMEOUT_RECEIVE] = { NUMBER, 0, 0 },
    [WSM_OPTION_TIMEOUT_SEND] = { NUMBER, 0, 0 },
    [WSM_OPTION_TIMEOUT_SIGNAL] = { NUMBER, 0, 0 },
    [WSM_OPTION_TIMEOUT_CLOSE] = { NUMBER, 0, 0 },
    [18] = { NUMBER, FLAG | TRANSPORT, 0 }, /* SKIP_CA_CHECK */
    [19] = { NUMBER, FLAG | TRANSPORT, 0 }, /* SKIP_CN_CHECK */
    [WSM_OPTION_UNENCRYPTED] = { NUMBER, FLAG | TRANSPORT, 0 },
    [WSM_OPTION_UTF16] = { NUMBER, FLAG | TRANSPORT, 0 },
    [WSM_OPTION_SPN_PORT] = { NUMBER, FLAG | TRANSPORT, 0 },
    [WSM_OPTION_MACHINE_ID] = { NUMBER, FLAG, 0 },
    [WSM_OPTION_LOCALE] = { TEXT, 0, 0 },
    [WSM_OPTION_UI_LANGUAGE] = { TEXT, 0, 0 },
    [WSM_OPTION_MAX_ENVELOPE_KB] = { NUMBER, 0, 500 },
    [WSM_OPTION_MAX_DATA_KB] = { NUMBER, READ_ONLY, 0 }, /* computed */
    [WSM_OPTION_REDIRECT] = { TEXT, READ_ONLY, 0 },
    [31] = { NUMBER, FLAG | TRANSPORT, 0 }, /* SKIP_REVOCATION_CHECK */
    [WSM_OPTION_ALLOW_IMPLICIT] = { NUMBER, FLAG | TRANSPORT, 0 },
    [WSM_OPTION_USE_SSL] = { NUMBER, FLAG | TRANSPORT, 0 },
    [34] = { NUMBER, FLAG | TRANSPORT, 1 }, /* USE_INTERACTIVE_TOKEN */
};

void wsm_options_init(struct wsm_options *options)
{
    size_t i;

    *options = (struct wsm_options){ .locale = "en-US", .ui_language = "en-US" };
    for (i = 0; i <= WSM_OPTION_ID_MAX; i++)
        options->numbers[i] = rows[i].initial;
}

void wsm_options_clear(struct wsm_options *options)
{
    free(options->redirect);
    options->redirect = NULL;
}

enum wsm_option_type wsm_option_type(uint32_t id)
{
    return id <= WSM_OPTION_ID_MAX ? rows[id].type : WSM_OPTION_TYPE_NONE;
}

uint32_t wsm_options_set_number(struct wsm_options *options, uint32_t id, uint32_t value,
                                const struct wsm_option_context *context)
{
    const struct row *row;

    if (wsm_option_type(id) != WSM_OPTION_TYPE_NUMBER)
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    row = &rows[id];
    if ((row->traits & READ_ONLY) != 0 || ((row->traits & FLAG) != 0 && value > 1) ||
        ((row->traits & TRANSPORT) != 0 && context->is_used))
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    if (id == WSM_OPTION_MAX_ENVELOPE_KB &&
        (value < WSM_ENVELOPE_KB_MIN || value > WSM_ENVELOPE_KB_MAX))
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    if (id == WSM_OPTION_SPN_PORT && value == 1 && !context->has_spn)
        return ERROR_WSMAN_CLIENT_SPN_WRONG_AUTH;
    if (id == WSM_OPTION_ALLOW_IMPLICIT && value == 1)
        return ERROR_WSMAN_CANNOT_USE_ALLOW_NEGOTIATE_IMPLICIT_CREDENTIALS_FOR_HTTP;
    if (id == WSM_OPTION_USE_SSL && context->has_scheme)
        return ERROR_WSMAN_INVALID_USESSL_PARAM;
    if (id == WSM_OPTION_USE_SSL && value == 1)
        return ERROR_WSMAN_TRANSPORT_NOT_SUPPORTED;
    if (id == WSM_OPTION_MACHINE_ID && value == 1 &&
        gethostname(options->machine_id, sizeof(options->machine_id)) != 0)
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    options->numbers[id] = value;
    options->is_set[id] = true;
    return ERROR_SUCCESS;
}

void wsm_options_set_retry_time(struct wsm_options *options, uint32_t ms)
{
    options->numbers[WSM_OPTION_MAX_RETRY_TIME] = ms;
}

/* http[s]:// and what a connection string may have behind it. */
static bool is_url(const char *url)
{
    struct wsm_target target = { .host = NULL };
    const char *rest = strstr(url, "://");
    size_t scheme = rest == NULL ? 0 : (size_t)(rest - url);
    char *text = NULL;
    bool ok;

    if (!wsm_span_is_nocase(wsm_span_of(url, scheme), "http") &&
        !wsm_span_is_nocase(wsm_span_of(url, scheme), "https"))
        return false;
    ok = asprintf(&text, "http%s", rest) >= 0 && wsm_target_parse(text, &target, NULL);
    wsm_target_clear(&target);
    free(text);
    return ok;
}

uint32_t wsm_options_set_redirect(struct wsm_options *options, const char *url)
{
    char *copy;

    if (url == NULL)
        return ERROR_WSMAN_INVALID_REDIRECT_ERROR;
    if (strlen(url) > WSM_TARGET_MAX)
        return ERROR_REDIRECT_LOCATION_TOO_LONG;
    if (!is_url(url))
        return ERROR_REDIRECT_LOCATION_INVALID;
    copy = strdup(url);
    if (copy == NULL)
        return ERROR_OUTOFMEMORY;
    free(options->redirect);
    options->redirect = copy;
    return ERROR_SUCCESS;
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Groups of 1 to 8 letters and digits, of which the first has letters only. */
static bool is_tag(const char *text, const char *separators)
{
    size_t groups = 0;
    size_t group = 0;
    size_t i;

    for (i = 0; text[i] != '\0'; i++) {
        if (strchr(separators, text[i]) != NULL) {
            if (group == 0)
                return false;
            groups++;
            group = 0;
        } else if (++group > 8 ||
                   !(is_letter(text[i]) || (groups > 0 && text[i] >= '0' && text[i] <= '9'))) {
            return false;
        }
    }
    return group > 0 && i <= WSM_LANGUAGE_MAX;
}

bool wsm_is_language_tag(const char *text)
{
    return is_tag(text, "-");
}

/* .NET has cultures like de-DE_phoneb, which PowerShell hands on as they are. */
static bool is_culture(const char *text)
{
    return is_tag(text, "-_");
}

uint32_t wsm_options_set_text(struct wsm_options *options, uint32_t id, const char *value)
{
    char *to = id == WSM_OPTION_LOCALE ? options->locale : options->ui_language;

    if (wsm_option_type(id) != WSM_OPTION_TYPE_TEXT || (rows[id].traits & READ_ONLY) != 0)
        return ERROR_WSMAN_CLIENT_SETSESSIONOPTION_INVALID_PARAM;
    if (!is_culture(value))
        return id == WSM_OPTION_LOCALE ? ERROR_WSMAN_CLIENT_INVALID_LOCALE
                                       : ERROR_WSMAN_CLIENT_INVALID_UI_LANGUAGE;
    snprintf(to, WSM_LANGUAGE_MAX + 1, "%s", value);
    options->is_set[id] = true;
    return ERROR_SUCCESS;
}

uint32_t wsm_options_number(const struct wsm_options *options, uint32_t id)
{
    if (id == WSM_OPTION_MAX_DATA_KB)
        return (uint32_t)(wsm_options_send_max(options) / 1024);
    if (id >= WSM_OPTION_TIMEOUT_CREATE && id <= WSM_OPTION_TIMEOUT_CLOSE)
        return wsm_options_timeout(options, id);
    return options->numbers[id];
}

const char *wsm_options_text(const struct wsm_options *options, uint32_t id)
{
    if (id == WSM_OPTION_LOCALE)
        return options->locale;
    return id == WSM_OPTION_UI_LANGUAGE ? options->ui_language : options->redirect;
}

const char *wsm_options_machine_id(const struct wsm_options *options)
{
    return options->numbers[WSM_OPTION_MACHINE_ID] != 0 ? options->machine_id : NULL;
}

size_t wsm_options_send_max(const struct wsm_options *options)
{
    return wsm_send_data_max((size_t)options->numbers[WSM_OPTION_MAX_ENVELOPE_KB] * 1024,
                             options->numbers[WSM_OPTION_UTF16] != 0);
}

uint32_t wsm_options_timeout(const struct wsm_options *options, uint32_t id)
{
    return options->is_set[id] ? options->numbers[id]
                               : options->numbers[WSM_OPTION_DEFAULT_TIMEOUT];
}
