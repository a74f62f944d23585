/* Lists of texts. Made by application threads, freed by the loop. */
#include "client/texts.h"

#include <stdlib.h>

bool wsm_texts_init(struct wsm_texts *texts, size_t count, struct wsm_error *err)
{
    *texts = (struct wsm_texts){ .count = 0 };
    if (count == 0)
        return true;
    texts->items = calloc(count, sizeof(*texts->items));
    if (texts->items == NULL)
        return wsm_fail_memory(err, "list of texts");
    texts->count = count;
    return true;
}

void wsm_texts_clear(struct wsm_texts *texts)
{
    size_t i;

    for (i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct wsm_texts){ .count = 0 };
}

struct wsm_span wsm_words_next(struct wsm_span *text)
{
    struct wsm_span word = wsm_span_trim(*text);
    size_t len = 0;

    while (len < word.len && !wsm_is_xml_space(word.ptr[len]))
        len++;
    *text = wsm_span_of(word.ptr + len, word.len - len);
    word.len = len;
    return word;
}

static bool contains(struct wsm_span list, struct wsm_span word)
{
    struct wsm_span entry;

    while ((entry = wsm_words_next(&list)).len > 0) {
        if (wsm_span_equal(entry, word))
            return true;
    }
    return false;
}

bool wsm_words_contain_all(struct wsm_span list, struct wsm_span words)
{
    struct wsm_span word;

    while ((word = wsm_words_next(&words)).len > 0) {
        if (!contains(list, word))
            return false;
    }
    return true;
}

bool wsm_option_texts_init(struct wsm_option_texts *set, size_t count, struct wsm_error *err)
{
    if (!wsm_texts_init(&set->texts, count * 2, err))
        return false;
    set->options = count == 0 ? NULL : calloc(count, sizeof(*set->options));
    if (count > 0 && set->options == NULL)
        return wsm_fail_memory(err, "options");
    set->count = count;
    return true;
}

void wsm_option_texts_clear(struct wsm_option_texts *set)
{
    wsm_texts_clear(&set->texts);
    free(set->options);
    *set = (struct wsm_option_texts){ .count = 0 };
}

void wsm_option_texts_put(const struct wsm_option_texts *set, struct wsm_request_headers *headers)
{
    headers->options = set->options;
    headers->option_count = set->count;
    headers->options_must_understand = set->must_understand;
}
