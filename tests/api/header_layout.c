/* Asserts every number of header_items.h, and the signedness of the base types. Compiled as C
 * and C++, for both API versions, with our wsman.h and with mingw-w64's. It never runs. */
#ifdef _WIN32
#include <windows.h>
#endif
#include <wsman.h>
#ifndef _WIN32
#include <wsmerror.h>
#endif

#include <assert.h>
#include <stddef.h>
#ifndef __cplusplus
#include <stdalign.h>
#endif

#define SIZE(type, size, alignment)                          \
    static_assert(sizeof(type) == (size), "size of " #type); \
    static_assert(alignof(type) == (alignment), "alignment of " #type);
#define FIELD(type, member, offset, size)                                              \
    static_assert(offsetof(type, member) == (offset), "offset of " #type "." #member); \
    static_assert(sizeof(((type *)NULL)->member) == (size), "size of " #type "." #member);
#define NUMBER(name, value) static_assert((DWORD)(name) == (DWORD)(value), "value of " #name);
#define TEXT_IS_WIDE(name)  static_assert(sizeof((name)[0]) == sizeof(WCHAR), "unit of " #name);
#undef TEXT /* windows.h has one */
#define TEXT TEXT_IS_WIDE
#include "header_items.h"

static_assert((DWORD)-1 > 0, "DWORD is unsigned");
static_assert((BOOL)-1 < 0, "BOOL is signed");
static_assert((BYTE)-1 > 0, "BYTE is unsigned");
static_assert((WCHAR)-1 > 0, "WCHAR is unsigned");
static_assert(TRUE == 1 && FALSE == 0, "TRUE and FALSE");
