/* Frames between our processes: one SOCK_SEQPACKET packet each. Encoding and checks,
 * no I/O. Source: docs/host-protocol.md, "Frame". */
#ifndef WSM_IPC_FRAME_H
#define WSM_IPC_FRAME_H

#include "base/buf.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WSM_FRAME_HEADER = 8,
    WSM_FRAME_MAX = 128 * 1024,        /* bytes of a packet, header included */
    WSM_MESSAGE_MAX = 4 * 1024 * 1024, /* payload of a message put together from frames */
    WSM_FRAME_FLAG_IGNORABLE = 1,      /* a receiver that does not know the type skips it */
    WSM_FRAME_FLAG_MORE = 2,           /* the next frame of this type continues the payload */
};

/* Header, little endian: u16 type, u16 flags, u32 payload length. */
struct wsm_frame {
    uint16_t type;
    uint16_t flags;
    struct wsm_span payload; /* borrowed from the packet */
};

/* A packet is a frame or it is not: DONE or BAD (short, too long, length differs,
 * type 0, unknown flags). */
enum wsm_parse wsm_frame_parse(struct wsm_span packet, struct wsm_frame *out);
void wsm_frame_header_write(uint8_t out[WSM_FRAME_HEADER], uint16_t type, uint16_t flags,
                            uint32_t payload_len);

/* How a message's struct is laid out on the wire: one entry a field, in wire order.
 * Integers are little endian; SPAN is u32 length and bytes, borrowed from the payload
 * when read. */
enum wsm_field_kind {
    WSM_FIELD_U8,
    WSM_FIELD_U32,
    WSM_FIELD_U64,
    WSM_FIELD_I64,
    WSM_FIELD_SPAN,
    WSM_FIELD_TOKEN, /* uint8_t[WSM_TOKEN_LEN] */
};

enum { WSM_TOKEN_LEN = 16 };

struct wsm_field {
    enum wsm_field_kind kind;
    size_t offset;
};

/* A message type: its number, its name for logs, its fields. */
struct wsm_message_type {
    uint16_t type;
    uint16_t flags; /* WSM_FRAME_FLAG_IGNORABLE or 0 */
    const char *name;
    const struct wsm_field *fields;
    size_t field_count;
    bool is_secret; /* its payload is wiped from every buffer of ours after use */
};

/* Appends the payload of *message as `type` lays it out. A span above WSM_MESSAGE_MAX
 * fails the buffer. */
void wsm_message_write(struct wsm_buf *out, const struct wsm_message_type *type,
                       const void *message);
/* Reads a payload into *out. False: too short, too long or a field that does not fit;
 * *out is undefined then. */
bool wsm_message_parse(const struct wsm_message_type *type, struct wsm_span payload,
                       void *out) WSM_MUST_CHECK;

/* Lists of strings travel as one span: each string followed by NUL.
 * next: false at the end. The text is borrowed and NUL-terminated. */
void wsm_strings_add(struct wsm_buf *list, struct wsm_span text);
bool wsm_strings_next(struct wsm_span *list, const char **out_text);
bool wsm_strings_are_valid(struct wsm_span list); /* empty, or ends with NUL */

#endif
