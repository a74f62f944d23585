/* Base64 in steps of 32 characters, where the processor has AVX2. Any thread.
 * Method: W. Muła and D. Lemire, "Faster Base64 Encoding and Decoding using AVX2
 * Instructions", ACM Transactions on the Web 12 (2018). */
#include "base/base64_bulk.h"

#include <immintrin.h>
#include <stdbool.h>
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

#define AVX2 __attribute__((target("avx2")))

enum {
    STEP_CHARS = 32,
    STEP_BYTES = 24,
    ENCODE_READS = 28, /* two overlapping loads of 16 bytes, 12 apart */
    /* A decoding step stores 32 bytes of which 24 count. With this many characters left
     * there is room for them, whatever part of the text before was white space. */
    DECODE_NEEDS = 48,
};

/* 24 bytes (12 at the start of each half) to 32 values 0..63. */
AVX2 static inline __m256i split_values(__m256i bytes)
{
    const __m256i order = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0,
                                           2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    __m256i in = _mm256_shuffle_epi8(bytes, order);
    __m256i high = _mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00));
    __m256i low = _mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0));

    /* multiplications stand for shifts by another count in each 16-bit word */
    high = _mm256_mulhi_epu16(high, _mm256_set1_epi32(0x04000040));
    low = _mm256_mullo_epi16(low, _mm256_set1_epi32(0x01000010));
    return _mm256_or_si256(high, low);
}

AVX2 static inline __m256i values_to_chars(__m256i values)
{
    /* what to add to a value, by the class computed below: 0 = a..z, 1..10 = digits,
     * 11 = '+', 12 = '/', 13 = A..Z */
    const __m256i offsets = _mm256_setr_epi8(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16,
                                             65, 0, 0, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4,
                                             -19, -16, 65, 0, 0);
    __m256i class = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
    __m256i upper = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), values);

    class = _mm256_or_si256(class, _mm256_and_si256(upper, _mm256_set1_epi8(13)));
    return _mm256_add_epi8(values, _mm256_shuffle_epi8(offsets, class));
}

AVX2 static size_t encode_avx2(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t i = 0;

    for (; count - i >= ENCODE_READS; i += STEP_BYTES, out += STEP_CHARS) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(in + i));
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(in + i + 12));
        __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);

        _mm256_storeu_si256((__m256i *)(void *)out, values_to_chars(split_values(bytes)));
    }
    return i;
}

/* False if any of the 32 is not in the alphabet. Each character is looked up by its
 * upper and by its lower half; the two bit sets meet exactly for the bad ones. */
AVX2 static inline int chars_to_values(__m256i chars, __m256i *out_values)
{
    const __m256i by_low = _mm256_setr_epi8(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                            0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a, 0x15, 0x11,
                                            0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13,
                                            0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
    const __m256i by_high = _mm256_setr_epi8(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10,
                                             0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
                                             0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10,
                                             0x10, 0x10, 0x10, 0x10, 0x10);
    const __m256i offsets = _mm256_setr_epi8(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0,
                                             0, 0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0,
                                             0, 0);
    const __m256i slash = _mm256_set1_epi8('/'); /* 0x2f: its low half is a mask, too */
    __m256i high = _mm256_and_si256(_mm256_srli_epi32(chars, 4), slash);
    __m256i low = _mm256_and_si256(chars, slash);
    __m256i is_slash = _mm256_cmpeq_epi8(chars, slash);

    if (!_mm256_testz_si256(_mm256_shuffle_epi8(by_low, low), _mm256_shuffle_epi8(by_high, high)))
        return 0;
    *out_values = _mm256_add_epi8(chars,
                                  _mm256_shuffle_epi8(offsets, _mm256_add_epi8(is_slash, high)));
    return 1;
}

/* 32 values to 24 bytes at the start, 8 bytes of zero behind. */
AVX2 static inline __m256i join_values(__m256i values)
{
    const __m256i order = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
                                           2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    __m256i pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    __m256i quads = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000));

    return _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(quads, order),
                                       _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
}

AVX2 static size_t decode_avx2(const uint8_t *in, size_t count, uint8_t *out)
{
    size_t i = 0;

    for (; count - i >= DECODE_NEEDS; i += STEP_CHARS, out += STEP_BYTES) {
        __m256i values;

        if (!chars_to_values(_mm256_loadu_si256((const __m256i *)(const void *)(in + i)), &values))
            break;
        _mm256_storeu_si256((__m256i *)(void *)out, join_values(values));
    }
    return i;
}

#if __has_include(<sys/platform/x86.h>)
/* What the loader found at start. __builtin_cpu_supports() asks the processor again, when
 * the library is loaded; a virtual machine answers that in tens of microseconds each. */
static bool has_avx2(void)
{
    return CPU_FEATURE_ACTIVE(AVX2);
}
#else
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#endif

size_t wsm_base64_encode_bulk(const uint8_t *in, size_t count, uint8_t *out)
{
    return has_avx2() ? encode_avx2(in, count, out) : 0;
}

size_t wsm_base64_decode_bulk(const uint8_t *in, size_t count, uint8_t *out)
{
    return has_avx2() ? decode_avx2(in, count, out) : 0;
}
