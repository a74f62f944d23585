/* A dialogue as client and service had it, tests/proto/dialogue/NN.request and NN.answer, cut at
 * every byte: both ends' readers must say that something is missing, and nothing else; and they
 * make of it the same however it arrives. Recorded by `sweep record` (tests/tools/sweep.c).
 *
 * The answers also come in the two other framings that HTTP has for them. */
#include "client/http_response.h"
#include "payload.h"
#include "proto/command.h"
#include "proto/create.h"
#include "proto/disconnect.h"
#include "proto/fault.h"
#include "proto/receive.h"
#include "proto/send.h"
#include "proto/signal.h"
#include "server/delivery.h"
#include "server/request_head.h"
#include "wsmerror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    EXCHANGES_MAX = 64,
    BODY_MAX = 1 << 20,
    CHUNK = 100,         /* bytes of each chunk, where an answer is put into chunks */
    OUTPUT_BYTES = 6000, /* as tests/tools/dialogue.c has it: twice of each stream */
    PAYLOAD_SEED = 20,
};

static struct {
    struct wsm_buf requests[EXCHANGES_MAX]; /* owned */
    struct wsm_buf answers[EXCHANGES_MAX];
    size_t count;
} dialogue;

static unsigned long cuts; /* made so far */

static bool load(struct wsm_buf *out, size_t number, const char *what)
{
    char name[512];
    FILE *file;
    size_t count;

    snprintf(name, sizeof(name), "%s/%02zu.%s", WSM_DIALOGUE, number, what);
    file = fopen(name, "re");
    if (file == NULL)
        return false;
    assert_true(wsm_buf_reserve(out, BODY_MAX));
    count = fread(wsm_buf_end(out), 1, BODY_MAX, file);
    wsm_buf_added(out, count);
    fclose(file);
    return true;
}

static int load_all(void **state)
{
    (void)state;
    while (load(&dialogue.requests[dialogue.count], dialogue.count + 1, "request") &&
           load(&dialogue.answers[dialogue.count], dialogue.count + 1, "answer"))
        dialogue.count++;
    assert_true(dialogue.count > 0 && dialogue.count < EXCHANGES_MAX);
    return 0;
}

static int forget_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue.count; i++) {
        wsm_buf_clear(&dialogue.requests[i]);
        wsm_buf_clear(&dialogue.answers[i]);
    }
    print_message("%lu cuts\n", cuts);
    return 0;
}

/* A copy of its own size, so that a sanitizer sees a read behind its end. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0));

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

/* ---- messages ---- */

static bool create_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    static struct wsm_variable variables[WSM_ENV_VARIABLES_MAX];
    struct wsm_create_request msg;

    return wsm_create_request_parse(env, variables, &msg, err);
}

static bool create_answer(const struct wsm_envelope *env, struct wsm_error *err)
{
    const struct wsm_xml_node *shell;
    struct wsm_create_response msg;

    return wsm_create_response_parse(env, &msg, &shell, err) && msg.extension_version > 0;
}

static bool command_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    static struct wsm_span arguments[WSM_ARGUMENTS_MAX];
    struct wsm_command_request msg;

    return wsm_command_request_parse(env, arguments, &msg, err);
}

static bool command_answer(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_span id;

    return wsm_command_response_parse(env, &id, err) && id.len > 0;
}

static bool send_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_stream_data streams[WSM_SEND_STREAMS_MAX];
    size_t count;

    return wsm_send_request_parse(env, streams, &count, err) && count == 1;
}

static bool receive_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_receive_request msg;

    return wsm_receive_request_parse(env, &msg, err);
}

static bool receive_answer(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_receive_response msg;
    struct wsm_stream_data stream;
    enum wsm_parse next;

    if (!wsm_receive_response_parse(env, &msg, err))
        return false;
    do {
        next = wsm_receive_response_next(&msg, &stream);
    } while (next == WSM_PARSE_MORE);
    return next == WSM_PARSE_DONE;
}

static bool signal_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_signal_request msg;

    return wsm_signal_request_parse(env, &msg, err) &&
           wsm_signal_code_of(msg.code) != WSM_SIGNAL_OTHER;
}

static bool disconnect_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_disconnect_request msg;

    return wsm_disconnect_request_parse(env, &msg, err);
}

static bool reconnect_request(const struct wsm_envelope *env, struct wsm_error *err)
{
    struct wsm_reconnect_request msg;

    return wsm_reconnect_request_parse(env, &msg, err);
}

static bool no_body(const struct wsm_envelope *env, struct wsm_error *err)
{
    (void)err;
    return wsm_envelope_content(env) == NULL;
}

static bool any_body(const struct wsm_envelope *env, struct wsm_error *err)
{
    (void)env;
    (void)err;
    return true;
}

/* The kinds of message that the dialogue must have, and who reads their bodies. */
static const struct kind {
    const char *action;
    bool (*request)(const struct wsm_envelope *env, struct wsm_error *err);
    bool (*answer)(const struct wsm_envelope *env, struct wsm_error *err);
} kinds[] = {
    { WSM_ACTION_CREATE, create_request, create_answer },
    { WSM_ACTION_COMMAND, command_request, command_answer },
    { WSM_ACTION_SEND, send_request, any_body },
    { WSM_ACTION_RECEIVE, receive_request, receive_answer },
    { WSM_ACTION_SIGNAL, signal_request, any_body },
    { WSM_ACTION_DISCONNECT, disconnect_request, any_body },
    { WSM_ACTION_RECONNECT, reconnect_request, any_body },
    { WSM_ACTION_DELETE, no_body, any_body },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Reads a whole body. NULL: of no kind. */
static const struct kind *read_body(const uint8_t *bytes, size_t len, const struct kind *asked)
{
    uint8_t *copy = copy_of(bytes, len);
    struct wsm_error err = WSM_ERROR_INIT;
    const struct kind *kind = asked;
    struct wsm_envelope env;
    bool is_good;

    if (!wsm_envelope_parse(&env, copy, len, &err))
        fail_msg("%u: %s", err.code, wsm_error_text(&err));
    for (size_t i = 0; asked == NULL && i < KINDS; i++) {
        if (wsm_span_is(env.action, kinds[i].action))
            kind = &kinds[i];
    }
    assert_non_null(kind);
    if (asked != NULL && wsm_fault_parse(&env, &err))
        is_good = err.code == ERROR_WINRS_SHELL_DISCONNECTED; /* a Receive that came too late */
    else if (asked != NULL)
        is_good = kind->answer(&env, &err);
    else
        is_good = wsm_envelope_check_request(&env, &err) && kind->request(&env, &err);
    if (!is_good)
        fail_msg("%s: %u: %s", kind->action, err.code, wsm_error_text(&err));
    wsm_envelope_clear(&env);
    wsm_error_clear(&err);
    free(copy);
    return kind;
}

/* A body of which the end is missing is not well formed, and what is known of it is true. */
static void assert_cut_body_is_refused(const uint8_t *bytes, size_t len, size_t cut)
{
    uint8_t *whole = copy_of(bytes, len), *part = copy_of(bytes, cut);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope env, cut_env;

    assert_true(wsm_envelope_parse(&env, whole, len, &err));
    if (wsm_envelope_parse(&cut_env, part, cut, &err))
        fail_msg("read although it ends after %zu of %zu bytes", cut, len);
    assert_int_equal(err.code, ERROR_WSMAN_INVALID_XML);
    if (cut_env.message_id.len > 0 && !wsm_span_equal(cut_env.message_id, env.message_id))
        fail_msg("cut after %zu: a MessageID that nobody sent", cut);
    if (cut_env.action.len > 0 && !wsm_span_equal(cut_env.action, env.action))
        fail_msg("cut after %zu: an Action that nobody sent", cut);
    wsm_error_clear(&err);
    wsm_envelope_clear(&cut_env);
    wsm_envelope_clear(&env);
    free(whole);
    free(part);
    cuts++;
}

/* ---- the service's side ---- */

/* A request as winrmd-net reads it: the head, then as many bytes as it says. */
struct request_reader {
    struct wsm_buf in;
    size_t scanned;
    struct wsm_request_head head;
    bool has_head;
};

static enum wsm_parse read_request(struct request_reader *reader, const uint8_t *bytes, size_t len)
{
    struct wsm_http_head head;
    const char *why = "";
    size_t used = 0;
    int status = 0;

    wsm_buf_append(&reader->in, bytes, len);
    assert_true(wsm_buf_ok(&reader->in));
    if (!reader->has_head) {
        enum wsm_parse answer = wsm_http_head_parse(WSM_HTTP_REQUEST, wsm_buf_span(&reader->in),
                                                    &reader->scanned, &head, &used, &status, &why);

        if (answer == WSM_PARSE_BAD)
            fail_msg("refused with %d: %s", status, why);
        if (answer == WSM_PARSE_MORE)
            return answer;
        assert_int_equal(wsm_request_head_take(&reader->head, &head, used), 0);
        reader->has_head = true;
    }
    assert_true(reader->in.len <= reader->head.len + reader->head.body_len);
    return reader->in.len == reader->head.len + reader->head.body_len ? WSM_PARSE_DONE
                                                                      : WSM_PARSE_MORE;
}

static void assert_same_request(const struct request_reader *a, const struct request_reader *b)
{
    assert_int_equal(a->head.len, b->head.len);
    assert_int_equal(a->head.body_len, b->head.body_len);
    assert_int_equal(a->head.keep_alive, b->head.keep_alive);
    assert_int_equal(a->head.media, b->head.media);
    assert_string_equal(a->head.url, b->head.url);
    assert_string_equal(a->head.machine, b->head.machine);
    assert_memory_equal(a->in.ptr, b->in.ptr, a->in.len);
}

static void clear_request(struct request_reader *reader)
{
    wsm_request_head_clear(&reader->head);
    wsm_buf_clear(&reader->in);
    *reader = (struct request_reader){ 0 };
}

static void sweep_request(const struct wsm_buf *request)
{
    struct request_reader whole = { 0 }, bytewise = { 0 };

    assert_int_equal(read_request(&whole, request->ptr, request->len), WSM_PARSE_DONE);
    (void)read_body(whole.in.ptr + whole.head.len, (size_t)whole.head.body_len, NULL);
    for (size_t cut = 0; cut < request->len; cut++) {
        struct request_reader reader = { 0 };
        bool has_head = cut >= whole.head.len;

        assert_int_equal(read_request(&reader, request->ptr, cut), WSM_PARSE_MORE);
        assert_int_equal(reader.has_head, has_head);
        assert_int_equal(read_request(&reader, request->ptr + cut, request->len - cut),
                         WSM_PARSE_DONE);
        assert_same_request(&reader, &whole);
        clear_request(&reader);
        if (has_head)
            assert_cut_body_is_refused(request->ptr + whole.head.len, (size_t)whole.head.body_len,
                                       cut - whole.head.len);
        assert_int_equal(read_request(&bytewise, request->ptr + cut, 1),
                         cut + 1 == request->len ? WSM_PARSE_DONE : WSM_PARSE_MORE);
    }
    assert_same_request(&bytewise, &whole);
    clear_request(&bytewise);
    clear_request(&whole);
}

static void test_sweep_request_cut_anywhere_is_incomplete(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue.count; i++)
        sweep_request(&dialogue.requests[i]);
}

/* ---- the client's side ---- */

struct answer_reader {
    struct wsm_http_response response;
    struct wsm_buf in;
};

static enum wsm_parse read_answer(struct answer_reader *reader, const uint8_t *bytes, size_t len)
{
    struct wsm_error err = WSM_ERROR_INIT;
    enum wsm_parse answer;

    reader->response.body_max = BODY_MAX;
    wsm_buf_append(&reader->in, bytes, len);
    assert_true(wsm_buf_ok(&reader->in));
    answer = wsm_http_response_feed(&reader->response, &reader->in, &err);
    if (answer == WSM_PARSE_BAD)
        fail_msg("refused: %s", wsm_error_text(&err));
    return answer;
}

static void clear_answer(struct answer_reader *reader)
{
    wsm_http_response_reset(&reader->response);
    wsm_buf_clear(&reader->in);
    *reader = (struct answer_reader){ 0 };
}

static struct wsm_span body_of(const struct wsm_http_response *response)
{
    return wsm_span_of(response->bytes.ptr + response->body_offset,
                       response->bytes.len - response->body_offset);
}

static void assert_same_answer(const struct answer_reader *a, const struct answer_reader *b)
{
    assert_int_equal(a->response.status, b->response.status);
    assert_int_equal(a->response.keep_alive, b->response.keep_alive);
    assert_int_equal(a->response.media, b->response.media);
    assert_true(wsm_span_equal(body_of(&a->response), body_of(&b->response)));
    assert_int_equal(a->in.len, 0);
    assert_int_equal(b->in.len, 0);
}

/* The connection ends where the answer does not. */
static void assert_cut_answer_is_incomplete(const struct wsm_buf *answer, size_t cut)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct answer_reader reader = { 0 };

    assert_int_equal(read_answer(&reader, answer->ptr, cut), WSM_PARSE_MORE);
    assert_int_equal(wsm_http_response_eof(&reader.response, &reader.in, &err), WSM_PARSE_BAD);
    assert_int_equal(err.code, ERROR_WSMAN_NETWORK_TIMEDOUT);
    wsm_error_clear(&err);
    clear_answer(&reader);
    cuts++;
}

static void sweep_answer(const struct wsm_buf *answer, const struct kind *kind)
{
    struct answer_reader whole = { 0 }, bytewise = { 0 };
    struct wsm_span body;

    assert_int_equal(read_answer(&whole, answer->ptr, answer->len), WSM_PARSE_DONE);
    body = body_of(&whole.response);
    (void)read_body(body.ptr, body.len, kind);
    for (size_t cut = 0; cut < answer->len; cut++) {
        struct answer_reader reader = { 0 };

        assert_cut_answer_is_incomplete(answer, cut);
        assert_int_equal(read_answer(&reader, answer->ptr, cut), WSM_PARSE_MORE);
        assert_int_equal(read_answer(&reader, answer->ptr + cut, answer->len - cut),
                         WSM_PARSE_DONE);
        assert_same_answer(&reader, &whole);
        clear_answer(&reader);
        assert_int_equal(read_answer(&bytewise, answer->ptr + cut, 1),
                         cut + 1 == answer->len ? WSM_PARSE_DONE : WSM_PARSE_MORE);
    }
    assert_same_answer(&bytewise, &whole);
    clear_answer(&bytewise);
    clear_answer(&whole);
}

static const struct kind *kind_of(const struct wsm_buf *request)
{
    struct request_reader reader = { 0 };
    const struct kind *kind;

    assert_int_equal(read_request(&reader, request->ptr, request->len), WSM_PARSE_DONE);
    kind = read_body(reader.in.ptr + reader.head.len, (size_t)reader.head.body_len, NULL);
    clear_request(&reader);
    return kind;
}

static void test_sweep_answer_cut_anywhere_is_incomplete(void **state)
{
    bool has[KINDS] = { false };

    (void)state;
    for (size_t i = 0; i < dialogue.count; i++) {
        const struct kind *kind = kind_of(&dialogue.requests[i]);

        has[kind - kinds] = true;
        sweep_answer(&dialogue.answers[i], kind);
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (!has[i])
            fail_msg("the dialogue has no %s", kinds[i].action);
    }
}

static void test_sweep_answer_in_chunks_cut_anywhere_is_incomplete(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue.count; i++) {
        struct wsm_buf chunked = WSM_BUF_INIT;
        struct answer_reader reader = { 0 };
        struct wsm_span body;

        assert_int_equal(read_answer(&reader, dialogue.answers[i].ptr, dialogue.answers[i].len),
                         WSM_PARSE_DONE);
        body = body_of(&reader.response);
        wsm_buf_append_str(&chunked, "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n"
                                     "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < body.len; at += CHUNK) {
            size_t len = body.len - at < CHUNK ? body.len - at : CHUNK;

            wsm_buf_printf(&chunked, "%zx\r\n", len);
            wsm_buf_append(&chunked, body.ptr + at, len);
            wsm_buf_append_str(&chunked, "\r\n");
        }
        wsm_buf_append_str(&chunked, "0\r\nTrailer: x\r\n\r\n");
        assert_true(wsm_buf_ok(&chunked));
        sweep_answer(&chunked, kind_of(&dialogue.requests[i]));
        wsm_buf_clear(&chunked);
        clear_answer(&reader);
    }
}

/* Here HTTP itself cannot tell, so the envelope must. */
static void test_sweep_answer_until_close_cut_anywhere_is_no_envelope(void **state)
{
    (void)state;
    for (size_t i = 0; i < dialogue.count; i++) {
        struct answer_reader whole = { 0 };
        struct wsm_span body;

        assert_int_equal(read_answer(&whole, dialogue.answers[i].ptr, dialogue.answers[i].len),
                         WSM_PARSE_DONE);
        body = body_of(&whole.response);
        for (size_t cut = 0; cut < body.len; cut++) {
            static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
            struct wsm_error err = WSM_ERROR_INIT;
            struct answer_reader reader = { 0 };

            assert_int_equal(read_answer(&reader, (const uint8_t *)head, strlen(head)),
                             WSM_PARSE_MORE);
            assert_int_equal(read_answer(&reader, body.ptr, cut), WSM_PARSE_MORE);
            assert_int_equal(wsm_http_response_eof(&reader.response, &reader.in, &err),
                             WSM_PARSE_DONE);
            assert_int_equal(body_of(&reader.response).len, cut);
            clear_answer(&reader);
            assert_cut_body_is_refused(body.ptr, body.len, cut);
        }
        clear_answer(&whole);
    }
}

/* ---- all of it ---- */

struct output {
    uint8_t bytes[2][2 * OUTPUT_BYTES];
    uint64_t len[2];
};

/* Takes the streams of an answer to a Receive, each where its offset says. */
static void take_output(struct output *output, uint8_t *body, size_t len)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_receive_response msg;
    struct wsm_stream_data stream;
    struct wsm_envelope env;

    assert_true(wsm_envelope_parse(&env, body, len, &err));
    if (wsm_receive_response_parse(&env, &msg, &err)) {
        while (wsm_receive_response_next(&msg, &stream) == WSM_PARSE_MORE) {
            int number = wsm_span_is(stream.name, "stderr") ? 1 : 0;

            assert_true(stream.has_offset);
            assert_true(stream.offset + stream.data.len <= sizeof(output->bytes[0]));
            assert_int_equal(stream.offset, output->len[number]); /* nothing twice, no gap */
            if (stream.data.len > 0)
                memcpy(output->bytes[number] + stream.offset, stream.data.ptr, stream.data.len);
            output->len[number] += stream.data.len;
        }
    }
    wsm_error_clear(&err);
    wsm_envelope_clear(&env);
}

/* That it is the dialogue that it should be: the first command's output is complete. */
static void test_sweep_dialogue_has_all_of_its_output(void **state)
{
    static struct output output;
    uint8_t wanted[OUTPUT_BYTES];

    (void)state;
    for (size_t i = 0, commands = 0; i < dialogue.count; i++) {
        const struct kind *kind = kind_of(&dialogue.requests[i]);
        struct answer_reader reader = { 0 };
        struct wsm_span body;
        uint8_t *copy;

        commands += strcmp(kind->action, WSM_ACTION_COMMAND) == 0;
        if (commands > 1 || strcmp(kind->action, WSM_ACTION_RECEIVE) != 0)
            continue;
        assert_int_equal(read_answer(&reader, dialogue.answers[i].ptr, dialogue.answers[i].len),
                         WSM_PARSE_DONE);
        body = body_of(&reader.response);
        copy = copy_of(body.ptr, body.len);
        take_output(&output, copy, body.len);
        free(copy);
        clear_answer(&reader);
    }
    for (uint64_t i = 0; i < 4; i++) {
        payload_fill(PAYLOAD_SEED + i / 2 + i % 2 * PAYLOAD_STDERR_SEED, 0, wanted, OUTPUT_BYTES);
        assert_int_equal(output.len[i % 2], 2 * OUTPUT_BYTES);
        assert_memory_equal(output.bytes[i % 2] + i / 2 * OUTPUT_BYTES, wanted, OUTPUT_BYTES);
    }
}

/* ---- what the service makes of an answer that was cut ---- */

/* The decision for the next Receive, after all the waiting it asks for. */
static enum wsm_delivery decide_at_last(struct wsm_delivery_facts facts)
{
    enum wsm_delivery decision;

    for (facts.waited_ms = 0;; facts.waited_ms += WSM_DELIVERY_LOOK_MS) {
        decision = wsm_delivery_decide(&facts);
        if (decision != WSM_DELIVERY_ASK_AGAIN)
            return decision;
        assert_true(facts.waited_ms <= WSM_DELIVERY_WAIT_MS);
    }
}

static void sweep_delivery(uint64_t start, uint64_t len)
{
    for (uint64_t cut = 0; cut <= len; cut++) {
        for (int failed = 0; failed < 2; failed++) {
            struct wsm_carrier carrier = { .refs = 1,
                                           .acknowledged = start + cut,
                                           .has_failed = failed == 1 };
            struct wsm_delivery_facts facts = { .has_answer = true,
                                                .carrier = &carrier,
                                                .answer_end = start + len };
            bool has_it = cut == len && failed == 0;

            assert_int_equal(decide_at_last(facts),
                             has_it ? WSM_DELIVERY_CONFIRMED : WSM_DELIVERY_REPEAT);
            facts.is_same_request = true;
            assert_int_equal(decide_at_last(facts), WSM_DELIVERY_SAME);
            facts.is_same_request = false;
            facts.needs_word = true; /* no connection speaks for a client of ours */
            assert_int_not_equal(decide_at_last(facts), WSM_DELIVERY_CONFIRMED);
            facts.has_word = true;
            assert_int_equal(decide_at_last(facts), WSM_DELIVERY_WORD);
            cuts++;
        }
    }
}

static void test_sweep_answer_cut_anywhere_confirms_nothing(void **state)
{
    uint64_t start = 0;

    (void)state;
    for (size_t i = 0; i < dialogue.count; i++) {
        sweep_delivery(start, dialogue.answers[i].len);
        start += dialogue.answers[i].len;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep_request_cut_anywhere_is_incomplete),
        cmocka_unit_test(test_sweep_answer_cut_anywhere_is_incomplete),
        cmocka_unit_test(test_sweep_answer_in_chunks_cut_anywhere_is_incomplete),
        cmocka_unit_test(test_sweep_answer_until_close_cut_anywhere_is_no_envelope),
        cmocka_unit_test(test_sweep_dialogue_has_all_of_its_output),
        cmocka_unit_test(test_sweep_answer_cut_anywhere_confirms_nothing),
    };

    return cmocka_run_group_tests(tests, load_all, forget_all);
}
