/* Puts what the compiler made of wsman.h into two sections of the object file, as text, so that
 * the result of a cross compiler can be read without running anything: header_mingw.sh takes
 * the sections out of both objects and compares them. The numbers printed are the compiler's;
 * those in header_items.h are not used here. */
#ifdef _WIN32
#include <windows.h>
#endif
#include <wsman.h>
#ifndef _WIN32
#include <wsmerror.h>
#endif

#include <stddef.h>

#ifdef _WIN32
#define WIDE L""
#else
#define WIDE WSMAN_TEXT("")
#endif

/* Only characters: no padding, and the NULs between them are dropped on reading. */
struct number {
    char name[100];
    char digits[10];
    char end;
};

struct text {
    WCHAR name[50];
    WCHAR value[100];
    WCHAR end;
};

#define DIGIT(value, power) (char)('0' + (unsigned)(value) / power##U % 10U)
#define RECORD(name, value)                                                                   \
    { name,                                                                                   \
      { DIGIT(value, 1000000000), DIGIT(value, 100000000), DIGIT(value, 10000000),            \
        DIGIT(value, 1000000), DIGIT(value, 100000), DIGIT(value, 10000), DIGIT(value, 1000), \
        DIGIT(value, 100), DIGIT(value, 10), DIGIT(value, 1) },                               \
      '\n' },
#define NOTHING

#define SIZE(type, size, alignment) \
    RECORD("sizeof " #type " ", sizeof(type)) RECORD("alignof " #type " ", _Alignof(type))
#define FIELD(type, member, offset, size)                             \
    RECORD("offsetof " #type "." #member " ", offsetof(type, member)) \
    RECORD("sizeof " #type "." #member " ", sizeof(((type *)NULL)->member))
#define NUMBER(name, value) RECORD("value " #name " ", name)
#undef TEXT /* windows.h has one */
#define TEXT(name) NOTHING

extern const struct number probe_numbers[];
__attribute__((section(".probe"))) const struct number probe_numbers[] = {
#include "header_items.h"
};

#undef SIZE
#undef FIELD
#undef NUMBER
#undef TEXT
#define SIZE(type, size, alignment)
#define FIELD(type, member, offset, size)
#define NUMBER(name, value)
#define TEXT(name) { WIDE #name " ", name, '\n' },

extern const struct text probe_texts[];
__attribute__((section(".ptext"))) const struct text probe_texts[] = {
#include "header_items.h"
};
