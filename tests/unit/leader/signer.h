/** Signs leader records for tests: keys are small numbers. */
#ifndef TESTS_LEADER_SIGNER_H
#define TESTS_LEADER_SIGNER_H

#include "leader/leader_record.h"

enum { RECORD_ROOM = 4096 };

/** The address of a key. */
void signer_address(uint8_t address[RATLS_ADDRESS_LEN], unsigned key);

/** r ‖ s ‖ v over a digest. */
void signer_sign_digest(uint8_t signature[RATLS_SECP256K1_SIGNATURE_LEN], unsigned key, const uint8_t digest[RATLS_SECP256K1_DIGEST_LEN]);

/** The body, ";sig=0x" and the signature over it; borrowed until the next call with this `out`. */
ratls_bytes signer_sign(char out[RECORD_ROOM], unsigned key, const char *body);

/** What a record of a cluster of c1 bytes says, signed. `leader` is a digit that its instance is made of. */
ratls_bytes signer_record(char out[RECORD_ROOM], unsigned key, uint64_t epoch, char leader, const char *url, uint64_t valid_until);

#endif
