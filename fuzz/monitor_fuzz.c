/* What else the monitor reads: wsm_options_parse (its command line), wsm_host_record_parse,
 * wsm_host_name_parse and wsm_kept_port_find (files of the run directory). What was read is
 * written and read as the same. The input counts as each; as a command line, a word per line. */
#include "fuzz.h"
#include "monitor/host_record.h"
#include "monitor/kept_port.h"
#include "monitor/options.h"

enum { WORDS_MAX = 64 };

static void read_options(char *text)
{
    char *argv[WORDS_MAX + 1] = { (char *)"winrmd" };
    struct wsm_error err = WSM_ERROR_INIT;
    struct wsm_options options;
    int argc = 1;

    for (char *line; argc < WORDS_MAX && (line = strsep(&text, "\n")) != NULL;)
        argv[argc++] = line;
    if (wsm_options_parse(&options, argc, argv, &err)) {
        check(options.watch_fd == -1 || (options.watch_fd > 2 && options.watch_fd < 65536));
        check(options.override_count < (size_t)argc);
        check((options.user_name != NULL) >= (options.action == WSM_ACTION_USER_ADD));
        wsm_options_clear(&options);
    } else {
        check(err.code != 0 && options.overrides == NULL);
    }
    wsm_error_clear(&err);
}

static void read_record(struct wsm_span text)
{
    struct wsm_host_record record = { .pid = -7 };
    struct wsm_host_record again;
    struct wsm_buf out = WSM_BUF_INIT;
    struct wsm_buf same = WSM_BUF_INIT;

    if (wsm_host_record_parse(text, &record, NULL)) {
        check(record.pid > 0 && record.owner[0] != '\0');
        wsm_host_record_write(&record, &out);
        check(wsm_buf_ok(&out) && out.len <= WSM_HOST_RECORD_MAX);
        check(wsm_host_record_parse(wsm_buf_span(&out), &again, NULL));
        wsm_host_record_write(&again, &same);
        check(wsm_span_equal(wsm_buf_span(&out), wsm_buf_span(&same)));
    } else {
        check(record.pid == -7);
    }
    wsm_buf_clear(&out);
    wsm_buf_clear(&same);
}

static void read_name(const char *text)
{
    uint64_t id = wsm_host_name_parse(text, ".host");
    char name[WSM_HOST_NAME_SIZE];

    wsm_host_record_name(id, name);
    check(id == 0 || strcmp(text, name) == 0);
    wsm_host_socket_name(id, name);
    check(wsm_host_name_parse(name, ".sock") == id && wsm_host_name_parse(name, ".host") == 0);
}

static void read_port(struct wsm_span text)
{
    struct wsm_listen_address any;
    uint16_t port;

    check(wsm_listen_address_parse(wsm_span_str("127.0.0.1:0"), &any, NULL));
    port = wsm_kept_port_find(text, 1, &any);
    if (port != 0) {
        struct wsm_listen_address bound = any;
        struct wsm_buf out = WSM_BUF_INIT;

        wsm_listen_address_set_port(&bound, port);
        wsm_kept_port_write(&out, 1, &bound);
        check(wsm_kept_port_find(wsm_buf_span(&out), 1, &any) == port);
        check(wsm_kept_port_find(wsm_buf_span(&out), 0, &any) == 0);
        wsm_buf_clear(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = string_of(data, size);

    read_record(wsm_span_of(data, size));
    read_port(wsm_span_of(data, size));
    read_name(text);
    read_options(text);
    free(text);
    return 0;
}
