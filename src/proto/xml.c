/* An XML document as a small tree, read by expat and written back as text. Pure:
 * used by whichever thread owns the document; keeps no prefixes, comments or processing
 * instructions, and does not validate the text of rsp:Stream elements that bypassed expat. */
#include "proto/xml.h"

#include "base/base64.h"

#include "wsmerror.h"

#include <expat.h>
#include <limits.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_FIRST = 4096, /* bytes of the first block; each next one doubles */
    ARENA_LARGEST = 65536,
    RAW_TEXT_MIN = 256,      /* shorter Stream texts cost less inside expat than around it */
    RAW_MISSES_MAX = 16,     /* looks like a Stream, but is none: then expat gets all the rest */
    PARSER_KEEP_MAX = 65536, /* a parser that has read more may have grown: it is not kept */
};

#define NAME_SEPARATOR                                                        \
    '\n' /* between namespace and local name; expat refuses it in a namespace \
          */

/* One block of memory; the document points to the newest. */
struct wsm_xml_arena {
    struct wsm_xml_arena *next;
    size_t used;
    size_t size;
    alignas(max_align_t) uint8_t bytes[];
};

struct reader {
    XML_Parser parser;           /* borrowed while parsing */
    struct wsm_xml_arena *arena; /* owned, moves into the document at the end */
    struct wsm_xml_node *root;
    struct wsm_xml_node *current;
    size_t depth;
    size_t element_count;
    size_t declaration_count; /* xmlns attributes of the element about to start */
    struct wsm_buf text;      /* unfinished text of all open elements, the innermost last */
    size_t text_start[WSM_XML_DEPTH_MAX];
    XML_Index stream_end; /* where the start tag of `current`, an rsp:Stream, ended; else -1 */
    bool failed;          /* a handler has filled err (which may be NULL) */
    struct wsm_error *err;
};

static void *arena_alloc(struct wsm_xml_arena **arena, size_t size)
{
    struct wsm_xml_arena *block = *arena;
    size_t room;
    void *result;

    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (block == NULL || block->size - block->used < size) {
        room = block == NULL ? ARENA_FIRST : block->size * 2;
        if (room > ARENA_LARGEST)
            room = ARENA_LARGEST;
        if (room < size)
            room = size;
        block = malloc(sizeof(*block) + room);
        if (block == NULL)
            return NULL;
        *block = (struct wsm_xml_arena){ .next = *arena, .size = room };
        *arena = block;
    }
    result = block->bytes + block->used;
    block->used += size;
    return result;
}

static void arena_free(struct wsm_xml_arena *arena)
{
    while (arena != NULL) {
        struct wsm_xml_arena *next = arena->next;

        free(arena);
        arena = next;
    }
}

/* Stops expat; the first failure is the one reported. */
static void reader_stop(struct reader *reader)
{
    reader->failed = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static bool reader_no_memory(struct reader *reader)
{
    if (!reader->failed)
        wsm_fail_memory(reader->err, "XML document");
    reader_stop(reader);
    return false;
}

static bool reader_refuse(struct reader *reader, const char *what, unsigned limit)
{
    if (!reader->failed)
        wsm_fail(reader->err, ERROR_WSMAN_INVALID_XML, "XML document: %s %u", what, limit);
    reader_stop(reader);
    return false;
}

static bool reader_copy(struct reader *reader, const void *bytes, size_t len, struct wsm_span *out)
{
    uint8_t *copy;

    if (len == 0) {
        *out = wsm_span_of(NULL, 0);
        return true;
    }
    copy = arena_alloc(&reader->arena, len);
    if (copy == NULL)
        return reader_no_memory(reader);
    memcpy(copy, bytes, len);
    *out = wsm_span_of(copy, len);
    return true;
}

/* Splits expat's "namespace NEWLINE local". `known` is a namespace to share instead of copying. */
static bool reader_name(struct reader *reader, const char *full, struct wsm_span known,
                        struct wsm_span *out_ns, struct wsm_span *out_name)
{
    size_t len = strlen(full);
    const char *local = memchr(full, NAME_SEPARATOR, len);
    struct wsm_span ns = wsm_span_of(NULL, 0);

    if (len > WSM_XML_NAME_MAX)
        return reader_refuse(reader, "name longer than WSM_XML_NAME_MAX =", WSM_XML_NAME_MAX);
    if (local != NULL) {
        ns = wsm_span_of(full, (size_t)(local - full));
        local++;
    } else {
        local = full;
    }
    if (wsm_span_equal(ns, known))
        *out_ns = known;
    else if (!reader_copy(reader, ns.ptr, ns.len, out_ns))
        return false;
    return reader_copy(reader, local, len - (size_t)(local - full), out_name);
}

/* expat 2.5 forgets to look at one allocation: when it fails, a namespace declaration comes
 * out as an attribute, which never happens otherwise. */
static bool is_lost_declaration(const char *name)
{
    return strncmp(name, "xmlns:", 6) == 0;
}

static bool reader_attributes(struct reader *reader, struct wsm_xml_node *node,
                              const XML_Char **list)
{
    struct wsm_xml_attr *attrs;
    size_t count = 0;
    size_t i;

    while (list[count * 2] != NULL)
        count++;
    if (count + reader->declaration_count > WSM_XML_ATTRIBUTES_MAX)
        return reader_refuse(reader, "attributes of one element more than WSM_XML_ATTRIBUTES_MAX =",
                             WSM_XML_ATTRIBUTES_MAX);
    reader->declaration_count = 0;
    if (count == 0)
        return true;
    attrs = arena_alloc(&reader->arena, count * sizeof(*attrs));
    if (attrs == NULL)
        return reader_no_memory(reader);
    for (i = 0; i < count; i++) {
        const char *value = list[i * 2 + 1];

        if (is_lost_declaration(list[i * 2]))
            return reader_no_memory(reader);
        if (!reader_name(reader, list[i * 2], node->ns, &attrs[i].ns, &attrs[i].name) ||
            !reader_copy(reader, value, strlen(value), &attrs[i].value))
            return false;
    }
    node->attrs = attrs;
    node->attr_count = count;
    return true;
}

static void link_node(struct reader *reader, struct wsm_xml_node *node)
{
    struct wsm_xml_node *parent = reader->current;

    node->parent = parent;
    if (parent == NULL)
        reader->root = node;
    else if (parent->last_child == NULL)
        parent->first_child = node;
    else
        parent->last_child->next = node;
    if (parent != NULL)
        parent->last_child = node;
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = data;
    struct wsm_xml_node *node;
    struct wsm_span known = { NULL, 0 };

    if (reader->failed)
        return;
    if (reader->depth == WSM_XML_DEPTH_MAX) {
        reader_refuse(reader, "elements nested deeper than WSM_XML_DEPTH_MAX =", WSM_XML_DEPTH_MAX);
        return;
    }
    if (reader->element_count == WSM_XML_ELEMENTS_MAX) {
        reader_refuse(reader, "more elements than WSM_XML_ELEMENTS_MAX =", WSM_XML_ELEMENTS_MAX);
        return;
    }
    node = arena_alloc(&reader->arena, sizeof(*node));
    if (node == NULL) {
        reader_no_memory(reader);
        return;
    }
    *node = (struct wsm_xml_node){ .next = NULL };
    if (reader->current != NULL)
        known = reader->current->ns;
    if (!reader_name(reader, name, known, &node->ns, &node->name) ||
        !reader_attributes(reader, node, attributes))
        return;
    link_node(reader, node);
    reader->current = node;
    reader->text_start[reader->depth] = reader->text.len;
    reader->depth++;
    reader->element_count++;
    reader->stream_end = -1;
    if (wsm_xml_is(node, WSM_NS_SHELL, "Stream"))
        reader->stream_end = XML_GetCurrentByteIndex(reader->parser) +
                             XML_GetCurrentByteCount(reader->parser);
}

static void on_end(void *data, const XML_Char *name)
{
    struct reader *reader = data;
    struct wsm_xml_node *node = reader->current;
    struct wsm_span raw;
    size_t start;
    size_t len;
    uint8_t *joined;

    (void)name;
    if (reader->failed)
        return;
    raw = node->text; /* what bypassed expat; it always stands first */
    start = reader->text_start[reader->depth - 1];
    len = reader->text.len - start;
    if (len > 0) {
        joined = arena_alloc(&reader->arena, raw.len + len);
        if (joined == NULL) {
            reader_no_memory(reader);
            return;
        }
        if (raw.len > 0)
            memcpy(joined, raw.ptr, raw.len);
        memcpy(joined + raw.len, reader->text.ptr + start, len);
        node->text = wsm_span_of(joined, raw.len + len);
        reader->text.len = start;
    }
    reader->depth--;
    reader->current = node->parent;
    reader->stream_end = -1;
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct reader *reader = data;

    if (reader->failed)
        return;
    wsm_buf_append(&reader->text, text, (size_t)len);
    if (!wsm_buf_ok(&reader->text))
        reader_no_memory(reader);
}

static void on_namespace(void *data, const XML_Char *prefix, const XML_Char *uri)
{
    struct reader *reader = data;

    (void)prefix;
    (void)uri;
    reader->declaration_count++;
}

static void on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                       const XML_Char *public_id, int has_internal_subset)
{
    struct reader *reader = data;

    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    if (!reader->failed)
        wsm_fail(reader->err, ERROR_WSMAN_INVALID_XML, "XML document: a DTD is not allowed");
    reader_stop(reader);
}

/* expat would also read Latin-1, which WS-Management does not know. */
static void on_declaration(void *data, const XML_Char *version, const XML_Char *encoding,
                           int standalone)
{
    static const char *const known[] = { "UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE" };
    struct reader *reader = data;
    size_t i;

    (void)version;
    (void)standalone;
    if (encoding == NULL || reader->failed)
        return;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (wsm_span_is_nocase(wsm_span_str(encoding), known[i]))
            return;
    wsm_fail(reader->err, ERROR_WSMAN_UNSUPPORTED_ENCODING, "XML document: encoding \"%.40s\"",
             encoding);
    reader_stop(reader);
}

/* A piece of the input whose tag looks like that of a Stream with a long text. */
struct candidate {
    size_t text; /* offset behind the '>' of the tag */
    size_t end;  /* offset of the '<' that follows */
};

/* Is this, the inside of a tag, the name of a Stream in any prefix? */
static bool looks_like_stream(const uint8_t *tag, size_t len)
{
    static const char local[] = "Stream";
    size_t i = 0;
    size_t start = 0;

    while (i < len && tag[i] != '>' && tag[i] != '/' && !wsm_is_xml_space(tag[i])) {
        if (tag[i] == ':')
            start = i + 1;
        i++;
    }
    return i - start == sizeof(local) - 1 && memcmp(tag + start, local, sizeof(local) - 1) == 0;
}

/* Would expat hand out this text as it stands? */
static bool is_plain(const uint8_t *text, size_t len)
{
    return memchr(text, '&', len) == NULL && memchr(text, ']', len) == NULL &&
           memchr(text, '\r', len) == NULL;
}

/* Only a guess (comments and CDATA look the same): what expat has seen decides.
 * One pass over the input however often it is called, since it goes from '<' to '<'. */
static bool find_candidate(const uint8_t *bytes, size_t len, size_t *inout_from,
                           struct candidate *out)
{
    const uint8_t *tag = NULL;

    if (len > *inout_from)
        tag = memchr(bytes + *inout_from, '<', len - *inout_from);
    while (tag != NULL) {
        size_t inside = (size_t)(tag - bytes) + 1;
        const uint8_t *next = memchr(bytes + inside, '<', len - inside);
        size_t end = next == NULL ? len : (size_t)(next - bytes);

        if (next != NULL && end - inside > RAW_TEXT_MIN &&
            looks_like_stream(bytes + inside, end - inside)) {
            const uint8_t *close = memchr(bytes + inside, '>', end - inside);
            size_t text = close == NULL ? end : (size_t)(close - bytes) + 1;

            if (end - text >= RAW_TEXT_MIN && is_plain(bytes + text, end - text)) {
                *out = (struct candidate){ .text = text, .end = end };
                *inout_from = end;
                return true;
            }
        }
        tag = next;
    }
    return false;
}

static bool is_utf16(const uint8_t *bytes, size_t len)
{
    return len >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) ||
                        (bytes[0] == 0xFE && bytes[1] == 0xFF) || bytes[0] == 0 || bytes[1] == 0);
}

static bool reader_feed(struct reader *reader, const uint8_t *bytes, size_t len, size_t skipped,
                        bool is_last)
{
    enum XML_Error error;

    if (XML_Parse(reader->parser, (const char *)bytes, (int)len, is_last) == XML_STATUS_OK)
        return true;
    if (reader->failed)
        return false;
    error = XML_GetErrorCode(reader->parser);
    if (error == XML_ERROR_NO_MEMORY)
        return wsm_fail_memory(reader->err, "XML document");
    if (error == XML_ERROR_UNKNOWN_ENCODING || error == XML_ERROR_INCORRECT_ENCODING)
        return wsm_fail(reader->err, ERROR_WSMAN_UNSUPPORTED_ENCODING, "XML document: %s",
                        XML_ErrorString(error));
    return wsm_fail(reader->err, ERROR_WSMAN_INVALID_XML, "XML document: %s at byte %zu",
                    XML_ErrorString(error),
                    (size_t)XML_GetCurrentByteIndex(reader->parser) + skipped);
}

/* Feeds expat up to the text of each Stream, leaves that text where it is, goes on behind it. */
static bool reader_run(struct reader *reader, const uint8_t *bytes, size_t len, bool raw)
{
    struct candidate found;
    size_t from = 0;    /* where to look for the next candidate */
    size_t done = 0;    /* bytes fed or skipped */
    size_t skipped = 0; /* bytes that expat has not seen */
    int misses = 0;

    while (raw && misses < RAW_MISSES_MAX && find_candidate(bytes, len, &from, &found)) {
        if (!reader_feed(reader, bytes + done, found.text - done, skipped, false))
            return false;
        done = found.text;
        if (reader->stream_end < 0 || (size_t)reader->stream_end + skipped != done) {
            misses++;
            continue;
        }
        reader->current->text = wsm_span_of(bytes + found.text, found.end - found.text);
        skipped += found.end - found.text;
        done = found.end;
    }
    return reader_feed(reader, bytes + done, len - done, skipped, true);
}

void wsm_xml_parser_clear(struct wsm_xml_parser *parser)
{
    XML_ParserFree(parser->expat); /* accepts NULL */
    parser->expat = NULL;
}

static bool parser_prepare(struct wsm_xml_parser *parser, struct wsm_error *err)
{
    static const XML_Memory_Handling_Suite memory = { malloc, realloc, free };
    static const XML_Char separator[] = { NAME_SEPARATOR, '\0' };

    if (parser->expat == NULL)
        parser->expat = XML_ParserCreate_MM(NULL, &memory, separator);
    else
        XML_ParserReset(parser->expat, NULL); /* fails only for parsers of entities */
    if (parser->expat == NULL)
        return wsm_fail_memory(err, "XML parser");
    if (parser->salt != 0)
        XML_SetHashSalt(parser->expat, parser->salt);
    return true;
}

bool wsm_xml_parse_with(struct wsm_xml_doc *doc, struct wsm_xml_parser *parser, uint8_t *bytes,
                        size_t len, struct wsm_error *err)
{
    struct reader reader = { .stream_end = -1, .err = err };
    bool ok = false;

    if (len > INT_MAX / 2)
        return wsm_fail(err, ERROR_WSMAN_INVALID_XML, "XML document: %zu bytes are too many", len);
    if (!parser_prepare(parser, err))
        return false;
    reader.parser = parser->expat;
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartNamespaceDeclHandler(reader.parser, on_namespace);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    XML_SetXmlDeclHandler(reader.parser, on_declaration);
    if (!reader_run(&reader, bytes, len, !is_utf16(bytes, len)))
        goto out;
    *doc = (struct wsm_xml_doc){ .root = reader.root,
                                 .arena = reader.arena,
                                 .is_utf16 = is_utf16(bytes, len) };
    reader.arena = NULL; /* transferred to the document */
    ok = true;
out:
    if (len > PARSER_KEEP_MAX)
        wsm_xml_parser_clear(parser);
    wsm_buf_clear(&reader.text);
    arena_free(reader.arena);
    return ok;
}

bool wsm_xml_parse(struct wsm_xml_doc *doc, uint8_t *bytes, size_t len, struct wsm_error *err)
{
    struct wsm_xml_parser parser = { .expat = NULL };
    bool ok = wsm_xml_parse_with(doc, &parser, bytes, len, err);

    wsm_xml_parser_clear(&parser);
    return ok;
}

void wsm_xml_doc_clear(struct wsm_xml_doc *doc)
{
    arena_free(doc->arena);
    *doc = (struct wsm_xml_doc)WSM_XML_DOC_INIT;
}

bool wsm_xml_is(const struct wsm_xml_node *node, const char *ns, const char *name)
{
    return wsm_span_is(node->name, name) && wsm_span_is(node->ns, ns);
}

const struct wsm_xml_node *wsm_xml_child(const struct wsm_xml_node *node, const char *ns,
                                         const char *name)
{
    const struct wsm_xml_node *child = node->first_child;

    while (child != NULL && !wsm_xml_is(child, ns, name))
        child = child->next;
    return child;
}

const struct wsm_xml_node *wsm_xml_next_same(const struct wsm_xml_node *node)
{
    const struct wsm_xml_node *next = node->next;

    while (next != NULL &&
           (!wsm_span_equal(next->name, node->name) || !wsm_span_equal(next->ns, node->ns)))
        next = next->next;
    return next;
}

bool wsm_xml_attr(const struct wsm_xml_node *node, const char *ns, const char *name,
                  struct wsm_span *out)
{
    struct wsm_span want = wsm_span_str(ns);
    size_t i;

    for (i = 0; i < node->attr_count; i++) {
        if (!wsm_span_is(node->attrs[i].name, name) || !wsm_span_equal(node->attrs[i].ns, want))
            continue;
        *out = node->attrs[i].value;
        return true;
    }
    return false;
}

struct wsm_span wsm_xml_child_text(const struct wsm_xml_node *node, const char *ns,
                                   const char *name)
{
    const struct wsm_xml_node *child = wsm_xml_child(node, ns, name);

    return child == NULL ? wsm_span_of(NULL, 0) : wsm_span_trim(child->text);
}

bool wsm_xml_bool_parse(struct wsm_span text, bool *out)
{
    text = wsm_span_trim(text);
    if (wsm_span_is_nocase(text, "true") || wsm_span_is(text, "1"))
        *out = true;
    else if (wsm_span_is_nocase(text, "false") || wsm_span_is(text, "0"))
        *out = false;
    else
        return false;
    return true;
}

bool wsm_xml_number_parse(struct wsm_span text, uint64_t max, uint64_t *out)
{
    uint64_t number = 0;
    size_t i;

    text = wsm_span_trim(text);
    for (i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.ptr[i] - '0'; /* huge for what stands before '0' */

        if (digit > 9 || digit > max || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    if (text.len == 0)
        return false;
    *out = number;
    return true;
}

bool wsm_xml_decode_in_place(const struct wsm_xml_node *node, struct wsm_span *out_bytes)
{
    /* The text lies in the caller's mutable bytes or in our arena, never in constants. */
    uint8_t *text = (uint8_t *)(uintptr_t)node->text.ptr;
    size_t len;

    if (!wsm_base64_decode(text, node->text.len, text, &len))
        return false;
    *out_bytes = wsm_span_of(text, len);
    return true;
}

/* What stands for `byte` in text; NULL if it stands for itself. */
static const char *escape_of(uint8_t byte, bool in_attribute)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\r':
        return "&#13;";
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    default:
        return byte < 0x20 ? "?" : NULL;
    }
}

static void escape(struct wsm_buf *out, struct wsm_span text, bool in_attribute)
{
    size_t start = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        const char *instead;

        if (byte > '>' && byte != 0xEF)
            continue;
        if (byte == 0xEF) { /* U+FFFE and U+FFFF are no characters of XML */
            if (text.len - i < 3 || text.ptr[i + 1] != 0xBF || text.ptr[i + 2] < 0xBE)
                continue;
            instead = "?";
        } else {
            instead = escape_of(byte, in_attribute);
            if (instead == NULL)
                continue;
        }
        wsm_buf_append(out, text.ptr + start, i - start);
        wsm_buf_append_str(out, instead);
        if (byte == 0xEF)
            i += 2;
        start = i + 1;
    }
    if (text.len > start)
        wsm_buf_append(out, text.ptr + start, text.len - start);
}

void wsm_xml_escape(struct wsm_buf *out, struct wsm_span text)
{
    escape(out, text, false);
}

void wsm_xml_escape_attr(struct wsm_buf *out, struct wsm_span text)
{
    escape(out, text, true);
}

size_t wsm_xml_escaped_max(struct wsm_span text)
{
    size_t len = text.len;
    size_t i;

    for (i = 0; i < text.len; i++)
        if (text.ptr[i] <= '>' && memchr("&<>\"'\r", text.ptr[i], 6) != NULL)
            len += WSM_XML_ESCAPE_MAX - 1;
    return len;
}

static bool is_blank(struct wsm_span text)
{
    return wsm_span_trim(text).len == 0;
}

static void write_attributes(struct wsm_buf *out, const struct wsm_xml_node *node)
{
    size_t i;

    for (i = 0; i < node->attr_count; i++) {
        const struct wsm_xml_attr *attr = &node->attrs[i];

        wsm_buf_append_byte(out, ' ');
        if (wsm_span_is(attr->ns, WSM_NS_XML)) {
            wsm_buf_append_str(out, "xml:");
        } else if (attr->ns.len > 0) {
            wsm_buf_printf(out, "xmlns:a%zu=\"", i);
            wsm_xml_escape_attr(out, attr->ns);
            wsm_buf_printf(out, "\" a%zu:", i);
        }
        wsm_buf_append_span(out, attr->name);
        wsm_buf_append_str(out, "=\"");
        wsm_xml_escape_attr(out, attr->value);
        wsm_buf_append_byte(out, '"');
    }
}

/* `outer` is the default namespace around the node. Depth is limited by the reader. */
static void write_node(struct wsm_buf *out, const struct wsm_xml_node *node, struct wsm_span outer)
{
    const struct wsm_xml_node *child;

    wsm_buf_append_byte(out, '<');
    wsm_buf_append_span(out, node->name);
    if (!wsm_span_equal(node->ns, outer)) {
        wsm_buf_append_str(out, " xmlns=\"");
        wsm_xml_escape_attr(out, node->ns);
        wsm_buf_append_byte(out, '"');
    }
    write_attributes(out, node);
    wsm_buf_append_byte(out, '>');
    if (node->first_child == NULL || !is_blank(node->text))
        wsm_xml_escape(out, node->text);
    for (child = node->first_child; child != NULL; child = child->next)
        write_node(out, child, node->ns);
    wsm_buf_append_str(out, "</");
    wsm_buf_append_span(out, node->name);
    wsm_buf_append_byte(out, '>');
}

void wsm_xml_write(struct wsm_buf *out, const struct wsm_xml_node *node)
{
    write_node(out, node, wsm_span_of(NULL, 0));
}
