/** What a guest agent answers, made on the spot. */
#ifndef TESTS_AGENT_ANSWER_H
#define TESTS_AGENT_ANSWER_H

#include "agent/identity.h"
#include "support/buffer.h"

/** One thing that is different; everything at zero is right. */
typedef struct {
    const char *key;         /* JSON instead of the key, NULL: the key */
    const char *chain;       /* JSON instead of the chain, NULL: the leaf and one more certificate */
    bool old_cert;           /* the chain as one text "cert" */
    bool old_key_format;     /* "EC PRIVATE KEY" */
    bool other_key;          /* not the leaf's */
    bool escaped;            /* every character that may be written as an escape is */
    bool rsa;
    long not_before_s;       /* from now on; 0: an hour ago */
    long lifetime_s;         /* from now on; 0: an hour */
    size_t issuers;          /* instead of one, when `issuers_given` */
    bool issuers_given;
    size_t padding;          /* bytes of an extension of the leaf */
} agent_answer;

/** A GetTlsKey answer; NUL-terminated, the NUL is not counted. */
void agent_answer_add(test_buffer *out, const agent_answer *wanted);

/** An identity from a right answer that is valid for so long. */
ratls_identity *agent_identity_new(long lifetime_s, size_t padding);

#endif
