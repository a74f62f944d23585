/* The table behind the handles: slots with a generation each. Used by any thread
 * under the runtime's lock. Knows nothing of the objects. */
#include "client/handle.h"

#include "wsmerror.h"

#include <stdlib.h>

enum { TYPE_BITS = 4, SLOT_BITS = 20, GENERATION_SHIFT = TYPE_BITS + SLOT_BITS };

_Static_assert(WSM_HANDLES_MAX == 1 << SLOT_BITS, "slot numbers fill their bits");

static uintptr_t handle_of(const struct wsm_handle_slot *slot, size_t number)
{
    return slot->generation << GENERATION_SHIFT | (uintptr_t)number << TYPE_BITS |
           (uintptr_t)slot->type;
}

enum wsm_handle_type wsm_handle_type_of(uintptr_t handle)
{
    return (enum wsm_handle_type)(handle & ((1U << TYPE_BITS) - 1));
}

static bool grow(struct wsm_handle_table *table, struct wsm_error *err)
{
    size_t cap = table->cap == 0 ? 64 : table->cap * 2;
    struct wsm_handle_slot *slots;

    if (table->cap >= WSM_HANDLES_MAX)
        return wsm_fail(err, ERROR_NOT_ENOUGH_MEMORY, "more than %d handles", WSM_HANDLES_MAX);
    slots = realloc(table->slots, cap * sizeof(*slots));
    if (slots == NULL)
        return wsm_fail_memory(err, "handle table");
    table->slots = slots;
    table->cap = cap;
    return true;
}

static bool take_slot(struct wsm_handle_table *table, size_t *out_number, struct wsm_error *err)
{
    if (table->first_free != 0) {
        *out_number = table->first_free - 1;
        table->first_free = table->slots[*out_number].next_free;
        if (table->first_free == 0)
            table->last_free = 0;
        return true;
    }
    if (table->count == table->cap && !grow(table, err))
        return false;
    *out_number = table->count++;
    table->slots[*out_number] = (struct wsm_handle_slot){ .generation = 1 };
    return true;
}

bool wsm_handle_table_add(struct wsm_handle_table *table, enum wsm_handle_type type,
                          uint32_t api_version, void *object, void *reserve, uintptr_t *out_handle,
                          struct wsm_error *err)
{
    struct wsm_handle_slot *slot;
    size_t number;

    if (!take_slot(table, &number, err))
        return false;
    slot = &table->slots[number];
    slot->object = object;
    slot->reserve = reserve;
    slot->type = type;
    slot->api_version = api_version;
    *out_handle = handle_of(slot, number);
    return true;
}

struct wsm_handle_slot *wsm_handle_table_find(struct wsm_handle_table *table, uintptr_t handle,
                                              enum wsm_handle_type type)
{
    size_t number = (size_t)(handle >> TYPE_BITS) & (WSM_HANDLES_MAX - 1);
    struct wsm_handle_slot *slot;

    if (number >= table->count)
        return NULL;
    slot = &table->slots[number];
    if (slot->object == NULL || slot->type != type || handle_of(slot, number) != handle)
        return NULL;
    return slot;
}

void wsm_handle_table_remove(struct wsm_handle_table *table, uintptr_t handle)
{
    struct wsm_handle_slot *slot = wsm_handle_table_find(table, handle, wsm_handle_type_of(handle));
    size_t number;

    if (slot == NULL)
        return;
    number = (size_t)(slot - table->slots);
    free(slot->reserve);
    *slot = (struct wsm_handle_slot){ .generation = slot->generation + 1 };
    if (table->last_free == 0)
        table->first_free = number + 1;
    else
        table->slots[table->last_free - 1].next_free = number + 1;
    table->last_free = number + 1;
}
