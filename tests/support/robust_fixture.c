/* What the tests of broken connections have in common. */
#include "robust_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fixture *f;
struct recorder *notices;
WSMAN_SHELL_HANDLE shell;
WSMAN_COMMAND_HANDLE command;

void create_watched(void)
{
    notices = recorder_new();
    notices->user = notices; /* its data is no output */
    WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &notices->async, &shell);
    assert_non_null(shell);
}

void open_watched(void)
{
    create_watched();
    recorder_wait(notices, 1);
    assert_int_equal(notices->events[0].code, 0);
    command = run_command(shell, WSMAN_TEXT("cat"));
}

int robust_setup(void **state)
{
    (void)state;
    f = fixture_new();
    marked_start(f->service);
    return 0;
}

int robust_setup_shell(void **state)
{
    robust_setup(state);
    open_watched();
    return 0;
}

int robust_teardown(void **state)
{
    (void)state;
    marked_stop();
    fixture_free(f);
    marked_free();
    if (notices != NULL)
        recorder_free(notices);
    notices = NULL;
    return 0;
}

size_t wait_notice(DWORD flag, size_t from)
{
    size_t i = from;

    for (;;) {
        recorder_wait(notices, i + 1);
        if (notices->events[i].flags == flag)
            return i;
        i++;
    }
}

size_t count_phases(void)
{
    DWORD before = 0;
    size_t phases = 0;
    size_t i;

    for (i = 1; i < recorder_count(notices); i++) {
        const struct recorder_event *event = &notices->events[i];
        bool is_legal;

        assert_int_equal(event->code, 0);
        assert_false(event->has_data);
        assert_ptr_equal(event->shell, shell);
        assert_null(event->command);
        assert_null(event->operation);
        switch (event->flags) {
        case FAILURE:
            is_legal = before == 0;
            break;
        case RETRYING:
            is_legal = before == FAILURE || before == RETRYING;
            break;
        case RECONNECTED:
        case DISCONNECTING:
        case ABORTED:
            is_legal = before == RETRYING;
            break;
        case DISCONNECTED:
            is_legal = before == DISCONNECTING;
            break;
        default:
            is_legal = false;
        }
        if (!is_legal)
            fail_msg("notice %#x behind %#x", event->flags, before);
        before = event->flags;
        if (before == RECONNECTED || before == DISCONNECTED || before == ABORTED) {
            before = 0;
            phases++;
        }
    }
    return phases;
}

void assert_recovered(void)
{
    wait_notice(RECONNECTED, 1);
    assert_true(count_phases() >= 1);
}

void lose_link(void)
{
    fake_refuse(f->service);
    fake_close_all(f->service);
}

void assert_output(struct recorder *out, const char *text)
{
    assert_last_code(out, 0);
    assert_int_equal(out->output_len, strlen(text));
    assert_memory_equal(out->output, text, strlen(text));
}
