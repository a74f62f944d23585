/* Lists of owned UTF-8 texts, as copied from the application. */
#ifndef WSM_CLIENT_TEXTS_H
#define WSM_CLIENT_TEXTS_H

#include "proto/envelope.h"

#include <stddef.h>

/* Zero-initialised. */
struct wsm_texts {
    char **items; /* owned, each too */
    size_t count;
};

/* Room for `count` texts, all NULL. */
bool wsm_texts_init(struct wsm_texts *texts, size_t count, struct wsm_error *err) WSM_MUST_CHECK;
void wsm_texts_clear(struct wsm_texts *texts);

/* Takes the first word off `text`; empty = there is none. */
struct wsm_span wsm_words_next(struct wsm_span *text);
/* Is every word of `words` (blank separated) one of `list`? */
bool wsm_words_contain_all(struct wsm_span list, struct wsm_span words);

/* An option set. Zero-initialised. */
struct wsm_option_texts {
    struct wsm_texts texts;     /* name, value, name, value, … */
    struct wsm_option *options; /* owned; spans borrowed from texts */
    size_t count;
    bool must_understand;
};

bool wsm_option_texts_init(struct wsm_option_texts *set, size_t count,
                           struct wsm_error *err) WSM_MUST_CHECK;
void wsm_option_texts_clear(struct wsm_option_texts *set);
/* They become the options of `headers`, which borrow them. */
void wsm_option_texts_put(const struct wsm_option_texts *set, struct wsm_request_headers *headers);

#endif
