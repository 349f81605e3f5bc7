#include "tunnel/peer_socket.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 4096,
    ALL_STATES = -1,
    ANY_COOKIE = -1
};

typedef struct {
    struct nlmsghdr head;
    struct unix_diag_req body;
} question;

bool ratls_socket_inode(uint32_t *inode, int fd)
{
    struct stat found;

    *inode = 0;
    if (fstat(fd, &found) != 0 || !S_ISSOCK(found.st_mode)) {
        return false;
    }
    *inode = (uint32_t)found.st_ino; /* sockets are numbered with 32 bits */
    return true;
}

static bool is_unix_socket(int fd)
{
    int domain = 0;
    socklen_t len = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/* How long the answer is; 0 when there is none. */
static size_t ask_kernel(uint8_t answer[ANSWER_MAX], uint32_t inode)
{
    question asked = {
        .head = {.nlmsg_len = sizeof asked, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_UNIX, .udiag_states = (uint32_t)ALL_STATES, .udiag_ino = inode, .udiag_show = UDIAG_SHOW_PEER,
                 .udiag_cookie = {(uint32_t)ANY_COOKIE, (uint32_t)ANY_COOKIE}}};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    ssize_t got = 0;

    if (netlink < 0) {
        return 0;
    }
    /* The kernel answers while it takes the question: nothing is waited for. */
    if (sendto(netlink, &asked, sizeof asked, 0, (struct sockaddr *)&kernel, sizeof kernel) == (ssize_t)sizeof asked) {
        got = recv(netlink, answer, ANSWER_MAX, MSG_DONTWAIT);
    }
    (void)close(netlink);
    return got > 0 ? (size_t)got : 0;
}

/* The peer among the attributes of the answer; 0: none. */
static uint32_t find_peer(const uint8_t *attributes, size_t len)
{
    while (len >= sizeof(struct rtattr)) {
        struct rtattr head;
        uint32_t peer = 0;
        size_t whole;

        memcpy(&head, attributes, sizeof head);
        if (head.rta_len < sizeof head || head.rta_len > len) {
            return 0;
        }
        if (head.rta_type == UNIX_DIAG_PEER && head.rta_len >= sizeof head + sizeof peer) {
            memcpy(&peer, attributes + sizeof head, sizeof peer);
            return peer;
        }
        whole = RTA_ALIGN((size_t)head.rta_len);
        whole = whole < len ? whole : len;
        attributes += whole;
        len -= whole;
    }
    return 0;
}

ratls_peer_socket_outcome ratls_peer_socket_inode(uint32_t *inode, int fd)
{
    uint8_t answer[ANSWER_MAX];
    struct unix_diag_msg body;
    struct nlmsghdr head;
    uint32_t own;
    size_t len;

    *inode = 0;
    if (!is_unix_socket(fd) || !ratls_socket_inode(&own, fd)) {
        return RATLS_PEER_SOCKET_NONE;
    }
    len = ask_kernel(answer, own);
    if (len < NLMSG_SPACE(sizeof body)) {
        return RATLS_PEER_SOCKET_UNKNOWN;
    }
    memcpy(&head, answer, sizeof head);
    memcpy(&body, answer + NLMSG_HDRLEN, sizeof body);
    /* An error says that there is no such socket: we hold it, so the kernel does not know how to look (or where). */
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len > len || head.nlmsg_len < NLMSG_SPACE(sizeof body) || body.udiag_ino != own) {
        return RATLS_PEER_SOCKET_UNKNOWN;
    }
    *inode = find_peer(answer + NLMSG_SPACE(sizeof body), head.nlmsg_len - NLMSG_SPACE(sizeof body));
    return *inode == 0 ? RATLS_PEER_SOCKET_NONE : RATLS_PEER_SOCKET_FOUND;
}
