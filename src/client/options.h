/* The options of a session: types, defaults, what may be set when. */
#ifndef WSM_CLIENT_OPTIONS_H
#define WSM_CLIENT_OPTIONS_H

#include "base/error.h"
#include "proto/envelope.h"

#include <stdbool.h>
#include <stdint.h>

/* WSManSessionOption's numbers; the enum itself stays at the API border. */
enum wsm_option_id {
    WSM_OPTION_DEFAULT_TIMEOUT = 1,
    WSM_OPTION_MAX_RETRY_TIME = 11,
    WSM_OPTION_TIMEOUT_CREATE = 12,
    WSM_OPTION_TIMEOUT_RUN = 13,
    WSM_OPTION_TIMEOUT_RECEIVE = 14,
    WSM_OPTION_TIMEOUT_SEND = 15,
    WSM_OPTION_TIMEOUT_SIGNAL = 16,
    WSM_OPTION_TIMEOUT_CLOSE = 17,
    WSM_OPTION_UNENCRYPTED = 20,
    WSM_OPTION_UTF16 = 21,
    WSM_OPTION_SPN_PORT = 22,
    WSM_OPTION_MACHINE_ID = 23,
    WSM_OPTION_LOCALE = 25,
    WSM_OPTION_UI_LANGUAGE = 26,
    WSM_OPTION_MAX_ENVELOPE_KB = 28,
    WSM_OPTION_MAX_DATA_KB = 29,
    WSM_OPTION_REDIRECT = 30,
    WSM_OPTION_ALLOW_IMPLICIT = 32,
    WSM_OPTION_USE_SSL = 33,
    WSM_OPTION_ID_MAX = 34,
};

enum {
    WSM_ENVELOPE_KB_MIN = 32,
    WSM_ENVELOPE_KB_MAX = 65536,
};

struct wsm_options {
    uint32_t numbers[WSM_OPTION_ID_MAX + 1];
    bool is_set[WSM_OPTION_ID_MAX + 1];
    char locale[WSM_LANGUAGE_MAX + 1];
    char ui_language[WSM_LANGUAGE_MAX + 1];
    char machine_id[WSM_MACHINE_ID_MAX + 1]; /* "" = it was not asked for */
    char *redirect;                          /* owned; NULL = there was none */
};

/* What the session is, as far as options depend on it. */
struct wsm_option_context {
    bool has_scheme; /* its connection string */
    bool has_spn;    /* its mechanism names the service */
    bool is_used;    /* an operation has begun */
};

enum wsm_option_type { WSM_OPTION_TYPE_NONE, WSM_OPTION_TYPE_NUMBER, WSM_OPTION_TYPE_TEXT };

void wsm_options_init(struct wsm_options *options);
/* Frees what it owns, not the struct. */
void wsm_options_clear(struct wsm_options *options);
enum wsm_option_type wsm_option_type(uint32_t id);

/* Codes, 0 = done. */
uint32_t wsm_options_set_number(struct wsm_options *options, uint32_t id, uint32_t value,
                                const struct wsm_option_context *context);
uint32_t wsm_options_set_text(struct wsm_options *options, uint32_t id, const char *value);

/* Option 11, which the application cannot set by its number. */
void wsm_options_set_retry_time(struct wsm_options *options, uint32_t ms);
/* Option 30: where a server wants the client to go. Codes, 0 = done; NULL = it does not say. */
uint32_t wsm_options_set_redirect(struct wsm_options *options, const char *url);

/* A tag by RFC 3066: groups of letters and digits, the first one only letters. */
bool wsm_is_language_tag(const char *text);

/* id is a number option. */
uint32_t wsm_options_number(const struct wsm_options *options, uint32_t id);
/* id is a text option; borrowed; NULL = not available. */
const char *wsm_options_text(const struct wsm_options *options, uint32_t id);

/* What the client says of its machine; borrowed; NULL = nothing. */
const char *wsm_options_machine_id(const struct wsm_options *options);

/* Bytes that certainly go into one Send. */
size_t wsm_options_send_max(const struct wsm_options *options);

/* The time-out in force: the operation's own, else the general one; 0 = none. */
uint32_t wsm_options_timeout(const struct wsm_options *options, uint32_t id);

#endif
