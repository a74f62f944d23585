/* Channels over a real socket pair: fragments, descriptors, queue, and peers that do not
 * keep to the rules. */
#include "ipc/channel.h"

#include "ipc/control_messages.h"
#include "ipc/host_messages.h"
#include "wsmerror.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAYLOAD_MAX = WSM_FRAME_MAX - WSM_FRAME_HEADER };

/* Both ends; `raw` is the descriptor of b, to write what no channel would. */
struct pair {
    struct wsm_channel a;
    struct wsm_channel b;
};

static uint8_t bytes[WSM_MESSAGE_MAX + 16];

static void pair_open(struct pair *pair)
{
    int fds[2];

    assert_true(wsm_channel_pair(fds, NULL));
    assert_true(wsm_channel_open(&pair->a, fds[0], NULL));
    assert_true(wsm_channel_open(&pair->b, fds[1], NULL));
}

static void pair_close(struct pair *pair)
{
    wsm_channel_close(&pair->a);
    wsm_channel_close(&pair->b);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* A message whose payload has `len` bytes. */
static struct wsm_control_settings message_of(size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    return (struct wsm_control_settings){ .values = wsm_span_of(bytes, len - 4) };
}

/* Sends a raw frame from b, with `fd_count` copies of descriptor 0. */
static void send_raw(struct pair *pair, uint16_t type, uint16_t flags, size_t payload,
                     size_t fd_count)
{
    static uint8_t packet[WSM_FRAME_MAX + 1];
    struct iovec part = { .iov_base = packet, .iov_len = WSM_FRAME_HEADER + payload };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(3 * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    const int fds[3] = { 0, 0, 0 };

    wsm_frame_header_write(packet, type, flags, (uint32_t)payload);
    if (fd_count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_LEN(fd_count * sizeof(int));
        control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(fd_count * sizeof(int)),
                                           .cmsg_level = SOL_SOCKET,
                                           .cmsg_type = SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), fds, fd_count * sizeof(int));
    }
    assert_true(sendmsg(pair->b.fd, &header, 0) >= 0);
}

static enum wsm_channel_result receive(struct wsm_channel *channel, struct wsm_frame *frame)
{
    struct wsm_error err = WSM_ERROR_INIT;
    int fd = -1;
    enum wsm_channel_result result = wsm_channel_receive(channel, frame, &fd, &err);

    assert_int_equal(fd, -1);
    assert_true((result == WSM_CHANNEL_BAD) == (err.code != 0));
    wsm_error_clear(&err);
    return result;
}

static void test_channel_carries_messages_of_every_size(void **state)
{
    static const size_t sizes[] = { 4,
                                    5,
                                    PAYLOAD_MAX - 1,
                                    PAYLOAD_MAX,
                                    PAYLOAD_MAX + 1,
                                    2 * PAYLOAD_MAX,
                                    2 * PAYLOAD_MAX + 1,
                                    WSM_MESSAGE_MAX - 1,
                                    WSM_MESSAGE_MAX };
    struct pair pair;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct wsm_control_settings in = message_of(sizes[i]);
        struct wsm_control_settings out;
        enum wsm_channel_result result;
        struct wsm_frame frame;

        assert_true(wsm_channel_send(&pair.a, &wsm_control_settings_type, &in, -1, NULL));
        while ((result = receive(&pair.b, &frame)) == WSM_CHANNEL_AGAIN)
            assert_true(wsm_channel_flush(&pair.a, NULL));
        assert_int_equal(result, WSM_CHANNEL_MESSAGE);
        assert_int_equal(frame.type, WSM_CONTROL_SETTINGS);
        assert_int_equal(frame.flags, 0);
        assert_int_equal(frame.payload.len, sizes[i]);
        assert_true(wsm_message_parse(&wsm_control_settings_type, frame.payload, &out));
        assert_true(wsm_span_equal(in.values, out.values));
        assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_AGAIN);
    }
    assert_false(wsm_channel_wants_write(&pair.a));
    pair_close(&pair);
}

static void test_channel_refuses_to_send_beyond_the_limit(void **state)
{
    struct wsm_control_settings message = message_of(WSM_MESSAGE_MAX + 1);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_frame frame;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    assert_false(wsm_channel_send(&pair.a, &wsm_control_settings_type, &message, -1, &err));
    assert_int_not_equal(err.code, 0);
    assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_AGAIN);
    wsm_error_clear(&err);
    pair_close(&pair);
}

static void test_channel_refuses_to_collect_beyond_the_limit(void **state)
{
    enum wsm_channel_result result = WSM_CHANNEL_AGAIN;
    struct wsm_frame frame;
    struct pair pair;
    size_t sent = 0;

    (void)state;
    pair_open(&pair);
    while (result == WSM_CHANNEL_AGAIN) {
        send_raw(&pair, 1, WSM_FRAME_FLAG_MORE, PAYLOAD_MAX, 0);
        sent += PAYLOAD_MAX;
        result = receive(&pair.a, &frame);
    }
    assert_int_equal(result, WSM_CHANNEL_BAD);
    assert_true(sent > WSM_MESSAGE_MAX && sent <= WSM_MESSAGE_MAX + PAYLOAD_MAX);
    pair_close(&pair);
}

static void test_channel_refuses_another_type_within_a_message(void **state)
{
    struct wsm_frame frame;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    send_raw(&pair, 1, WSM_FRAME_FLAG_MORE, PAYLOAD_MAX, 0);
    assert_int_equal(receive(&pair.a, &frame), WSM_CHANNEL_AGAIN);
    send_raw(&pair, 2, 0, 3, 0);
    assert_int_equal(receive(&pair.a, &frame), WSM_CHANNEL_BAD);
    pair_close(&pair);
}

/* Else a peer could keep the reader busy for ever with frames that bring nothing. */
static void test_channel_refuses_small_parts_of_a_message(void **state)
{
    static const size_t lengths[] = { 0, 1, PAYLOAD_MAX - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct wsm_frame frame;
        struct pair pair;

        pair_open(&pair);
        send_raw(&pair, 1, WSM_FRAME_FLAG_MORE, lengths[i], 0);
        assert_int_equal(receive(&pair.a, &frame), WSM_CHANNEL_BAD);
        pair_close(&pair);
    }
}

static void test_channel_refuses_packets_that_are_no_frames(void **state)
{
    static uint8_t packet[WSM_FRAME_MAX + 1];
    static const size_t lengths[] = { 1, WSM_FRAME_HEADER - 1, WSM_FRAME_HEADER + 1,
                                      WSM_FRAME_MAX + 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct wsm_frame frame;
        struct pair pair;

        pair_open(&pair);
        wsm_frame_header_write(packet, 1, 0, lengths[i] == WSM_FRAME_MAX + 1 ? PAYLOAD_MAX : 0);
        assert_int_equal(write(pair.b.fd, packet, lengths[i]), lengths[i]);
        assert_int_equal(receive(&pair.a, &frame), WSM_CHANNEL_BAD);
        pair_close(&pair);
    }
}

static void test_channel_passes_descriptors(void **state)
{
    static const size_t sizes[] = { 4, 3 * PAYLOAD_MAX };
    size_t before = open_descriptors();
    struct pair pair;

    (void)state;
    pair_open(&pair);
    for (size_t i = 0; i < 2; i++) {
        struct wsm_control_settings message = message_of(sizes[i]);
        enum wsm_channel_result result;
        struct wsm_frame frame;
        int pipe_fds[2];
        int fd = -1;
        char byte = 0;

        assert_int_equal(pipe(pipe_fds), 0);
        assert_true(
            wsm_channel_send(&pair.a, &wsm_control_settings_type, &message, pipe_fds[1], NULL));
        close(pipe_fds[1]);
        while ((result = wsm_channel_receive(&pair.b, &frame, &fd, NULL)) == WSM_CHANNEL_AGAIN)
            assert_true(wsm_channel_flush(&pair.a, NULL));
        assert_int_equal(result, WSM_CHANNEL_MESSAGE);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_int_equal(write(fd, "x", 1), 1);
        close(fd);
        assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
        assert_int_equal(read(pipe_fds[0], &byte, 1), 0); /* no copy is left behind */
        close(pipe_fds[0]);
    }
    pair_close(&pair);
    assert_int_equal(open_descriptors(), before);
}

static void test_channel_closes_descriptors_it_refuses(void **state)
{
    static const struct {
        uint16_t flags;
        size_t fds;
    } cases[] = { { 0, 2 }, { 0, 3 }, { WSM_FRAME_FLAG_MORE, 1 }, { WSM_FRAME_FLAG_MORE, 2 } };
    size_t before = open_descriptors();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wsm_frame frame;
        struct pair pair;

        pair_open(&pair);
        send_raw(&pair, 1, cases[i].flags, 2, cases[i].fds);
        assert_int_equal(receive(&pair.a, &frame), WSM_CHANNEL_BAD);
        pair_close(&pair);
        assert_int_equal(open_descriptors(), before);
    }
}

static void test_channel_queues_up_to_its_limit_in_order(void **state)
{
    struct wsm_host_cancel message = { .request = 0 };
    struct wsm_control_settings big = message_of(64 * 1024);
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_frame frame;
    struct pair pair;
    uint64_t sent = 0;
    uint64_t got = 0;

    (void)state;
    pair_open(&pair);
    do {
        message.request = sent;
        if (!wsm_channel_send(&pair.a, &wsm_host_cancel_type, &message, -1, &err))
            break;
        sent++;
    } while (wsm_channel_send(&pair.a, &wsm_control_settings_type, &big, -1, &err));
    assert_int_not_equal(err.code, 0);
    assert_true(pair.a.queued_bytes <= WSM_CHANNEL_QUEUE_MAX);
    assert_true(pair.a.queued_bytes > WSM_CHANNEL_QUEUE_MAX - 2 * 64 * 1024);
    while (wsm_channel_wants_write(&pair.a)) {
        while (receive(&pair.b, &frame) == WSM_CHANNEL_MESSAGE) {
            if (frame.type != WSM_HOST_CANCEL)
                continue;
            assert_true(wsm_message_parse(&wsm_host_cancel_type, frame.payload, &message));
            assert_int_equal(message.request, got++);
        }
        assert_true(wsm_channel_flush(&pair.a, NULL));
    }
    assert_int_equal(pair.a.queued_bytes, 0);
    wsm_error_clear(&err);
    pair_close(&pair);
}

static void test_channel_keeps_a_queued_descriptor_of_its_own(void **state)
{
    struct wsm_control_settings big = message_of(64 * 1024);
    size_t before = open_descriptors();
    struct pair pair;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    pair_open(&pair);
    while (!wsm_channel_wants_write(&pair.a))
        assert_true(wsm_channel_send(&pair.a, &wsm_control_settings_type, &big, -1, NULL));
    assert_true(wsm_channel_send(&pair.a, &wsm_control_settings_type, &big, fd, NULL));
    close(fd);
    assert_true(pair.a.queued_bytes > 64 * 1024);
    pair_close(&pair); /* frees the queue, descriptor included */
    assert_int_equal(open_descriptors(), before);
}

static void test_channel_sends_a_tail_of_pieces(void **state)
{
    const struct wsm_host_output message = { .request = 5, .stream = 1, .offset = 77 };
    struct wsm_host_output out;
    struct wsm_frame frame;
    struct wsm_span pieces[3];
    struct pair pair;
    size_t sent = 0;
    size_t got = 0;

    (void)state;
    message_of(120 * 1000);
    pieces[0] = wsm_span_of(bytes, 50 * 1000);
    pieces[1] = wsm_span_of(NULL, 0);
    pieces[2] = wsm_span_of(bytes + 50 * 1000, 70 * 1000);
    pair_open(&pair);
    for (; !wsm_channel_wants_write(&pair.a); sent++) /* at once, then queued */
        assert_true(
            wsm_channel_send_tail(&pair.a, &wsm_host_output_type, &message, pieces, 3, NULL));
    while (got < sent) {
        if (receive(&pair.b, &frame) == WSM_CHANNEL_AGAIN) {
            assert_true(wsm_channel_flush(&pair.a, NULL));
            continue;
        }
        assert_true(wsm_message_parse(&wsm_host_output_type, frame.payload, &out));
        assert_int_equal(out.offset, 77);
        assert_true(wsm_span_equal(out.data, wsm_span_of(bytes, 120 * 1000)));
        got++;
    }
    assert_true(wsm_channel_send_tail(&pair.a, &wsm_host_output_type, &message, pieces, 0, NULL));
    assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_MESSAGE);
    assert_true(wsm_message_parse(&wsm_host_output_type, frame.payload, &out));
    assert_int_equal(out.data.len, 0);
    pair_close(&pair);
}

/* Frames end within pieces; then a short message finds the long one gone. */
static void test_channel_sends_a_tail_in_fragments(void **state)
{
    enum { TAIL = 600 * 1000, FIRST = 100 * 1000, SECOND = 250 * 1000 };
    const struct wsm_host_input message = { .request = 6,
                                            .stream = wsm_span_str("stdin"),
                                            .end = 1 };
    const struct wsm_host_done done = { .request = 7 };
    const struct wsm_span pieces[] = { { bytes, FIRST },
                                       { bytes + FIRST, SECOND },
                                       { bytes + FIRST + SECOND, TAIL - FIRST - SECOND } };
    struct wsm_host_input out;
    struct wsm_frame frame;
    struct pair pair;

    (void)state;
    message_of(TAIL);
    pair_open(&pair);
    for (int i = 0; i < 2; i++) { /* the second time into the memory of the first */
        enum wsm_channel_result result;

        assert_true(
            wsm_channel_send_tail(&pair.a, &wsm_host_input_type, &message, pieces, 3, NULL));
        while ((result = receive(&pair.b, &frame)) == WSM_CHANNEL_AGAIN)
            assert_true(wsm_channel_flush(&pair.a, NULL));
        assert_int_equal(result, WSM_CHANNEL_MESSAGE);
        assert_true(wsm_message_parse(&wsm_host_input_type, frame.payload, &out));
        assert_int_equal(out.end, 1);
        assert_true(wsm_span_equal(out.data, wsm_span_of(bytes, TAIL)));
    }
    assert_true(wsm_channel_send(&pair.a, &wsm_host_done_type, &done, -1, NULL));
    assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_MESSAGE);
    assert_null(pair.b.message.ptr);
    pair_close(&pair);
}

static void test_channel_refuses_a_tail_that_is_too_long(void **state)
{
    const struct wsm_host_input message = { .request = 6 };
    const struct wsm_span pieces[] = { { bytes, WSM_MESSAGE_MAX } };
    struct wsm_error err = WSM_ERROR_INIT;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    assert_false(wsm_channel_send_tail(&pair.a, &wsm_host_input_type, &message, pieces, 1, &err));
    assert_int_equal(err.code, ERROR_INVALID_PARAMETER);
    wsm_error_clear(&err);
    pair_close(&pair);
}

static void test_channel_tells_the_end_and_a_peer_that_is_gone(void **state)
{
    const struct wsm_host_cancel message = { .request = 1 };
    struct wsm_frame frame;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    assert_true(wsm_channel_send(&pair.a, &wsm_host_cancel_type, &message, -1, NULL));
    wsm_channel_close(&pair.a);
    wsm_channel_close(&pair.a);
    assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_MESSAGE); /* what came before counts */
    assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_EOF);
    assert_false(wsm_channel_send(&pair.b, &wsm_host_cancel_type, &message, -1, NULL));
    assert_false(wsm_channel_send(&pair.a, &wsm_host_cancel_type, &message, -1, NULL));
    assert_int_equal(receive(&pair.a, &frame), WSM_CHANNEL_EOF);
    pair_close(&pair);
}

static void test_channel_wipes_what_it_lent(void **state)
{
    const struct wsm_control_check_password message = { .request = 1,
                                                        .user = wsm_span_str("u"),
                                                        .password = wsm_span_str("secret") };
    struct wsm_frame frame;
    struct pair pair;

    (void)state;
    pair_open(&pair);
    assert_true(wsm_channel_send(&pair.a, &wsm_control_check_password_type, &message, -1, NULL));
    assert_int_equal(receive(&pair.b, &frame), WSM_CHANNEL_MESSAGE);
    assert_non_null(memmem(frame.payload.ptr, frame.payload.len, "secret", 6));
    wsm_channel_wipe(&pair.b);
    assert_null(memmem(frame.payload.ptr, frame.payload.len, "secret", 6));
    pair_close(&pair);
}

static void test_channel_names_its_peer(void **state)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_peer peer = { .pid = 0 };
    struct pair pair;

    (void)state;
    pair_open(&pair);
    assert_true(wsm_channel_peer(pair.a.fd, &peer, &err));
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    pair_close(&pair);
    assert_false(wsm_channel_peer(-1, &peer, &err));
    wsm_error_clear(&err);
    assert_false(wsm_channel_open(&pair.a, -1, &err));
    wsm_error_clear(&err);
}

static void test_message_type_find_knows_only_the_accepted(void **state)
{
    static const struct wsm_message_type *const accepted[] = { &wsm_host_open_type,
                                                               &wsm_host_delete_type };

    (void)state;
    assert_ptr_equal(wsm_message_type_find(accepted, 2, WSM_HOST_DELETE), &wsm_host_delete_type);
    assert_null(wsm_message_type_find(accepted, 2, WSM_HOST_RUN));
    assert_null(wsm_message_type_find(accepted, 0, WSM_HOST_OPEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_carries_messages_of_every_size),
        cmocka_unit_test(test_channel_refuses_to_send_beyond_the_limit),
        cmocka_unit_test(test_channel_refuses_to_collect_beyond_the_limit),
        cmocka_unit_test(test_channel_refuses_another_type_within_a_message),
        cmocka_unit_test(test_channel_refuses_small_parts_of_a_message),
        cmocka_unit_test(test_channel_refuses_packets_that_are_no_frames),
        cmocka_unit_test(test_channel_passes_descriptors),
        cmocka_unit_test(test_channel_closes_descriptors_it_refuses),
        cmocka_unit_test(test_channel_queues_up_to_its_limit_in_order),
        cmocka_unit_test(test_channel_keeps_a_queued_descriptor_of_its_own),
        cmocka_unit_test(test_channel_sends_a_tail_of_pieces),
        cmocka_unit_test(test_channel_sends_a_tail_in_fragments),
        cmocka_unit_test(test_channel_refuses_a_tail_that_is_too_long),
        cmocka_unit_test(test_channel_tells_the_end_and_a_peer_that_is_gone),
        cmocka_unit_test(test_channel_wipes_what_it_lent),
        cmocka_unit_test(test_channel_names_its_peer),
        cmocka_unit_test(test_message_type_find_knows_only_the_accepted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
