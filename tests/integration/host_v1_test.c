/* Version 1 of the protocol between net and host, byte for byte: plays what a net of that
 * version says to winrmd-shell, and compares what it answers. Version 1 is frozen: hosts and
 * services of different releases meet, so neither these files nor what they expect change.
 *
 * tests/proto/host-v1: `>` begins a packet that net sends, `<` one that must come, on lines
 * that continue with blanks; `.` is the end of the connection, `=` the next one. Bytes are
 * hexadecimal, `??` any byte, `61x9` nine times 61, `*` any bytes up to the packet's end.
 * What follows `#` at the start of a line, or `;`, is a comment. */
#include "host_peer.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

struct packet {
    char kind; /* 0 = none yet */
    int line;
    uint8_t bytes[WSM_FRAME_MAX];
    bool is_any[WSM_FRAME_MAX];
    size_t len;
    bool has_rest; /* `*` */
};

static uint8_t hex_digit(char digit)
{
    assert_true(isxdigit((unsigned char)digit));
    return (uint8_t)(digit <= '9' ? digit - '0' : tolower(digit) - 'a' + 10);
}

static void add_byte(struct packet *packet, const char *two)
{
    assert_true(packet->len < sizeof(packet->bytes));
    packet->is_any[packet->len] = two[0] == '?' && two[1] == '?';
    packet->bytes[packet->len] = 0;
    if (!packet->is_any[packet->len])
        packet->bytes[packet->len] = (uint8_t)(hex_digit(two[0]) << 4 | hex_digit(two[1]));
    packet->len++;
}

static void add_word(struct packet *packet, const char *word)
{
    const char *times = strchr(word, 'x');

    if (strcmp(word, "*") == 0) {
        packet->has_rest = true;
    } else if (times != NULL) {
        assert_int_equal(times - word, 2);
        for (long i = strtol(times + 1, NULL, 10); i > 0; i--)
            add_byte(packet, word);
    } else {
        assert_int_equal(strlen(word) % 2, 0);
        for (; *word != '\0'; word += 2)
            add_byte(packet, word);
    }
}

static bool wait_for(int fd, short events)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };

    return poll(&poll_fd, 1, HOST_WAIT_MS) == 1;
}

static void send_packet(const struct host_peer *peer, const struct packet *packet)
{
    ssize_t count = 0;

    do
        assert_true(wait_for(peer->channel.fd, POLLOUT));
    while ((count = send(peer->channel.fd, packet->bytes, packet->len, MSG_NOSIGNAL)) < 0 &&
           errno == EAGAIN);
    assert_int_equal(count, packet->len);
}

/* Why the two differ, NULL: they do not. */
static const char *difference(const struct packet *packet, const uint8_t *got, size_t len)
{
    static char text[128];

    if (len < packet->len || (len > packet->len && !packet->has_rest)) {
        snprintf(text, sizeof(text), "%zu bytes, not %zu", len, packet->len);
        return text;
    }
    for (size_t i = 0; i < packet->len; i++) {
        if (packet->is_any[i] || packet->bytes[i] == got[i])
            continue;
        snprintf(text, sizeof(text), "byte %zu is %02x, not %02x", i, got[i], packet->bytes[i]);
        return text;
    }
    return NULL;
}

static void print_bytes(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len && i < 300; i++)
        print_message("%02x", bytes[i]);
    print_message("\n");
}

static void expect_packet(const struct host_peer *peer, const struct packet *packet,
                          const char *name)
{
    static uint8_t got[WSM_FRAME_MAX + 1];
    const char *text = "nothing comes";
    ssize_t count = -1;

    if (wait_for(peer->channel.fd, POLLIN))
        count = recv(peer->channel.fd, got, sizeof(got), 0);
    if (count >= 0)
        text = count == 0 && packet->len > 0 ? "the connection ends"
                                             : difference(packet, got, (size_t)count);
    if (text == NULL)
        return;
    if (count > 0)
        print_bytes(got, (size_t)count);
    fail_msg("%s:%d: %s", name, packet->line, text);
}

/* Does what the packet says, which is whole now. */
static void play(struct host_peer *peer, const struct packet *packet, const char *name)
{
    switch (packet->kind) {
    case '>':
        send_packet(peer, packet);
        break;
    case '<':
    case '.': /* the end is a packet of no bytes */
        expect_packet(peer, packet, name);
        break;
    case '=':
        wsm_channel_close(&peer->channel);
        host_connect(peer);
        break;
    default:
        assert_int_equal(packet->kind, 0);
    }
}

static void play_file(const char *name)
{
    static struct packet packet;
    static char line[4096];
    char path[1024];
    char *rest;
    struct host_peer peer;
    FILE *file;
    int number = 0;

    snprintf(path, sizeof(path), "%s/%s", WSM_DIALOGUES, name);
    file = fopen(path, "r");
    assert_non_null(file);
    host_start(&peer, NULL);
    host_connect(&peer);
    packet.kind = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *text = line;

        number++;
        text[strcspn(text, ";\n")] = '\0';
        if (text[0] == '#' || text[0] == '\0')
            continue;
        if (text[0] != ' ') {
            play(&peer, &packet, name);
            packet.kind = *text++;
            packet.line = number;
            packet.len = 0;
            packet.has_rest = false;
        }
        for (char *word = strtok_r(text, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest))
            add_word(&packet, word);
    }
    play(&peer, &packet, name);
    fclose(file);
    host_stop(&peer);
}

static void test_host_v1_lives(void **state)
{
    (void)state;
    play_file("life");
}

static void test_host_v1_refuses(void **state)
{
    (void)state;
    play_file("refusals");
}

static void test_host_v1_knows_repetitions(void **state)
{
    (void)state;
    play_file("repetition");
}

static void test_host_v1_is_let_go_and_taken_up(void **state)
{
    (void)state;
    play_file("letting-go");
}

static void test_host_v1_meets_the_next_net(void **state)
{
    (void)state;
    play_file("next-net");
}

static void test_host_v1_agrees_on_a_version(void **state)
{
    (void)state;
    play_file("versions");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_v1_lives),
        cmocka_unit_test(test_host_v1_refuses),
        cmocka_unit_test(test_host_v1_knows_repetitions),
        cmocka_unit_test(test_host_v1_is_let_go_and_taken_up),
        cmocka_unit_test(test_host_v1_meets_the_next_net),
        cmocka_unit_test(test_host_v1_agrees_on_a_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
