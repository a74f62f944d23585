/* GUIDs from the kernel's random numbers. Any thread. */
#include "client/random.h"

#include "wsmerror.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

bool wsm_random_guid(struct wsm_guid *out, struct wsm_error *err)
{
    uint8_t bytes[16];
    ssize_t count = getrandom(bytes, sizeof(bytes), GRND_NONBLOCK);

    if (count != (ssize_t)sizeof(bytes))
        count = getrandom(bytes, sizeof(bytes), GRND_INSECURE);
    if (count != (ssize_t)sizeof(bytes))
        return wsm_fail(err, ERROR_INTERNAL_ERROR, "random numbers: %s", strerror(errno));
    wsm_guid_from_random(bytes, out);
    return true;
}

uint32_t wsm_random_number(void)
{
    uint32_t number = 0;
    ssize_t count = getrandom(&number, sizeof(number), GRND_NONBLOCK);

    return count == (ssize_t)sizeof(number) ? number : 0;
}
