/* xs:duration in and out. Any thread; no clock. */
#include "base/duration.h"

#include <inttypes.h>
#include <limits.h>

enum {
    SECOND_MS = 1000,
    MINUTE_MS = 60 * SECOND_MS,
    HOUR_MS = 60 * MINUTE_MS,
    DAY_MS = 24 * HOUR_MS,
};

/* The parts in the order in which they may come; 'T' stands between days and hours. */
static const struct {
    char letter;
    bool is_time;
    int64_t ms;
} parts[] = {
    { 'Y', false, 365LL * DAY_MS }, { 'M', false, 30LL * DAY_MS }, { 'W', false, 7LL * DAY_MS },
    { 'D', false, DAY_MS },         { 'H', true, HOUR_MS },        { 'M', true, MINUTE_MS },
    { 'S', true, SECOND_MS },
};
enum { PART_COUNT = sizeof(parts) / sizeof(parts[0]) };

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static int64_t add_capped(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t multiply_capped(int64_t a, int64_t b)
{
    return a > INT64_MAX / b ? INT64_MAX : a * b;
}

/* At least one digit from the front of *text, which moves on. */
static bool take_number(struct wsm_span *text, int64_t *out)
{
    int64_t number = 0;

    if (text->len == 0 || !is_digit(text->ptr[0]))
        return false;
    while (text->len > 0 && is_digit(text->ptr[0])) {
        number = add_capped(multiply_capped(number, 10), text->ptr[0] - '0');
        text->ptr++;
        text->len--;
    }
    *out = number;
    return true;
}

/* ".digits" to milliseconds; further digits are cut off. */
static bool take_fraction(struct wsm_span *text, int64_t *out_ms)
{
    int64_t unit = 100;
    int64_t ms = 0;

    text->ptr++;
    text->len--;
    if (text->len == 0 || !is_digit(text->ptr[0]))
        return false;
    while (text->len > 0 && is_digit(text->ptr[0])) {
        ms += unit * (text->ptr[0] - '0');
        unit /= 10;
        text->ptr++;
        text->len--;
    }
    *out_ms = ms;
    return true;
}

/* One number with its letter; *inout_part is the first part still allowed. */
static bool take_part(struct wsm_span *text, bool is_time, size_t *inout_part, int64_t *inout_ms)
{
    int64_t number;
    int64_t fraction_ms = 0;
    bool has_fraction;
    size_t i;

    if (!take_number(text, &number))
        return false;
    has_fraction = text->len > 0 && text->ptr[0] == '.';
    if (has_fraction && !take_fraction(text, &fraction_ms))
        return false;
    if (text->len == 0)
        return false;
    for (i = *inout_part; i < PART_COUNT; i++) {
        if (parts[i].is_time == is_time && parts[i].letter == (char)text->ptr[0])
            break;
    }
    if (i == PART_COUNT || (has_fraction && parts[i].letter != 'S'))
        return false;
    text->ptr++;
    text->len--;
    *inout_part = i + 1;
    *inout_ms = add_capped(*inout_ms, multiply_capped(number, parts[i].ms));
    *inout_ms = add_capped(*inout_ms, fraction_ms);
    return true;
}

bool wsm_duration_parse(struct wsm_span text, int64_t *out_ms)
{
    int64_t ms = 0;
    size_t part = 0;
    bool is_time = false;

    text = wsm_span_trim(text);
    if (text.len < 2 || text.ptr[0] != 'P')
        return false;
    text.ptr++;
    text.len--;
    do {
        if (!is_time && text.ptr[0] == 'T') {
            is_time = true;
            text.ptr++;
            text.len--;
        }
        if (!take_part(&text, is_time, &part, &ms))
            return false;
    } while (text.len > 0);
    *out_ms = ms;
    return true;
}

void wsm_duration_write(struct wsm_buf *buf, int64_t ms)
{
    wsm_buf_printf(buf, "PT%" PRId64 ".%03" PRId64 "S", ms / SECOND_MS, ms % SECOND_MS);
}

void wsm_run_time_write(struct wsm_buf *buf, int64_t seconds)
{
    wsm_buf_printf(buf, "P%" PRId64 "DT%" PRId64 "H%" PRId64 "M%" PRId64 "S", seconds / 86400,
                   seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}
