/* What the shell host reads besides frames: wsm_environ_make (the shell's variables),
 * wsm_stream_names_parse, wsm_line_make (what a command was started with) and wsm_process_parse
 * (/proc/PID/stat, whose names of processes are anybody's). The input counts as each. */
#include "fuzz.h"
#include "host/environ.h"
#include "host/line.h"
#include "host/process.h"
#include "ipc/stream_names.h"

#include "base/utf.h"

static void read_variables(struct wsm_span list)
{
    static const char *const inherited[] = { "PATH=/bin", "SECRET=1", "USER=u", NULL };
    struct wsm_environ environment = WSM_ENVIRON_INIT;
    struct wsm_error err = WSM_ERROR_INIT;
    const char *entry;

    if (wsm_environ_make(inherited, 65001, list, &environment, &err)) {
        check(environment.count <= WSM_ENVIRON_MAX);
        check(environment.entries[environment.count] == NULL);
        while (wsm_strings_next(&list, &entry)) { /* each has a value, the last one counts */
            char *name = strndup(entry, strcspn(entry, "="));
            const char *value = wsm_environ_get(&environment, name);

            check(name[0] != '\0' && value != NULL);
            if (list.len == 0)
                check(strcmp(value, strchr(entry, '=') + 1) == 0);
            free(name);
        }
    } else {
        check(environment.entries == NULL && err.code != 0);
    }
    wsm_error_clear(&err);
    wsm_environ_clear(&environment);
}

static void read_names(struct wsm_span list)
{
    uint32_t bits = 99;
    bool ok = wsm_stream_names_parse(list, wsm_output_stream_names, WSM_HOST_STREAMS, &bits);

    check(ok ? bits < 1U << WSM_HOST_STREAMS : bits == 99);
}

static void read_run(struct wsm_span payload)
{
    struct wsm_host_run run;
    struct wsm_buf line = WSM_BUF_INIT;

    if (wsm_message_parse(&wsm_host_run_type, payload, &run)) {
        wsm_line_make(&run, &line);
        check(wsm_buf_ok(&line) && line.len <= WSM_LINE_MAX);
        check(!wsm_utf8_is_valid(run.command) || !wsm_utf8_is_valid(run.arguments) ||
              wsm_utf8_is_valid(wsm_buf_span(&line)));
    }
    wsm_buf_clear(&line);
}

static void read_process(struct wsm_span stat)
{
    struct wsm_process process = { .pid = -7 };

    if (wsm_process_parse(stat, &process))
        check(memchr(process.name, 0, sizeof(process.name)) != NULL);
    else
        check(process.pid == -7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_variables(wsm_span_of(data, size));
    read_names(wsm_span_of(data, size));
    read_run(wsm_span_of(data, size));
    read_process(wsm_span_of(data, size));
    return 0;
}
