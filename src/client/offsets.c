/* Offsets: what of a command's output has been received, and where the next answer has to
 * start. Loop thread; wsm_delivery_run() moves `delivered` and `dropped`. */
#include "client/offsets.h"

#include "client/delivery.h"
#include "client/texts.h"
#include "wsmerror.h"

#include <string.h>

static struct wsm_offset *find(struct wsm_offsets *offsets, struct wsm_span name)
{
    size_t i;

    for (i = 0; i < offsets->count; i++) {
        if (wsm_span_is(name, offsets->streams[i].name))
            return &offsets->streams[i];
    }
    return NULL;
}

const struct wsm_offset *wsm_offsets_find(const struct wsm_offsets *offsets, struct wsm_span name)
{
    return find((struct wsm_offsets *)(uintptr_t)offsets, name);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t delivered(const struct wsm_offsets *offsets, const struct wsm_offset *offset)
{
    uint64_t at = atomic_load(&offset->delivered);

    if (offsets->is_limited && strcmp(offset->name, "stdout") == 0)
        return smaller(at, offsets->limit_stdout);
    if (offsets->is_limited && strcmp(offset->name, "stderr") == 0)
        return smaller(at, offsets->limit_stderr);
    return at;
}

uint64_t wsm_offsets_delivered(const struct wsm_offsets *offsets, struct wsm_span name)
{
    const struct wsm_offset *offset = wsm_offsets_find(offsets, name);

    return offset == NULL ? 0 : delivered(offsets, offset);
}

/* NULL: the name is too long, or there are too many. */
static struct wsm_offset *add(struct wsm_offsets *offsets, struct wsm_span name)
{
    struct wsm_offset *offset;

    if (name.len > WSM_STREAM_NAME_MAX || offsets->count == WSM_FROM_STREAMS_MAX)
        return NULL;
    offset = &offsets->streams[offsets->count++];
    memcpy(offset->name, name.ptr, name.len);
    offset->name[name.len] = '\0';
    return offset;
}

void wsm_offsets_start(struct wsm_offsets *offsets, struct wsm_span streams)
{
    struct wsm_span name;

    while ((name = wsm_words_next(&streams)).len > 0) {
        if (find(offsets, name) == NULL)
            (void)add(offsets, name); /* without room its first answer teaches it, or fails */
    }
}

bool wsm_offsets_resume(struct wsm_offsets *offsets, struct wsm_span from, struct wsm_error *err)
{
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    struct wsm_offset *offset;
    size_t count = 0;
    size_t i;

    if (!wsm_from_parse(from, entries, &count, err))
        return false;
    for (i = 0; i < count; i++) {
        offset = find(offsets, entries[i].stream);
        if (offset == NULL)
            offset = add(offsets, entries[i].stream);
        if (offset == NULL)
            return wsm_fail(err, ERROR_WSMAN_INVALID_OPTIONS,
                            WSM_OPTION_FROM ": a stream's name is too long");
        offset->received = entries[i].start;
        atomic_store(&offset->delivered, entries[i].confirmed);
    }
    return true;
}

void wsm_offsets_write(const struct wsm_offsets *offsets, struct wsm_span streams,
                       struct wsm_buf *out)
{
    struct wsm_from entries[WSM_FROM_STREAMS_MAX];
    size_t count = 0;
    size_t i;

    for (i = 0; i < offsets->count; i++) {
        const struct wsm_offset *offset = &offsets->streams[i];

        if (wsm_words_contain_all(streams, wsm_span_str(offset->name)))
            entries[count++] = (struct wsm_from){ .stream = wsm_span_str(offset->name),
                                                  .confirmed = delivered(offsets, offset),
                                                  .start = offset->received };
    }
    if (count > 0)
        wsm_from_write(out, entries, count);
}

size_t wsm_offsets_tell(struct wsm_offsets *offsets, struct wsm_span command,
                        struct wsm_delivered *entries, size_t room)
{
    size_t count = 0;
    size_t i;

    for (i = 0; i < offsets->count && count < room; i++) {
        struct wsm_offset *offset = &offsets->streams[i];
        uint64_t at = delivered(offsets, offset);

        if (at <= offset->told)
            continue;
        offset->told = at;
        entries[count++] = (struct wsm_delivered){ .command = command,
                                                   .stream = wsm_span_str(offset->name),
                                                   .offset = at };
    }
    return count;
}

void wsm_offsets_untell(struct wsm_offsets *offsets)
{
    size_t i;

    for (i = 0; i < offsets->count; i++)
        offsets->streams[i].told = 0;
}

/* ---- Answers ---- */

static bool check_piece(const struct wsm_piece *piece, struct wsm_error *err)
{
    if (piece->stream.len == 0)
        return true;
    if (!piece->has_offset)
        return wsm_fail(err, ERROR_WSMAN_INVALID_REPRESENTATION,
                        "output of stream %.*s came without the attribute Offset",
                        (int)piece->stream.len, (const char *)piece->stream.ptr);
    if (piece->offset > UINT64_MAX - piece->data.len)
        return wsm_fail(err, ERROR_WSMAN_INVALID_REPRESENTATION,
                        "output of stream %.*s has an Offset beyond all counting",
                        (int)piece->stream.len, (const char *)piece->stream.ptr);
    return true;
}

static bool check_room(const struct wsm_offsets *offsets, const struct wsm_delivery *delivery,
                       struct wsm_error *err)
{
    struct wsm_span new_names[WSM_FROM_STREAMS_MAX];
    size_t room = WSM_FROM_STREAMS_MAX - offsets->count;
    size_t count = 0;
    size_t i;
    size_t k;

    for (i = 0; i < delivery->count; i++) {
        struct wsm_span name = delivery->pieces[i].stream;

        if (name.len == 0 || wsm_offsets_find(offsets, name) != NULL)
            continue;
        for (k = 0; k < count && !wsm_span_equal(new_names[k], name); k++)
            continue;
        if (k < count)
            continue;
        if (count == room || name.len > WSM_STREAM_NAME_MAX)
            return wsm_fail(err, ERROR_WSMAN_INVALID_REPRESENTATION,
                            "output of more streams than %d, or of one with a long name",
                            WSM_FROM_STREAMS_MAX);
        new_names[count++] = name;
    }
    return true;
}

/* A stream never heard of before starts where its first answer does. */
static struct wsm_offset *learn(struct wsm_offsets *offsets, const struct wsm_piece *piece)
{
    struct wsm_offset *offset = find(offsets, piece->stream);

    if (offset == NULL) {
        offset = add(offsets, piece->stream); /* check_room() has seen that it fits */
        offset->received = piece->offset;
        atomic_store(&offset->delivered, piece->offset);
    }
    return offset;
}

/* False: the piece says nothing new. */
static bool place(struct wsm_offsets *offsets, struct wsm_piece *piece)
{
    struct wsm_offset *offset = learn(offsets, piece);
    uint64_t end = piece->offset + piece->data.len;

    if (piece->offset < offset->received) { /* all of it, or its beginning, was here before */
        uint64_t known = offset->received - piece->offset;
        size_t cut = known < piece->data.len ? (size_t)known : piece->data.len;

        piece->data = wsm_span_of(piece->data.ptr + cut, piece->data.len - cut);
    } else {
        piece->gap = piece->offset - offset->received;
    }
    if (end > offset->received)
        offset->received = end;
    piece->end = piece->end && !offset->has_ended;
    offset->has_ended = offset->has_ended || piece->end;
    piece->position = offset;
    piece->reaches = offset->received;
    return piece->data.len > 0 || piece->gap > 0 || piece->end;
}

bool wsm_offsets_take(struct wsm_offsets *offsets, struct wsm_delivery *delivery,
                      struct wsm_error *err)
{
    size_t kept = 0;
    size_t i;

    for (i = 0; i < delivery->count; i++) {
        if (!check_piece(&delivery->pieces[i], err))
            return false;
    }
    if (!check_room(offsets, delivery, err))
        return false;
    for (i = 0; i < delivery->count; i++) {
        struct wsm_piece piece = delivery->pieces[i];
        bool is_new = piece.stream.len > 0 && place(offsets, &piece);

        if (!is_new && !piece.has_state)
            continue;
        if (!is_new) /* the state alone */
            piece.stream = wsm_span_of(NULL, 0);
        delivery->pieces[kept++] = piece;
    }
    delivery->count = kept;
    return true;
}
