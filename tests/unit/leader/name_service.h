/** A DNS server on loopback for tests: answers every question with the TXT records that it was given. */
#ifndef TESTS_LEADER_NAME_SERVICE_H
#define TESTS_LEADER_NAME_SERVICE_H

#include "base/bytes.h"

enum { NAME_SERVICE_ADDRESS = 32 };

typedef struct name_service name_service;

typedef enum {
    NAMES_GIVEN,   /* the records */
    NAMES_UNKNOWN, /* there is no such name */
    NAMES_SILENT   /* no answer at all */
} name_service_manner;

name_service *name_service_start(void);

/** ADDRESS:PORT. */
const char *name_service_address(const name_service *names);

/** What it has from now on; copied. */
void name_service_publish(name_service *names, const ratls_bytes *records, size_t len);
void name_service_behave(name_service *names, name_service_manner manner);

size_t name_service_asked(name_service *names);
/** Wait until it was asked so often. */
void name_service_await(name_service *names, size_t count);

void name_service_stop(name_service *names);

#endif
