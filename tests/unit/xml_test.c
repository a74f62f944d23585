/* The XML reader and writer: limits, encodings, and above all that a Stream's text which
 * bypasses expat is never anything but the text of a Stream. */
#include "proto/xml.h"

#include "base/base64.h"
#include "base/utf.h"

#include "failing_alloc.h"
#include "guarded.h"

#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RSP " xmlns:rsp=\"" WSM_NS_SHELL "\""

/* The bytes and the tree that lives on them. */
struct fixture {
    struct wsm_buf bytes;
    struct wsm_xml_doc doc;
};

static bool parse(struct fixture *fixture, const char *text, struct wsm_error *err)
{
    *fixture = (struct fixture){ .bytes = WSM_BUF_INIT, .doc = WSM_XML_DOC_INIT };
    wsm_buf_append_str(&fixture->bytes, text);
    return wsm_xml_parse(&fixture->doc, fixture->bytes.ptr, fixture->bytes.len, err);
}

static void clear(struct fixture *fixture)
{
    wsm_xml_doc_clear(&fixture->doc);
    wsm_buf_clear(&fixture->bytes);
}

static void expect_refusal(const char *text, uint32_t code, const char *words)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct fixture fixture;

    assert_false(parse(&fixture, text, &err));
    assert_null(fixture.doc.root);
    assert_null(fixture.doc.arena);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(wsm_error_text(&err), words));
    wsm_error_clear(&err);
    clear(&fixture);
    assert_false(parse(&fixture, text, NULL)); /* a caller who does not care */
    clear(&fixture);
}

/* `count` characters of base64. */
static void append_base64(struct wsm_buf *out, size_t count)
{
    while (count-- > 0)
        wsm_buf_append_byte(out, (uint8_t)("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[count % 32]));
}

static bool is_inside(struct wsm_span part, const struct wsm_buf *whole)
{
    return part.ptr >= whole->ptr && part.ptr + part.len <= whole->ptr + whole->len;
}

static void test_xml_reads_names_attributes_and_text(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    const struct wsm_xml_node *child;
    struct fixture fixture;
    struct wsm_span value;

    (void)state;
    assert_true(parse(&fixture,
                      "<a xmlns='urn:a' xmlns:b='urn:b' x='1' b:x='2' xml:lang='en'>one<b:c/>"
                      "&lt;two<!-- - --><d>\r\n</d><![CDATA[<three>]]><b:c> 4 </b:c></a>",
                      &err));
    assert_true(wsm_xml_is(fixture.doc.root, "urn:a", "a"));
    assert_true(wsm_span_is(fixture.doc.root->text, "one<two<three>"));
    assert_true(wsm_xml_attr(fixture.doc.root, NULL, "x", &value) && wsm_span_is(value, "1"));
    assert_true(wsm_xml_attr(fixture.doc.root, "urn:b", "x", &value) && wsm_span_is(value, "2"));
    assert_true(wsm_xml_attr(fixture.doc.root, WSM_NS_XML, "lang", &value));
    assert_false(wsm_xml_attr(fixture.doc.root, "urn:a", "x", &value));
    assert_false(wsm_xml_attr(fixture.doc.root, NULL, "lang", &value));
    child = wsm_xml_child(fixture.doc.root, "urn:b", "c");
    assert_non_null(child);
    assert_int_equal(child->text.len, 0);
    assert_true(wsm_span_is(wsm_xml_next_same(child)->text, " 4 "));
    assert_null(wsm_xml_next_same(wsm_xml_next_same(child)));
    assert_null(wsm_xml_child(fixture.doc.root, "urn:a", "c"));
    assert_true(wsm_span_is(wsm_xml_child(fixture.doc.root, "urn:a", "d")->text, "\n"));
    assert_int_equal(wsm_xml_child_text(fixture.doc.root, "urn:b", "none").len, 0);
    assert_false(fixture.doc.is_utf16);
    clear(&fixture);
}

static void test_xml_refuses_what_is_not_well_formed(void **state)
{
    (void)state;
    expect_refusal("", ERROR_WSMAN_INVALID_XML, "at byte 0");
    expect_refusal("x", ERROR_WSMAN_INVALID_XML, "syntax error at byte 0");
    expect_refusal("<a><b></a>", ERROR_WSMAN_INVALID_XML, "mismatched tag at byte 8");
    expect_refusal("<a b='1' b='2'/>", ERROR_WSMAN_INVALID_XML, "duplicate");
    expect_refusal("<a/><b/>", ERROR_WSMAN_INVALID_XML, "junk");
    expect_refusal("<b:a/>", ERROR_WSMAN_INVALID_XML, "unbound prefix");
    expect_refusal("<a>&b;</a>", ERROR_WSMAN_INVALID_XML, "undefined entity");
    expect_refusal("<a>\x01</a>", ERROR_WSMAN_INVALID_XML, "not well-formed");
    expect_refusal("<a>\xC0\x80</a>", ERROR_WSMAN_INVALID_XML, "not well-formed");
    expect_refusal("<a>]]></a>", ERROR_WSMAN_INVALID_XML, "not well-formed");
}

static void test_xml_refuses_a_dtd_and_unknown_encodings(void **state)
{
    (void)state;
    expect_refusal("<!DOCTYPE a><a/>", ERROR_WSMAN_INVALID_XML, "DTD");
    expect_refusal("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", ERROR_WSMAN_INVALID_XML, "DTD");
    expect_refusal("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", ERROR_WSMAN_INVALID_XML, "DTD");
    expect_refusal("<?xml version='1.0' encoding='iso-8859-1'?><a/>",
                   ERROR_WSMAN_UNSUPPORTED_ENCODING, "iso-8859-1");
    expect_refusal("<?xml version='1.0' encoding='x-own'?><a/>", ERROR_WSMAN_UNSUPPORTED_ENCODING,
                   "x-own");
    expect_refusal("<?xml version='1.0' encoding='utf-16'?><a/>", ERROR_WSMAN_UNSUPPORTED_ENCODING,
                   "encoding");
}

static void repeat(struct wsm_buf *out, const char *text, size_t count)
{
    while (count-- > 0)
        wsm_buf_append_str(out, text);
}

/* Parses `text`; the last refusal must name `limit`. */
static void expect_limit(struct wsm_buf *text, bool is_over, const char *limit)
{
    wsm_buf_append_byte(text, '\0');
    if (is_over) {
        expect_refusal((char *)text->ptr, ERROR_WSMAN_INVALID_XML, limit);
    } else {
        struct wsm_error err = WSM_ERROR_INIT;
        struct fixture fixture;

        assert_true(parse(&fixture, (char *)text->ptr, &err));
        clear(&fixture);
    }
    wsm_buf_clear(text);
}

static void test_xml_holds_its_limits_exactly(void **state)
{
    struct wsm_buf text = WSM_BUF_INIT;
    int over;
    int i;

    (void)state;
    for (over = 0; over < 2; over++) {
        repeat(&text, "<a>", (size_t)(WSM_XML_DEPTH_MAX + over));
        repeat(&text, "</a>", (size_t)(WSM_XML_DEPTH_MAX + over));
        expect_limit(&text, over, "WSM_XML_DEPTH_MAX = 32");

        wsm_buf_append_str(&text, "<a>");
        repeat(&text, "<b/>", (size_t)(WSM_XML_ELEMENTS_MAX - 1 + over));
        wsm_buf_append_str(&text, "</a>");
        expect_limit(&text, over, "WSM_XML_ELEMENTS_MAX = 4096");

        wsm_buf_append_str(&text, "<a xmlns='urn:a'");
        for (i = 1; i < WSM_XML_ATTRIBUTES_MAX + over; i++)
            wsm_buf_printf(&text, i % 2 == 0 ? " a%d=''" : " xmlns:a%d='urn:x'", i);
        wsm_buf_append_str(&text, "/>");
        expect_limit(&text, over, "WSM_XML_ATTRIBUTES_MAX = 32");

        wsm_buf_append_str(&text, "<a xmlns='urn:a'><"); /* urn:a NEWLINE n…n */
        repeat(&text, "n", (size_t)(WSM_XML_NAME_MAX - 6 + over));
        wsm_buf_append_str(&text, "/></a>");
        expect_limit(&text, over, "WSM_XML_NAME_MAX = 1024");

        wsm_buf_append_str(&text, "<a ");
        repeat(&text, "n", (size_t)(WSM_XML_NAME_MAX + over));
        wsm_buf_append_str(&text, "=''/>");
        expect_limit(&text, over, "WSM_XML_NAME_MAX = 1024");
    }
}

static void test_xml_refuses_every_prefix_and_reads_not_a_byte_too_far(void **state)
{
    static const char text[] = "<?xml version='1.0'?><a" RSP
                               " b='&lt;'><rsp:Stream>YQ==</rsp:Stream>"
                               "<!-- c --><![CDATA[d]]>\xC3\xA9</a>";
    struct wsm_error err = WSM_ERROR_INIT;
    struct guarded guarded;
    struct wsm_xml_doc doc;
    size_t i;

    (void)state;
    guarded_init(&guarded, sizeof(text));
    for (i = 0; i < sizeof(text) - 1; i++) {
        doc = (struct wsm_xml_doc)WSM_XML_DOC_INIT;
        assert_false(wsm_xml_parse(&doc, guarded_copy(&guarded, text, i), i, &err));
        assert_int_equal(err.code, ERROR_WSMAN_INVALID_XML);
        assert_null(doc.arena);
        wsm_error_clear(&err);
    }
    assert_true(wsm_xml_parse(&doc, guarded_copy(&guarded, text, i), i, &err));
    wsm_xml_doc_clear(&doc);
    guarded_clear(&guarded);
}

/* Whatever came before, also what was refused half-way: prefixes, depth, encoding and
 * errors of one document are not those of the next. */
static void test_xml_parser_used_again_remembers_nothing(void **state)
{
    static const struct {
        const char *text;
        const char *ns; /* of the root; NULL = refused */
    } documents[] = {
        { "<p:a xmlns:p='urn:one'/>", "urn:one" },
        { "<p:a/>", NULL },
        { "<a xmlns='urn:two'><b><c>", NULL },
        { "<a/>", "" },
        { "<!DOCTYPE a><a/>", NULL },
        { "<?xml version='1.0' encoding='Latin-1'?><a/>", NULL },
        { "<p:a xmlns:p='urn:three'>&lt;</p:a>", "urn:three" },
    };
    struct wsm_xml_parser parser = { .salt = 77 };

    (void)state;
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
            struct wsm_error err = WSM_ERROR_INIT;
            struct wsm_xml_doc doc = WSM_XML_DOC_INIT;
            char *text = strdup(documents[i].text);
            bool ok = wsm_xml_parse_with(&doc, &parser, (uint8_t *)text, strlen(text), &err);

            assert_int_equal(ok, documents[i].ns != NULL);
            assert_int_equal(err.code == 0, ok);
            if (ok)
                assert_true(wsm_span_is(doc.root->ns, documents[i].ns));
            assert_non_null(parser.expat);
            wsm_xml_doc_clear(&doc);
            wsm_error_clear(&err);
            free(text);
        }
    }
    wsm_xml_parser_clear(&parser);
    assert_null(parser.expat);
}

static void test_xml_parser_is_not_kept_after_a_large_document(void **state)
{
    struct wsm_xml_parser parser = { .expat = NULL };
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_xml_doc doc;

    (void)state;
    wsm_buf_append_str(&text, "<a>");
    while (text.len < 70000)
        wsm_buf_append_str(&text, "0123456789");
    wsm_buf_append_str(&text, "</a>");
    assert_true(wsm_xml_parse_with(&doc, &parser, text.ptr, text.len, NULL));
    assert_null(parser.expat);
    wsm_xml_doc_clear(&doc);
    wsm_buf_clear(&text);
}

/* Parses BEFORE, long base64, AFTER, and says whether the text of the first Stream found
 * stayed in place. Its decoded length is compared with what the whole text should give. */
static bool stream_stays(const char *before, const char *after, size_t more_characters)
{
    enum { LONG = 1000 };
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_xml_doc doc;
    const struct wsm_xml_node *stream;
    struct wsm_span bytes;
    bool stays;

    wsm_buf_append_str(&text, before);
    append_base64(&text, LONG);
    wsm_buf_append_str(&text, after);
    assert_true(wsm_xml_parse(&doc, text.ptr, text.len, &err));
    stream = wsm_xml_child(doc.root, WSM_NS_SHELL, "Stream");
    assert_non_null(stream);
    stays = is_inside(stream->text, &text);
    assert_int_equal(stream->text.len, LONG + more_characters);
    assert_true(wsm_xml_decode_in_place(stream, &bytes));
    assert_int_equal(bytes.len, (LONG + more_characters) / 4 * 3);
    wsm_xml_doc_clear(&doc);
    wsm_buf_clear(&text);
    return stays;
}

static void test_xml_leaves_the_text_of_a_stream_in_place(void **state)
{
    (void)state;
    assert_true(stream_stays("<a" RSP "><rsp:Stream>", "</rsp:Stream></a>", 0));
    assert_true(stream_stays("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>\n<a" RSP
                             "><rsp:Stream Name='a' End='true' >",
                             "</rsp:Stream ></a>", 0));
    assert_true(stream_stays("<a><Stream xmlns='" WSM_NS_SHELL "'>", "</Stream></a>", 0));
    assert_true(stream_stays("<a" RSP "><!-- > --><rsp:Stream>", "</rsp:Stream></a>", 0));
    assert_true(stream_stays("<a" RSP " b='>'><![CDATA[>]]><rsp:Stream>", "</rsp:Stream></a>", 0));
    /* several in one document, empty ones between them */
    assert_true(stream_stays("<a" RSP "><rsp:Stream>",
                             "</rsp:Stream><rsp:Stream/><rsp:Stream>"
                             "YQ==</rsp:Stream></a>",
                             0));
}

static void test_xml_is_not_fooled_about_streams(void **state)
{
    (void)state;
    /* '>' inside an attribute: the tag ends elsewhere, so expat reads it all */
    assert_false(stream_stays("<a" RSP "><rsp:Stream Name='x>y'>", "</rsp:Stream></a>", 0));
    /* a character reference inside */
    assert_false(stream_stays("<a" RSP "><rsp:Stream>", "&#65;AAA</rsp:Stream></a>", 4));
    /* split by a comment, by CDATA: joined, hence elsewhere */
    assert_false(stream_stays("<a" RSP "><rsp:Stream>", "<!-- x -->AAAA</rsp:Stream></a>", 4));
    assert_false(stream_stays("<a" RSP "><rsp:Stream>AAAA<!---->", "</rsp:Stream></a>", 4));
    assert_false(
        stream_stays("<a" RSP "><rsp:Stream>", "<![CDATA[AAAA]]>AAAA</rsp:Stream></a>", 8));
    assert_false(stream_stays("<a" RSP "><rsp:Stream><![CDATA[", "]]></rsp:Stream></a>", 0));
}

/* What must not become the text of a Stream. */
static void test_xml_takes_nothing_else_for_a_stream(void **state)
{
    static const char *const shapes[][2] = {
        { "<a" RSP "><rsp:Stream/>", "</a>" },
        { "<a" RSP "><rsp:Stream />", "</a>" },
        { "<a" RSP "><rsp:Stream></rsp:Stream>", "</a>" },
        { "<a" RSP "><rsp:Stream/><!-- <rsp:Stream>", "<b> --></a>" },
        { "<a" RSP "><rsp:Stream/><![CDATA[<rsp:Stream>", "<b>]]></a>" },
        { "<a" RSP "><rsp:Stream><b/></rsp:Stream><c>", "</c></a>" },
        { "<a" RSP "><rsp:Stream/><x:Stream xmlns:x='urn:x'>", "</x:Stream></a>" },
        { "<a" RSP "><rsp:Stream/><Stream xmlns='urn:winrmd:shell'>", "</Stream></a>" },
        { "<a" RSP "><rsp:Stream/><rsp:NoStream>", "</rsp:NoStream></a>" },
        { "<a" RSP "><rsp:Stream/><?x <rsp:Stream>", "<b> ?></a>" },
        { "<a" RSP "><rsp:Stream Name='/>", "'></rsp:Stream></a>" },
    };
    struct wsm_error err = WSM_ERROR_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        struct wsm_buf text = WSM_BUF_INIT;
        struct wsm_xml_doc doc;

        wsm_buf_append_str(&text, shapes[i][0]);
        append_base64(&text, 1000);
        wsm_buf_append_str(&text, shapes[i][1]);
        assert_true(wsm_xml_parse(&doc, text.ptr, text.len, &err));
        assert_int_equal(wsm_xml_child(doc.root, WSM_NS_SHELL, "Stream")->text.len, 0);
        wsm_xml_doc_clear(&doc);
        wsm_buf_clear(&text);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

/* A document of random pieces; not always well formed. */
static void random_document(struct wsm_buf *out, uint32_t *seed)
{
    static const char *const pieces[] = {
        "<rsp:Stream>",  "</rsp:Stream>", "<rsp:Stream Name='a>b'>",
        "<rsp:Stream/>", "<!-- ",         " -->",
        "<![CDATA[",     "]]>",           "<b>",
        "</b>",          "&#65;",         "&amp;",
        " x > y ",       "\r\n",          "<Stream>",
        "</Stream>",
    };
    uint32_t count = next_random(seed) % 8 + 1;

    wsm_buf_append_str(out, "<a" RSP ">");
    while (count-- > 0) {
        wsm_buf_append_str(out, pieces[next_random(seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
        if (next_random(seed) % 2 == 0)
            append_base64(out, next_random(seed) % 600);
    }
    if (next_random(seed) % 2 == 0)
        wsm_buf_append_str(out, "</rsp:Stream>");
    wsm_buf_append_str(out, "</a>");
}

/* UTF-16 always goes through expat: the same document must give the same tree. */
static void test_xml_gives_the_same_tree_around_and_through_expat(void **state)
{
    uint32_t seed = 1;
    int good = 0;
    int i;

    (void)state;
    for (i = 0; i < 20000; i++) {
        struct wsm_buf text = WSM_BUF_INIT;
        struct wsm_buf trees[2] = { WSM_BUF_INIT, WSM_BUF_INIT };
        struct wsm_error err = WSM_ERROR_INIT;
        struct wsm_xml_doc doc;
        char16_t *wide;
        size_t count;
        bool ok;

        random_document(&text, &seed);
        assert_true(wsm_utf8_to_utf16(wsm_buf_span(&text), "test", &wide, &count, &err));
        ok = wsm_xml_parse(&doc, text.ptr, text.len, NULL);
        if (ok) {
            wsm_xml_write(&trees[0], doc.root);
            wsm_xml_doc_clear(&doc);
            good++;
        }
        assert_int_equal(wsm_xml_parse(&doc, (uint8_t *)wide, count * 2, NULL), ok);
        if (ok) {
            assert_true(doc.is_utf16);
            wsm_xml_write(&trees[1], doc.root);
            wsm_xml_doc_clear(&doc);
            assert_int_equal(trees[0].len, trees[1].len);
            assert_memory_equal(trees[0].ptr, trees[1].ptr, trees[0].len);
        }
        free(wide);
        wsm_buf_clear(&text);
        wsm_buf_clear(&trees[0]);
        wsm_buf_clear(&trees[1]);
    }
    print_message("%d of %d random documents were well formed\n", good, i);
    assert_true(good > 100);
}

static void test_xml_reads_both_byte_orders_of_utf16(void **state)
{
    static const char16_t text[] = u"\xFEFF<a>\xE9</a>";
    uint8_t bytes[sizeof(text)];
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_xml_doc doc;
    size_t skip;
    size_t i;
    int big;

    (void)state;
    for (big = 0; big < 2; big++) {
        for (i = 0; i < sizeof(text) / 2 - 1; i++) {
            bytes[i * 2 + (size_t)big] = (uint8_t)(text[i] & 0xFF);
            bytes[i * 2 + (size_t)!big] = (uint8_t)(text[i] >> 8);
        }
        for (skip = 0; skip <= 2; skip += 2) { /* with and without BOM */
            assert_true(wsm_xml_parse(&doc, bytes + skip, sizeof(text) - 2 - skip, &err));
            assert_true(doc.is_utf16);
            assert_true(wsm_span_is(doc.root->text, "\xC3\xA9"));
            wsm_xml_doc_clear(&doc);
        }
    }
    assert_false(wsm_xml_parse(&doc, bytes, sizeof(text) - 3, &err)); /* half a character */
    wsm_error_clear(&err);
}

/* What makes the search for Streams, or expat behind it, look at the same bytes again and
 * again must not make it slow: this ends long before the time-out of the test, or fails. */
static void test_xml_stays_linear_with_hostile_input(void **state)
{
    static const char *const pieces[] = { "<rsp:Stream ", "<rsp:Stream>", "<!-- >", ">",
                                          "<Stream b='>" };
    struct wsm_buf text = WSM_BUF_INIT;
    struct wsm_buf part = WSM_BUF_INIT;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        wsm_buf_append_str(&text, "<a" RSP "><!-- ");
        wsm_buf_append_str(&part, pieces[i]);
        append_base64(&part, i % 2 == 0 ? 0 : 300);
        while (text.len < 2U << 20)
            wsm_buf_append(&text, part.ptr, part.len);
        assert_false(
            wsm_xml_parse(&(struct wsm_xml_doc){ .root = NULL }, text.ptr, text.len, NULL));
        wsm_buf_reset(&text);
        wsm_buf_reset(&part);
    }
    wsm_buf_clear(&text);
    wsm_buf_clear(&part);
}

static void expect_escaped(const char *text, const char *in_text, const char *in_attribute)
{
    struct wsm_buf out = WSM_BUF_INIT;

    wsm_xml_escape(&out, wsm_span_str(text));
    assert_true(wsm_span_is(wsm_buf_span(&out), in_text));
    wsm_buf_reset(&out);
    wsm_xml_escape_attr(&out, wsm_span_str(text));
    assert_true(wsm_span_is(wsm_buf_span(&out), in_attribute));
    wsm_buf_clear(&out);
}

static void test_xml_escapes_what_xml_cannot_carry(void **state)
{
    (void)state;
    expect_escaped("", "", "");
    expect_escaped("a b\xC3\xA9=", "a b\xC3\xA9=", "a b\xC3\xA9=");
    expect_escaped("<&>\"'", "&lt;&amp;&gt;&quot;&apos;", "&lt;&amp;&gt;&quot;&apos;");
    expect_escaped("\t\n\r", "\t\n&#13;", "&#9;&#10;&#13;");
    expect_escaped("a\x01\x1F\x7F", "a??\x7F", "a??\x7F");
    expect_escaped("\xEF\xBF\xBE.\xEF\xBF\xBF", "?.?", "?.?");
    expect_escaped("\xEF\xBF\xBD", "\xEF\xBF\xBD", "\xEF\xBF\xBD");
    expect_escaped("\xEF\xBF", "\xEF\xBF", "\xEF\xBF"); /* cut off: looks not behind its end */
}

static void expect_rewritten(const char *text, const char *want)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct fixture fixture;

    assert_true(parse(&fixture, text, &err));
    wsm_xml_write(&out, fixture.doc.root);
    wsm_buf_append_byte(&out, '\0');
    assert_string_equal((char *)out.ptr, want);
    clear(&fixture);
    if (strcmp(text, want) != 0) /* and what was written stays as it is */
        expect_rewritten(want, want);
    wsm_buf_clear(&out);
}

static void test_xml_writes_trees_back(void **state)
{
    (void)state;
    expect_rewritten("<a/>", "<a></a>");
    expect_rewritten("<p:a xmlns:p='urn:p'><p:b/><c/><p:d x='&lt;&#10;'> e </p:d></p:a>",
                     "<a xmlns=\"urn:p\"><b></b><c xmlns=\"\"></c><d x=\"&lt;&#10;\"> e </d></a>");
    expect_rewritten("<a xml:lang='en' xmlns:q='urn:q' q:r='1'>\n <b>&#13;&amp;</b>\n</a>",
                     "<a xml:lang=\"en\" xmlns:a1=\"urn:q\" a1:r=\"1\"><b>&#13;&amp;</b></a>");
}

static void test_xml_reads_booleans_as_clients_write_them(void **state)
{
    static const char *const bad[] = { "", " ", "yes", "2", "truex", "tru", "0 1" };
    bool value = false;
    size_t i;

    (void)state;
    assert_true(wsm_xml_bool_parse(wsm_span_str("true"), &value) && value);
    assert_true(wsm_xml_bool_parse(wsm_span_str(" False\n"), &value) && !value);
    assert_true(wsm_xml_bool_parse(wsm_span_str("TRUE "), &value) && value);
    assert_true(wsm_xml_bool_parse(wsm_span_str("0"), &value) && !value);
    assert_true(wsm_xml_bool_parse(wsm_span_str("1"), &value) && value);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(wsm_xml_bool_parse(wsm_span_str(bad[i]), &value));
    assert_true(value);
}

static void test_xml_reads_numbers_within_their_limit(void **state)
{
    static const char *const bad[] = { "",
                                       " ",
                                       "-1",
                                       "+1",
                                       "0x1",
                                       "1.0",
                                       "1 2",
                                       "1,0",
                                       "/",
                                       ":",
                                       "\xFF",
                                       "1\xB2",
                                       "1e3",
                                       "18446744073709551616",
                                       "99999999999999999999" };
    uint64_t value = 17;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(wsm_xml_number_parse(wsm_span_str(bad[i]), UINT64_MAX, &value));
    assert_false(wsm_xml_number_parse(wsm_span_str("1"), 0, &value));
    assert_false(wsm_xml_number_parse(wsm_span_str("10"), 9, &value));
    assert_false(wsm_xml_number_parse(wsm_span_str("7"), 6, &value));
    assert_false(wsm_xml_number_parse(wsm_span_str("4294967296"), UINT32_MAX, &value));
    assert_int_equal(value, 17);
    assert_true(wsm_xml_number_parse(wsm_span_str("0"), 0, &value) && value == 0);
    assert_true(wsm_xml_number_parse(wsm_span_str(" 0042\n"), 42, &value) && value == 42);
    assert_true(wsm_xml_number_parse(wsm_span_str("4294967295"), UINT32_MAX, &value) &&
                value == UINT32_MAX);
    assert_true(wsm_xml_number_parse(wsm_span_str("18446744073709551615"), UINT64_MAX, &value) &&
                value == UINT64_MAX);
}

static void test_xml_decodes_base64_only(void **state)
{
    static const char *const bad[] = { "x", "YQ", "YQ=", "YQ==YQ==", "Y*==", "====", "YR==" };
    struct wsm_error err = WSM_ERROR_INIT;
    struct fixture fixture;
    struct wsm_span bytes;
    char text[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(text, sizeof(text), "<a>%s</a>", bad[i]);
        assert_true(parse(&fixture, text, &err));
        assert_false(wsm_xml_decode_in_place(fixture.doc.root, &bytes));
        clear(&fixture);
    }
    assert_true(parse(&fixture, "<a> aGVs\n bG8= </a>", &err));
    assert_true(wsm_xml_decode_in_place(fixture.doc.root, &bytes));
    assert_true(wsm_span_is(bytes, "hello"));
    clear(&fixture);
    assert_true(parse(&fixture, "<a/>", &err));
    assert_true(wsm_xml_decode_in_place(fixture.doc.root, &bytes));
    assert_int_equal(bytes.len, 0);
    clear(&fixture);
}

static bool parse_and_write(void *context)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf out = WSM_BUF_INIT;
    struct fixture fixture;
    bool ok = parse(&fixture, context, &err);

    if (ok) {
        wsm_xml_write(&out, fixture.doc.root);
        ok = wsm_buf_ok(&out);
    } else if (wsm_buf_ok(&fixture.bytes)) {
        /* expat 2.5 calls an allocation that failed for a prefix an unbound prefix */
        assert_true(err.code == ERROR_OUTOFMEMORY || err.code == ERROR_WSMAN_INVALID_XML);
    }
    wsm_error_clear(&err);
    wsm_buf_clear(&out);
    clear(&fixture);
    return ok;
}

static void test_xml_reports_every_failed_allocation(void **state)
{
    struct wsm_buf text = WSM_BUF_INIT;

    (void)state;
    wsm_buf_append_str(&text, "<a" RSP " b='1' c='2'>x<rsp:Stream Name='y'>");
    append_base64(&text, 5000);
    wsm_buf_append_str(&text, "<!-- c -->AAAA</rsp:Stream>");
    repeat(&text, "<d><e>f</e></d>", 100);
    wsm_buf_append_str(&text, "</a>");
    wsm_buf_append_byte(&text, '\0');
    assert_true(failing_alloc_each("XML document", parse_and_write, text.ptr) > 10);
    wsm_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml_reads_names_attributes_and_text),
        cmocka_unit_test(test_xml_refuses_what_is_not_well_formed),
        cmocka_unit_test(test_xml_refuses_a_dtd_and_unknown_encodings),
        cmocka_unit_test(test_xml_holds_its_limits_exactly),
        cmocka_unit_test(test_xml_refuses_every_prefix_and_reads_not_a_byte_too_far),
        cmocka_unit_test(test_xml_parser_used_again_remembers_nothing),
        cmocka_unit_test(test_xml_parser_is_not_kept_after_a_large_document),
        cmocka_unit_test(test_xml_leaves_the_text_of_a_stream_in_place),
        cmocka_unit_test(test_xml_is_not_fooled_about_streams),
        cmocka_unit_test(test_xml_takes_nothing_else_for_a_stream),
        cmocka_unit_test(test_xml_gives_the_same_tree_around_and_through_expat),
        cmocka_unit_test(test_xml_reads_both_byte_orders_of_utf16),
        cmocka_unit_test(test_xml_stays_linear_with_hostile_input),
        cmocka_unit_test(test_xml_escapes_what_xml_cannot_carry),
        cmocka_unit_test(test_xml_writes_trees_back),
        cmocka_unit_test(test_xml_reads_booleans_as_clients_write_them),
        cmocka_unit_test(test_xml_reads_numbers_within_their_limit),
        cmocka_unit_test(test_xml_decodes_base64_only),
        cmocka_unit_test(test_xml_reports_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
