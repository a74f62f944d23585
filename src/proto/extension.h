/* What our client and our service say to each other beyond MS-WSMV: the client announces
 * itself by an option, the server answers with a mark, and from then on the client may
 * name offsets and answers do. Everybody else sees none of it.
 * Source: docs/extension.md. */
#ifndef WSM_PROTO_EXTENSION_H
#define WSM_PROTO_EXTENSION_H

#include "proto/envelope.h"

#define WSM_NS_EXTENSION "urn:winrmd:shell"

#define WSM_OPTION_CLIENT    "WINRMD_CLIENT"    /* on Create, Connect, Enumerate, Get: version */
#define WSM_OPTION_FROM      "WINRMD_FROM"      /* on Receive, to marked servers */
#define WSM_OPTION_TAKEOVER  "WINRMD_TAKEOVER"  /* on Connect and Disconnect: a boolean */
#define WSM_OPTION_DELIVERED "WINRMD_DELIVERED" /* on Disconnect, to marked servers */

enum {
    WSM_EXTENSION_VERSION = 1,
    WSM_FROM_STREAMS_MAX = 8, /* entries in WINRMD_FROM */
    WSM_DELIVERED_MAX = 256,  /* entries in WINRMD_DELIVERED: 16 KiB, for the smallest envelope */
};

/* The version that WINRMD_CLIENT names, 0 = absent or not a number from 1 on. A version
 * above ours is ours: the newer side adapts. */
uint32_t wsm_extension_announced(const struct wsm_envelope *env);
/* WINRMD_TAKEOVER; absent is false. ERROR_WSMAN_INVALID_OPTIONS: not a boolean. */
bool wsm_extension_takeover(const struct wsm_envelope *env, bool *out,
                            struct wsm_error *err) WSM_MUST_CHECK;

/* The mark: <Extensions xmlns="urn:winrmd:shell" Version="1"/>, last child of rsp:Shell or
 * rsp:ConnectResponse. find: 0 = there is none in `parent` (NULL allowed). */
void wsm_extension_mark_write(struct wsm_buf *out);
uint32_t wsm_extension_mark_find(const struct wsm_xml_node *parent);

/* One entry NAME=CONFIRMED:START of WINRMD_FROM; entries are separated by blanks. Offsets
 * are decimal and count the bytes of the stream from 0; confirmed <= start. */
struct wsm_from {
    struct wsm_span stream; /* borrowed from the option's value when read */
    uint64_t confirmed;     /* everything below has arrived at the client's application */
    uint64_t start;         /* the answer shall start here */
};

void wsm_from_write(struct wsm_buf *out, const struct wsm_from *entries, size_t count);
/* `entries` has room for WSM_FROM_STREAMS_MAX. ERROR_WSMAN_INVALID_OPTIONS: malformed, a
 * stream twice, confirmed > start, or no entry at all. */
bool wsm_from_parse(struct wsm_span value, struct wsm_from *entries, size_t *out_count,
                    struct wsm_error *err) WSM_MUST_CHECK;

/* One entry COMMAND/NAME=OFFSET of WINRMD_DELIVERED, separated and counted as those above. */
struct wsm_delivered {
    struct wsm_span command; /* borrowed, as the next one, from the option's value when read */
    struct wsm_span stream;
    uint64_t offset; /* everything below has arrived at the client's application */
};

void wsm_delivered_write(struct wsm_buf *out, const struct wsm_delivered *entries, size_t count);
/* `entries` has room for WSM_DELIVERED_MAX. ERROR_WSMAN_INVALID_OPTIONS: malformed, a stream
 * of a command twice, too many, or no entry at all. */
bool wsm_delivered_parse(struct wsm_span value, struct wsm_delivered *entries, size_t *out_count,
                         struct wsm_error *err) WSM_MUST_CHECK;

#endif
