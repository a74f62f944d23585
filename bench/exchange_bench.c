/* Latency of small exchanges over one keep-alive connection, one at a time.
 *
 * Usage: bench_exchange service ADDRESS:PORT USER PASSWORD-FILE COUNT
 *        bench_exchange floor PORT COUNT
 *        bench_exchange pingpong COUNT
 * service: Signal ctrl_c to a command that has finished (a raw socket client: what is
 * measured is the service). floor: the same request bytes to bench_floor. pingpong:
 * 1 KiB there and back between two processes over TCP.
 * Prints "COUNT P50 P99" in microseconds. Loopback only. */
#include "base/base64.h"
#include "proto/command.h"
#include "proto/create.h"
#include "proto/http.h"
#include "proto/receive.h"
#include "proto/signal.h"
#include "stopwatch.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_exchange: %s\n", what);
    exit(1);
}

static int connect_to(const char *address, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        die("cannot connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void write_all(int fd, struct wsm_span bytes)
{
    if (send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL) != (ssize_t)bytes.len)
        die("short write");
}

/* Reads one response into `in` (emptied first); *out_body is borrowed from it. */
static int read_response(int fd, struct wsm_buf *in, struct wsm_span *out_body)
{
    struct wsm_http_head head;
    size_t scanned = 0;
    size_t head_len = 0;
    const char *why;
    int status;
    enum wsm_parse parsed;

    wsm_buf_reset(in);
    do {
        ssize_t got;

        if (!wsm_buf_reserve(in, 16384))
            die("out of memory");
        got = recv(fd, wsm_buf_end(in), wsm_buf_room(in), 0);
        if (got <= 0)
            die("connection ended");
        wsm_buf_added(in, (size_t)got);
        parsed = wsm_http_head_parse(WSM_HTTP_RESPONSE, wsm_buf_span(in), &scanned, &head,
                                     &head_len, &status, &why);
        if (parsed == WSM_PARSE_BAD)
            die(why);
    } while (parsed == WSM_PARSE_MORE || in->len < head_len + head.content_length);
    *out_body = wsm_span_of(in->ptr + head_len, (size_t)head.content_length);
    return head.status;
}

struct service {
    int fd;
    const char *host; /* address:port, borrowed */
    char authorization[512];
    char shell_id[WSM_GUID_LEN + 1];
    char command_id[WSM_GUID_LEN + 1];
    struct wsm_buf in;
};

static struct wsm_request_headers headers_for(const struct service *service, const char *action)
{
    return (struct wsm_request_headers){
        .to = "http://127.0.0.1/wsman",
        .action = action,
        .message_id = "uuid:11111111-2222-4333-8444-555555555501",
        .resource_uri = WSM_URI_CMD,
        .shell_id = service->shell_id[0] == '\0' ? NULL : service->shell_id,
        .max_envelope_size = 512000,
        .operation_timeout_ms = 20000,
    };
}

/* Puts the HTTP head before the envelope in `body`. */
static struct wsm_buf request_of(const struct service *service, struct wsm_buf *body)
{
    const char *lines[] = { "Content-Type: application/soap+xml;charset=UTF-8",
                            service->authorization, NULL };
    struct wsm_buf out = WSM_BUF_INIT;

    wsm_http_request_write(&out, "/wsman", service->host, lines, body->len);
    wsm_buf_append_span(&out, wsm_buf_span(body));
    wsm_buf_clear(body);
    return out;
}

/* One exchange; the envelope of the answer must be cleared by the caller. */
static void exchange(struct service *service, struct wsm_buf *body, struct wsm_envelope *out)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_buf request = request_of(service, body);
    struct wsm_span answer;
    int status;

    write_all(service->fd, wsm_buf_span(&request));
    wsm_buf_clear(&request);
    status = read_response(service->fd, &service->in, &answer);
    if (status != 200) {
        fprintf(stderr, "%.*s\n", (int)answer.len, (const char *)answer.ptr);
        die("the service refused");
    }
    if (!wsm_envelope_parse(out, service->in.ptr + (answer.ptr - service->in.ptr), answer.len,
                            &err))
        die(wsm_error_text(&err));
}

/* A shell with one command that has finished. */
static void service_open(struct service *service)
{
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_envelope answer;
    struct wsm_create_response created;
    struct wsm_receive_response received;
    const struct wsm_xml_node *shell;
    struct wsm_buf body = WSM_BUF_INIT;
    struct wsm_span id;
    struct wsm_request_headers headers = headers_for(service, WSM_ACTION_CREATE);

    wsm_create_request_write(
        &body, &headers,
        &(struct wsm_create_request){ .idle_timeout_ms = -1,
                                      .input_streams = wsm_span_str("stdin"),
                                      .output_streams = wsm_span_str("stdout stderr") });
    exchange(service, &body, &answer);
    if (!wsm_create_response_parse(&answer, &created, &shell, &err))
        die(wsm_error_text(&err));
    snprintf(service->shell_id, sizeof(service->shell_id), "%.*s", (int)created.shell.shell_id.len,
             (const char *)created.shell.shell_id.ptr);
    wsm_envelope_clear(&answer);

    headers = headers_for(service, WSM_ACTION_COMMAND);
    wsm_command_request_write(&body, &headers,
                              &(struct wsm_command_request){ .command = wsm_span_str("true") });
    exchange(service, &body, &answer);
    if (!wsm_command_response_parse(&answer, &id, &err))
        die(wsm_error_text(&err));
    snprintf(service->command_id, sizeof(service->command_id), "%.*s", (int)id.len,
             (const char *)id.ptr);
    wsm_envelope_clear(&answer);

    do {
        headers = headers_for(service, WSM_ACTION_RECEIVE);
        wsm_receive_request_write(
            &body, &headers,
            &(struct wsm_receive_request){ .command_id = wsm_span_str(service->command_id),
                                           .streams = wsm_span_str("stdout stderr") });
        exchange(service, &body, &answer);
        if (!wsm_receive_response_parse(&answer, &received, &err))
            die(wsm_error_text(&err));
        wsm_envelope_clear(&answer);
    } while (received.state != WSM_COMMAND_DONE);
}

static void service_close(struct service *service)
{
    struct wsm_buf body = WSM_BUF_INIT;
    struct wsm_envelope answer;
    struct wsm_request_headers headers = headers_for(service, WSM_ACTION_DELETE);

    wsm_delete_request_write(&body, &headers);
    exchange(service, &body, &answer);
    wsm_envelope_clear(&answer);
    wsm_buf_clear(&service->in);
    close(service->fd);
}

static struct wsm_buf signal_request(const struct service *service)
{
    struct wsm_buf body = WSM_BUF_INIT;
    struct wsm_request_headers headers = headers_for(service, WSM_ACTION_SIGNAL);

    wsm_signal_request_write(
        &body, &headers,
        &(struct wsm_signal_request){ .command_id = wsm_span_str(service->command_id),
                                      .code = wsm_span_str(WSM_SIGNAL_URI_CTRL_C) });
    return request_of(service, &body);
}

static void measure(int fd, struct wsm_span request, size_t count)
{
    int64_t *times = calloc(count, sizeof(*times));
    struct wsm_buf in = WSM_BUF_INIT;
    struct wsm_span body;
    size_t i;

    if (times == NULL)
        die("out of memory");
    for (i = 0; i < count; i++) {
        int64_t start = now_ns();

        write_all(fd, request);
        if (read_response(fd, &in, &body) != 200)
            die("the answer is not 200");
        times[i] = now_ns() - start;
    }
    printf("%zu %.1f %.1f\n", count, percentile_us(times, count, 50),
           percentile_us(times, count, 99));
    wsm_buf_clear(&in);
    free(times);
}

static void bench_service(const char *host, const char *user, const char *password_file,
                          size_t count)
{
    struct service service = { .host = host };
    char credentials[256];
    char password[128];
    char address[64];
    const char *colon = strrchr(host, ':');
    FILE *file = fopen(password_file, "re");
    struct wsm_buf request;
    size_t len;

    if (colon == NULL || file == NULL || fgets(password, sizeof(password), file) == NULL)
        die("ADDRESS:PORT and a password file are needed");
    fclose(file);
    password[strcspn(password, "\n")] = '\0';
    snprintf(address, sizeof(address), "%.*s", (int)(colon - host), host);
    len = (size_t)snprintf(credentials, sizeof(credentials), "%s:%s", user, password);
    len = (size_t)snprintf(service.authorization, sizeof(service.authorization),
                           "Authorization: Basic ") +
          wsm_base64_encoded_len(len);
    wsm_base64_encode((const uint8_t *)credentials, strlen(credentials),
                      (uint8_t *)service.authorization + strlen(service.authorization));
    service.authorization[len] = '\0';

    service.fd = connect_to(address, (int)strtol(colon + 1, NULL, 10));
    service_open(&service);
    request = signal_request(&service);
    measure(service.fd, wsm_buf_span(&request), count);
    wsm_buf_clear(&request);
    service_close(&service);
}

static void bench_floor(int port, size_t count)
{
    /* A request as long as the real one. */
    struct service service = {
        .host = "127.0.0.1:5985",
        .authorization = "Authorization: Basic YWxpY2U6MDEyMzQ1Njc4OTAxMjM0NTY3ODk=",
        .shell_id = "5D3C1F60-0000-4000-8000-0000000000A1",
        .command_id = "5D3C1F60-0000-4000-8000-0000000000C1"
    };
    struct wsm_buf request = signal_request(&service);
    uint8_t *target = memmem(request.ptr, request.len, "/wsman", 6);

    memcpy(target, "/ping ", 6);
    measure(connect_to("127.0.0.1", port), wsm_buf_span(&request), count);
    wsm_buf_clear(&request);
}

static void bench_pingpong(size_t count)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int64_t *times = calloc(count, sizeof(*times));
    char block[1024] = { 0 };
    int one = 1;
    size_t i;
    int fd;

    if (times == NULL || bind(listener, (struct sockaddr *)&address, len) < 0 ||
        listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &len) < 0)
        die("cannot listen");
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fd = accept(listener, NULL, NULL);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        while (recv(fd, block, sizeof(block), MSG_WAITALL) == sizeof(block) &&
               send(fd, block, sizeof(block), MSG_NOSIGNAL) == sizeof(block))
            ;
        _exit(0);
    }
    fd = connect_to("127.0.0.1", ntohs(address.sin_port));
    for (i = 0; i < count; i++) {
        int64_t start = now_ns();

        write_all(fd, wsm_span_of(block, sizeof(block)));
        if (recv(fd, block, sizeof(block), MSG_WAITALL) != sizeof(block))
            die("short answer");
        times[i] = now_ns() - start;
    }
    printf("%zu %.1f %.1f\n", count, percentile_us(times, count, 50),
           percentile_us(times, count, 99));
    free(times);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "service") == 0)
        bench_service(argv[2], argv[3], argv[4], strtoul(argv[5], NULL, 10));
    else if (argc == 4 && strcmp(argv[1], "floor") == 0)
        bench_floor((int)strtol(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    else if (argc == 3 && strcmp(argv[1], "pingpong") == 0)
        bench_pingpong(strtoul(argv[2], NULL, 10));
    else
        die("usage: see the top of bench/exchange_bench.c");
    return 0;
}
