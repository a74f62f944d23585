/* wsm_base64_decode and _encode: the wide form gives what the scalar form gives, and what
 * was decoded encodes back to the same text without its white space. */
#include "base/base64.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t room = wsm_base64_encoded_len(size) + 1;
    uint8_t *wide = malloc(size / 4 * 3 + 1);
    uint8_t *scalar = malloc(size / 4 * 3 + 1);
    uint8_t *text = malloc(room);
    uint8_t *again = malloc(room);
    size_t wide_len = 0;
    size_t scalar_len = 0;
    size_t text_len = 0;
    size_t i;
    bool ok = wsm_base64_decode(data, size, wide, &wide_len);

    check(ok == wsm_base64_decode_scalar(data, size, scalar, &scalar_len));
    if (ok) {
        check(wide_len == scalar_len && memcmp(wide, scalar, wide_len) == 0);
        for (i = 0; i < size; i++) {
            if (!wsm_is_xml_space(data[i]))
                text[text_len++] = data[i];
        }
        check(wsm_base64_encoded_len(wide_len) == text_len);
        wsm_base64_encode(wide, wide_len, again);
        check(memcmp(again, text, text_len) == 0);
    }
    wsm_base64_encode(data, size, text);
    wsm_base64_encode_scalar(data, size, again);
    check(memcmp(text, again, wsm_base64_encoded_len(size)) == 0);
    free(wide);
    free(scalar);
    free(text);
    free(again);
    return 0;
}
