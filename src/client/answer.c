/* Answers of servers. Made by the loop thread, freed by whoever has it. */
#include "client/answer.h"

#include <stdlib.h>

void wsm_answer_free(struct wsm_answer *answer)
{
    if (answer == NULL)
        return;
    wsm_envelope_clear(&answer->env);
    wsm_buf_clear(&answer->bytes);
    free(answer);
}
