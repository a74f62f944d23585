/* Identify: asks a server who it is. Loop thread. */
#include "proto/identify.h"

#include "client/operation.h"
#include "client/options.h"

static void add_text(struct wsm_buf *out, struct wsm_span text)
{
    wsm_buf_append_span(out, text);
    wsm_buf_append_byte(out, '\0');
}

static void on_answer(struct wsm_exchange *exchange, struct wsm_answer **answer,
                      struct wsm_error *err)
{
    struct wsm_operation *operation = WSM_CONTAINER_OF(exchange, struct wsm_operation, exchange);
    struct wsm_buf *text = &operation->async.text;
    struct wsm_buf profiles = WSM_BUF_INIT;
    struct wsm_identify_response response;

    if (err->code == 0 && wsm_identify_response_parse(&(*answer)->env, &profiles, &response, err)) {
        add_text(text, response.protocol_version);
        add_text(text, response.product_vendor);
        add_text(text, response.product_version);
        add_text(text, response.security_profiles);
        if (!wsm_buf_ok(text))
            (void)wsm_fail_memory(err, "identity");
    }
    wsm_buf_clear(&profiles);
    wsm_operation_complete(operation, err);
}

static bool start(struct wsm_operation *operation, struct wsm_error *err)
{
    static const struct wsm_exchange_plan plan = { .timeout_option = WSM_OPTION_DEFAULT_TIMEOUT };
    struct wsm_request_headers unused;

    if (!wsm_exchange_prepare(&operation->exchange, operation->session, &plan, &unused, err))
        return false;
    wsm_identify_request_write(&operation->exchange.call.request);
    operation->exchange.on_done = on_answer;
    return wsm_exchange_send(&operation->exchange, err);
}

const struct wsm_operation_kind wsm_identify_kind = {
    .name = "Identify",
    .result = WSM_RESULT_IDENTITY,
    .start = start,
};
