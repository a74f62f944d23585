/* Identify. Source: DSP0226 section 11, MS-WSMV 3.1.4.1.23. */
#ifndef WSM_PROTO_IDENTIFY_H
#define WSM_PROTO_IDENTIFY_H

#include "proto/envelope.h"

/* Spans are borrowed. profiles: names, blank separated; written as one element each. */
struct wsm_identify_response {
    struct wsm_span protocol_version;
    struct wsm_span product_vendor;
    struct wsm_span product_version;
    struct wsm_span security_profiles;
};

void wsm_identify_request_write(struct wsm_buf *out);
/* Is the body an Identify, in either spelling of its namespace? *out_ns is that namespace. */
bool wsm_identify_request_parse(const struct wsm_envelope *env, const char **out_ns);

void wsm_identify_response_write(struct wsm_buf *out, const char *ns,
                                 const struct wsm_identify_response *msg);
/* out->security_profiles is appended to `profiles` (owned by the caller) and borrowed from it. */
bool wsm_identify_response_parse(const struct wsm_envelope *env, struct wsm_buf *profiles,
                                 struct wsm_identify_response *out,
                                 struct wsm_error *err) WSM_MUST_CHECK;

#endif
