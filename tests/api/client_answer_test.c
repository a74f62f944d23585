/* What createData and connectData say, whatever a server has written. PowerShell takes both apart
 * without a second look: more than it wants to read, a duration in another form, or another
 * element than that of its plug-in ends the whole process. */
#include "client_fixture.h"
#include "proto/create.h"
#include "proto/disconnect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsmext.h>

#include <cmocka.h>

static struct fixture *f;
static const char *spliced; /* XML that the service puts into its answer */

static int setup(void **state)
{
    (void)state;
    f = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_free(f);
    return 0;
}

/* Replaces the end of the answer from `mark` on. */
static void splice(struct wsm_buf *body, const char *mark)
{
    char *text = strndup((const char *)body->ptr, body->len);
    char *at = text == NULL ? NULL : strstr(text, mark);

    if (at == NULL)
        abort();
    wsm_buf_clear(body);
    wsm_buf_append(body, text, (size_t)(at - text));
    wsm_buf_append_str(body, spliced);
    wsm_buf_append_str(body, at);
    free(text);
}

static bool answer(struct fake_service *service, const struct fake_request *request,
                   struct fake_reply *reply)
{
    struct wsm_response_headers headers = { .action = WSM_ACTION_CREATE "Response",
                                            .relates_to = request->env->message_id };
    struct wsm_create_response created = { .address = request->env->to };
    struct wsm_connect_response connected = { .input_streams = wsm_span_str("stdin"),
                                              .output_streams = wsm_span_str("stdout") };

    (void)service;
    (void)!wsm_guid_parse(wsm_span_str(FAKE_SHELL_ID), &headers.message_id);
    if (strcmp(request->name, "Create") == 0) {
        wsm_shell_item_init(&created.shell);
        created.shell.shell_id = wsm_span_str(FAKE_SHELL_ID);
        created.shell.resource_uri = wsm_span_str(WSM_URI_CMD);
        wsm_create_response_write(&reply->body, &headers, &created);
        splice(&reply->body, "</rsp:Shell>");
        return true;
    }
    if (strcmp(request->name, "Connect") != 0)
        return false;
    headers.action = WSM_ACTION_CONNECT "Response";
    wsm_connect_response_write(&reply->body, &headers, &connected);
    splice(&reply->body, "</rsp:ConnectResponse>");
    return true;
}

struct copy {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_there;
    DWORD code;
    DWORD type;
    char *text; /* owned; NULL = there was no data */
};

static void CALLBACK take_copy(PVOID context, DWORD flags, WSMAN_ERROR *error,
                               WSMAN_SHELL_HANDLE shell, WSMAN_COMMAND_HANDLE command,
                               WSMAN_OPERATION_HANDLE operation, WSMAN_RESPONSE_DATA *data)
{
    struct copy *copy = context;

    (void)flags;
    (void)shell;
    (void)command;
    (void)operation;
    pthread_mutex_lock(&copy->lock);
    copy->code = error->code;
    if (data != NULL) {
        PCWSTR text = data->createData.data.text.buffer;

        copy->type = data->createData.data.type;
        copy->text = WSManExtUtf16ToUtf8(text);
        if (WSManExtUtf16Length(text) != data->createData.data.text.bufferLength)
            abort();
    }
    copy->is_there = true;
    pthread_cond_signal(&copy->changed);
    pthread_mutex_unlock(&copy->lock);
}

/* The text of the callback; NULL: none. free(). */
static char *text_of(bool connects, const char *xml)
{
    struct copy copy = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    WSMAN_SHELL_ASYNC async = { .operationContext = &copy, .completionFunction = take_copy };
    WSMAN_SHELL_HANDLE shell = NULL;

    spliced = xml;
    fake_service_handler(f->service, answer);
    if (connects)
        WSManConnectShell(f->session, 0, WSMAN_CMDSHELL_URI, WSMAN_TEXT(FAKE_SHELL_ID), NULL, NULL,
                          &async, &shell);
    else
        WSManCreateShell(f->session, 0, WSMAN_CMDSHELL_URI, NULL, NULL, NULL, &async, &shell);
    pthread_mutex_lock(&copy.lock);
    while (!copy.is_there)
        pthread_cond_wait(&copy.changed, &copy.lock);
    pthread_mutex_unlock(&copy.lock);
    assert_int_equal(copy.code, 0);
    if (copy.text != NULL)
        assert_int_equal(copy.type, WSMAN_DATA_TYPE_TEXT);
    return copy.text;
}

static void assert_created(const char *xml, const char *expected, const char *absent)
{
    char *text = text_of(false, xml);

    assert_non_null(text);
    assert_memory_equal(text, "<rsp:Shell", 10);
    if (expected != NULL)
        assert_non_null(strstr(text, expected));
    if (absent != NULL)
        assert_null(strstr(text, absent));
    free(text);
}

static void test_2_10_create_data_has_durations_in_the_one_form(void **state)
{
    (void)state;
    assert_created("<rsp:IdleTimeOut>PT2H</rsp:IdleTimeOut>",
                   "<rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>", "PT2H");
    assert_created("<rsp:MaxIdleTimeOut>PT1M0.5S</rsp:MaxIdleTimeOut>",
                   "<rsp:MaxIdleTimeOut>PT60.500S</rsp:MaxIdleTimeOut>", NULL);
    assert_created("<rsp:MaxIdleTimeOut>PT2147483.647S</rsp:MaxIdleTimeOut>", "PT2147483.647S",
                   NULL);
}

static void test_2_10_create_data_leaves_out_what_it_cannot_say_so(void **state)
{
    (void)state;
    assert_created("<rsp:IdleTimeOut>PT2147483.648S</rsp:IdleTimeOut>", NULL, "IdleTimeOut");
    assert_created("<rsp:IdleTimeOut>soon</rsp:IdleTimeOut>", NULL, "IdleTimeOut");
    assert_created("<rsp:MaxIdleTimeOut>-PT5S</rsp:MaxIdleTimeOut>", NULL, "MaxIdleTimeOut");
    assert_created("<rsp:BufferMode>Ring</rsp:BufferMode>", NULL, "BufferMode");
    assert_created("<x:IdleTimeOut xmlns:x=\"urn:x\">?</x:IdleTimeOut>", NULL, "IdleTimeOut");
}

static void test_2_10_create_data_keeps_what_it_knows(void **state)
{
    (void)state;
    assert_created("<rsp:Owner>a&amp;b</rsp:Owner><rsp:BufferMode>Drop</rsp:BufferMode>",
                   "<rsp:Owner>a&amp;b</rsp:Owner>", NULL);
    assert_created("<rsp:BufferMode>Drop</rsp:BufferMode>", "<rsp:BufferMode>Drop</rsp:BufferMode>",
                   NULL);
}

static void test_2_10_create_data_that_is_too_long_is_left_out(void **state)
{
    struct wsm_buf xml = WSM_BUF_INIT;
    char *text;
    int i;

    (void)state;
    wsm_buf_append_str(&xml, "<rsp:Owner>");
    for (i = 0; i < 30000; i++)
        wsm_buf_append_byte(&xml, 'o');
    wsm_buf_append_str(&xml, "</rsp:Owner>");
    wsm_buf_append_byte(&xml, '\0');
    text = text_of(false, (const char *)xml.ptr);
    assert_null(text);
    wsm_buf_clear(&xml);
}

static void test_2_20_connect_data_is_what_the_plugin_has_written(void **state)
{
    static const char *const own = "<connectResponseXml "
                                   "xmlns=\"http://schemas.microsoft.com/powershell\">QUJD"
                                   "</connectResponseXml>";
    char *text = text_of(true, own);

    (void)state;
    assert_non_null(text);
    assert_memory_equal(text, "<connectResponseXml", 19);
    assert_non_null(strstr(text, ">QUJD</connectResponseXml>"));
    assert_null(strstr(text, "ConnectResponse "));
    free(text);
}

static void test_2_20_connect_data_without_a_plugin_is_the_answer(void **state)
{
    char *text = text_of(true, "<e:Extensions xmlns:e=\"urn:winrmd:shell\" Version=\"1\"/>");

    (void)state;
    assert_non_null(text);
    assert_non_null(strstr(text, "ConnectResponse"));
    assert_non_null(strstr(text, "InputStreams"));
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_2_10_create_data_has_durations_in_the_one_form),
        TEST(test_2_10_create_data_leaves_out_what_it_cannot_say_so),
        TEST(test_2_10_create_data_keeps_what_it_knows),
        TEST(test_2_10_create_data_that_is_too_long_is_left_out),
        TEST(test_2_20_connect_data_is_what_the_plugin_has_written),
        TEST(test_2_20_connect_data_without_a_plugin_is_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
