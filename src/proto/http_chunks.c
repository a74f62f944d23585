/* The chunked coding of a body, read in place. Any thread. Source: RFC 9112, section 7.1. */
#include "proto/http.h"
#include "proto/http_chars.h"

/* What the next byte belongs to. */
enum state {
    SIZE_FIRST, /* a size line must have a digit */
    SIZE,
    EXTENSION, /* skipped */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_FIRST, /* of a line: CR here ends the body */
    TRAILER_NAME,
    TRAILER,
    TRAILER_LF,
    END_LF,
    END,
    BAD,
};

enum {
    SIZE_BITS_MAX = 60, /* a chunk cannot be larger than 2^60 - 1 */
    TRAILERS_MAX = 4096,
    /* Framing may cost more than the data only up to this many bytes: chunks of one byte
     * make us do six bytes of work for each. */
    OVERHEAD_FREE = 16384,
};

static int hex_value(uint8_t c)
{
    if (wsm_http_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static enum state size_byte(struct wsm_http_chunks *chunks, uint8_t c, bool is_first)
{
    int value = hex_value(c);

    if (value >= 0) {
        if (chunks->left >> (SIZE_BITS_MAX - 4) != 0)
            return BAD;
        chunks->left = chunks->left << 4 | (uint64_t)value;
        return SIZE;
    }
    if (is_first)
        return BAD;
    return c == ';' ? EXTENSION : c == '\r' ? SIZE_LF : BAD;
}

static enum state trailer_byte(enum state state, uint8_t c)
{
    switch (state) {
    case TRAILER_FIRST:
        return c == '\r' ? END_LF : wsm_http_is_token_char(c) ? TRAILER_NAME : BAD;
    case TRAILER_NAME:
        return c == ':' ? TRAILER : wsm_http_is_token_char(c) ? TRAILER_NAME : BAD;
    default:
        return c == '\r' ? TRAILER_LF : wsm_http_is_text(c) ? TRAILER : BAD;
    }
}

/* The state after one byte of framing. */
static enum state framing_byte(struct wsm_http_chunks *chunks, enum state state, uint8_t c)
{
    switch (state) {
    case SIZE_FIRST:
    case SIZE:
        return size_byte(chunks, c, state == SIZE_FIRST);
    case EXTENSION:
        return c == '\r' ? SIZE_LF : wsm_http_is_text(c) ? EXTENSION : BAD;
    case SIZE_LF:
        chunks->line_len = 0; /* the CR LF behind the data counts with the next line */
        return c != '\n' ? BAD : chunks->left == 0 ? TRAILER_FIRST : DATA;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        return c == '\n' ? SIZE_FIRST : BAD;
    case TRAILER_FIRST:
    case TRAILER_NAME:
    case TRAILER:
        return trailer_byte(state, c);
    case TRAILER_LF:
        return c == '\n' ? TRAILER_FIRST : BAD;
    case END_LF:
        return c == '\n' ? END : BAD;
    default:
        return BAD;
    }
}

static bool is_within_limits(const struct wsm_http_chunks *chunks, enum state state)
{
    uint64_t line_max = state >= TRAILER_FIRST ? TRAILERS_MAX : WSM_HTTP_CHUNK_LINE_MAX;

    return chunks->line_len <= line_max &&
           (chunks->overhead <= OVERHEAD_FREE || chunks->overhead <= chunks->total);
}

enum wsm_parse wsm_http_chunks_step(struct wsm_http_chunks *chunks, uint8_t *bytes,
                                    size_t *inout_len, size_t *out_used)
{
    enum state state = (enum state)chunks->state;
    size_t raw_len = *inout_len;
    size_t in = 0;
    size_t out = 0;

    while (in < raw_len && state != END && state != BAD) {
        if (state == DATA) {
            size_t count = raw_len - in < chunks->left ? raw_len - in : (size_t)chunks->left;

            memmove(bytes + out, bytes + in, count);
            in += count;
            out += count;
            chunks->left -= count;
            chunks->total += count;
            if (chunks->left == 0)
                state = DATA_CR;
            continue;
        }
        chunks->line_len++;
        chunks->overhead++;
        state = framing_byte(chunks, state, bytes[in++]);
        if (!is_within_limits(chunks, state))
            state = BAD;
    }
    chunks->state = (int)state;
    *inout_len = out;
    *out_used = in;
    return state == END ? WSM_PARSE_DONE : state == BAD ? WSM_PARSE_BAD : WSM_PARSE_MORE;
}
