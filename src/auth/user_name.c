/* What may be the name of a user. Pure. */
#include "auth/user_name.h"

#include "base/utf.h"
#include "wsmerror.h"

bool wsm_user_name_check(struct wsm_span name, struct wsm_error *err)
{
    if (name.len == 0)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user name is empty");
    if (name.len > WSM_USER_NAME_MAX)
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user name is longer than %d bytes",
                        WSM_USER_NAME_MAX);
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == ':')
            return wsm_fail(err, ERROR_INVALID_PARAMETER,
                            "the user name holds a colon or a control character");
    if (name.ptr[0] == '#' || name.ptr[0] == ' ' || name.ptr[name.len - 1] == ' ')
        return wsm_fail(err, ERROR_INVALID_PARAMETER,
                        "the user name starts with '#' or has blanks around it");
    if (!wsm_utf8_is_valid(name))
        return wsm_fail(err, ERROR_INVALID_PARAMETER, "the user name is not valid UTF-8");
    return true;
}
