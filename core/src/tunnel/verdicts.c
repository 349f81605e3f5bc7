#include "tunnel/verdicts.h"

#include <pthread.h>
#include <stdlib.h>

#include "tunnel/peer_socket.h"

struct ratls_verdicts {
    pthread_mutex_t lock; /* of what follows */
    ratls_verdict *newest;
    ratls_verdict_entry *open;
};

ratls_status ratls_verdicts_new(ratls_verdicts **out, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_verdicts *verdicts = calloc(1, sizeof *verdicts);

    *out = NULL;
    CHECK(verdicts != NULL && pthread_mutex_init(&verdicts->lock, NULL) == 0, RATLS_ERR_OUT_OF_MEMORY);
    *out = verdicts;
    return RATLS_OK;
out:
    free(verdicts);
    return status;
}

void ratls_verdicts_free(ratls_verdicts *verdicts)
{
    if (verdicts != NULL) {
        ratls_verdict_free(verdicts->newest);
        (void)pthread_mutex_destroy(&verdicts->lock);
        free(verdicts);
    }
}

void ratls_verdicts_add(ratls_verdicts *verdicts, ratls_verdict *verdict)
{
    ratls_verdict *older;

    (void)pthread_mutex_lock(&verdicts->lock);
    older = verdicts->newest;
    verdicts->newest = verdict;
    (void)pthread_mutex_unlock(&verdicts->lock);
    ratls_verdict_free(older);
}

void ratls_verdicts_enter(ratls_verdicts *verdicts, ratls_verdict_entry *entry, int socket, ratls_verdict *verdict)
{
    entry->verdict = ratls_verdict_hold(verdict);
    (void)ratls_socket_inode(&entry->inode, socket);
    (void)pthread_mutex_lock(&verdicts->lock);
    entry->next = verdicts->open;
    verdicts->open = entry;
    (void)pthread_mutex_unlock(&verdicts->lock);
    ratls_verdicts_add(verdicts, verdict);
}

void ratls_verdicts_leave(ratls_verdicts *verdicts, ratls_verdict_entry *entry)
{
    (void)pthread_mutex_lock(&verdicts->lock);
    for (ratls_verdict_entry **link = &verdicts->open; *link != NULL; link = &(*link)->next) {
        if (*link == entry) {
            *link = entry->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&verdicts->lock);
    ratls_verdict_free(entry->verdict);
    *entry = (ratls_verdict_entry){0};
}

ratls_verdict *ratls_verdicts_newest(ratls_verdicts *verdicts)
{
    ratls_verdict *newest;

    (void)pthread_mutex_lock(&verdicts->lock);
    newest = ratls_verdict_hold(verdicts->newest);
    (void)pthread_mutex_unlock(&verdicts->lock);
    return newest;
}

ratls_status ratls_verdicts_find(ratls_verdict **out, ratls_verdicts *verdicts, int fd, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    uint32_t inode = 0;
    ratls_peer_socket_outcome outcome = ratls_peer_socket_inode(&inode, fd);
    ratls_verdict *found = NULL;

    *out = NULL;
    if (outcome == RATLS_PEER_SOCKET_UNKNOWN) {
        found = ratls_verdicts_newest(verdicts);
    } else if (outcome == RATLS_PEER_SOCKET_FOUND) {
        (void)pthread_mutex_lock(&verdicts->lock);
        for (const ratls_verdict_entry *entry = verdicts->open; entry != NULL && found == NULL; entry = entry->next) {
            found = entry->inode == inode ? ratls_verdict_hold(entry->verdict) : NULL;
        }
        (void)pthread_mutex_unlock(&verdicts->lock);
    }
    CHECK(found != NULL, RATLS_ERR_CONNECTION_UNKNOWN, FOUND_NUMBER(fd));
    *out = found;
    status = RATLS_OK;
out:
    return status;
}
