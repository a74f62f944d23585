/* Descriptors above those of the standard streams. A process whose standard streams are closed
 * gives away 0, 1 and 2: what it then prints or reads would go into our sockets, and libuv ends a
 * process in which it has to close one of them. */
#ifndef WSM_NET_DESCRIPTOR_H
#define WSM_NET_DESCRIPTOR_H

#include <stddef.h>

/* Moves a descriptor of our own above 2, where it is close-on-exec. -1 with errno: `fd` is closed.
 * A negative one is given back, errno untouched. */
int wsm_descriptor_raise(int fd);

/* For calls that make descriptors themselves: between the two none is 0, 1 or 2. */
struct wsm_descriptor_hold {
    int held[3];
    size_t count;
};
void wsm_descriptor_hold(struct wsm_descriptor_hold *hold);
void wsm_descriptor_release(struct wsm_descriptor_hold *hold);

#endif
