/* SOAP faults. One function turns a code into a fault, one turns a fault into a code.
 * Source: MS-WSMV 2.2.4.43, 3.1.4.1; the table of codes is in fault.c. */
#ifndef WSM_PROTO_FAULT_H
#define WSM_PROTO_FAULT_H

#include "proto/envelope.h"

/* The word by which masterzen/winrm recognises a Receive that timed out. It stands in
 * the text of ERROR_WSMAN_OPERATION_TIMEDOUT and is kept out of all other faults. */
#define WSM_FAULT_TIMEOUT_WORD "OperationTimeout"

/* Bytes of err->text that go into a fault; the rest is left out. It stands there twice, and
 * may name what the client sent. */
enum { WSM_FAULT_TEXT_MAX = 1024 };

/* Bytes of a machine, provider or language that is kept; what is longer is none. */
enum { WSM_FAULT_ORIGIN_MAX = 512 };

/* Appends a whole envelope. err->code chooses SOAP code, subcode, detail and action;
 * an unknown code becomes w:InternalError. `machine` as the client spelled the host. */
void wsm_fault_write(struct wsm_buf *out, const struct wsm_guid *message_id,
                     struct wsm_span relates_to, const struct wsm_error *err, const char *machine);

/* True if the message is a fault; then err is filled with its number (from f:WSManFault,
 * else MSFT_WmiError, else derived from the subcode), its text, and where it arose. err was
 * empty. */
bool wsm_fault_parse(const struct wsm_envelope *env, struct wsm_error *err);

#endif
