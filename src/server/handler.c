/* What handlers of requests have in common. The winrmd-net loop runs it. */
#include "server/handler.h"

#include "server/service.h"
#include "wsmerror.h"

struct wsm_shell *wsm_handler_find_shell(struct wsm_exchange *exchange, struct wsm_span id)
{
    struct wsm_shell *shell = wsm_shell_find(&exchange->service->shells, exchange->logon->user, id);
    struct wsm_error err = WSM_ERROR_INIT;

    if (shell == NULL) {
        wsm_fail(&err, ERROR_WSMAN_UNEXPECTED_SELECTORS, "shell %.*s does not exist", (int)id.len,
                 id.len == 0 ? "" : (const char *)id.ptr);
        wsm_exchange_fail(exchange, &err);
    } else if (!wsm_shell_is_ready(shell)) {
        wsm_exchange_wait(exchange, &shell->waiting);
        shell = NULL;
    }
    return shell;
}

bool wsm_options_check(const struct wsm_envelope *env, const char *const *known,
                       struct wsm_error *err)
{
    for (size_t i = 0; i < env->option_count; i++) {
        const struct wsm_option *option = &env->options[i];
        size_t k = 0;

        while (known[k] != NULL && !wsm_span_is_nocase(option->name, known[k]))
            k++;
        if (known[k] == NULL && option->must_comply)
            return wsm_fail(err, ERROR_WSMAN_OPTIONS_INVALID_NAME, "option %.*s is not known",
                            (int)option->name.len, (const char *)option->name.ptr);
    }
    return true;
}
