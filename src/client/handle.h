/* Handles as the application sees them: a number made of slot, generation and type,
 * never an address. A stale, foreign or invented value is simply not found. */
#ifndef WSM_CLIENT_HANDLE_H
#define WSM_CLIENT_HANDLE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { WSM_HANDLES_MAX = 1 << 20 };

enum wsm_handle_type {
    WSM_HANDLE_NONE, /* so that no handle is NULL */
    WSM_HANDLE_API,
    WSM_HANDLE_SESSION,
    WSM_HANDLE_SHELL,
    WSM_HANDLE_COMMAND,
    WSM_HANDLE_OPERATION,
};

struct wsm_handle_slot {
    void *object;  /* borrowed; NULL = the slot is free */
    void *reserve; /* owned, free(): the close request made at birth, so that closing needs no
                      memory; NULL = closing has been asked for */
    uintptr_t generation;
    size_t next_free;
    enum wsm_handle_type type;
    uint32_t api_version; /* 0 = 1.0, 1 = 1.1 */
};

/* Zero-initialised. Not locked: the holder does that. */
struct wsm_handle_table {
    struct wsm_handle_slot *slots; /* owned */
    size_t count;
    size_t cap;
    size_t first_free; /* slot number + 1, 0 = none; the oldest free slot is used first */
    size_t last_free;
};

/* What the handle says of itself; it need not exist. */
enum wsm_handle_type wsm_handle_type_of(uintptr_t handle);

/* `reserve` is transferred. */
bool wsm_handle_table_add(struct wsm_handle_table *table, enum wsm_handle_type type,
                          uint32_t api_version, void *object, void *reserve, uintptr_t *out_handle,
                          struct wsm_error *err) WSM_MUST_CHECK;
/* Borrowed until the handle is removed; NULL: no such handle of that type. */
struct wsm_handle_slot *wsm_handle_table_find(struct wsm_handle_table *table, uintptr_t handle,
                                              enum wsm_handle_type type);
/* Frees the slot and its reserve. Harmless for a handle that is not there. */
void wsm_handle_table_remove(struct wsm_handle_table *table, uintptr_t handle);

#endif
