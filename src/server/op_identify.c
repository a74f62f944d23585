/* Identify: what is here? For authenticated clients only, for now. The winrmd-net loop
 * runs it. */
#include "proto/identify.h"

#include "server/handler.h"

#include <stdio.h>
#include <sys/utsname.h>

#define PROFILES "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/http/basic"

void wsm_op_identify(struct wsm_exchange *exchange, struct wsm_shell *shell)
{
    struct wsm_identify_response msg = {
        .protocol_version = wsm_span_str(WSM_NS_WSMAN),
        .product_vendor = wsm_span_str("winrmd"),
        .security_profiles = wsm_span_str(PROFILES),
    };
    struct wsm_response response = WSM_RESPONSE_INIT;
    struct utsname system;
    unsigned major = 0, minor = 0, patch = 0;
    char version[64];
    const char *ns = WSM_NS_IDENTITY;

    (void)shell;
    (void)!wsm_identify_request_parse(&exchange->env, &ns);
    if (uname(&system) == 0)
        (void)!sscanf(system.release, "%u.%u.%u", &major, &minor, &patch); /* missing ones: 0 */
    /* the shape that tools parse for "Stack" */
    snprintf(version, sizeof(version), "OS: %u.%u.%u SP: 0.0 Stack: 3.0", major, minor, patch);
    msg.product_version = wsm_span_str(version);
    wsm_response_open(&response, exchange, 200, NULL);
    wsm_identify_response_write(&response.out, ns, &msg);
    wsm_response_send(&response, exchange, NULL);
    wsm_response_clear(&response);
    wsm_exchange_free(exchange);
}
