#include "tunnel/socket_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OWN_DIRECTORY_TEMPLATE "/tmp/ratls-XXXXXX"

enum {
    DIRECTORY_MODE = 0700,
    SOCKET_MODE = 0600,
    SOCKET_NAME_MAX = 32, /* ".s.PGSQL.65535" and NUL */
    SHORT_HOST_MAX = 48,  /* "/proc/<pid>/fd/<n>" and NUL */
    LISTEN_BACKLOG = 128,
    LOCK_TRIES = 100, /* another process sets up its socket in the same directory: … */
    LOCK_PAUSE_MS = 10
};

struct ratls_socket_directory {
    char *path;
    char short_host[SHORT_HOST_MAX]; /* empty: path is short enough */
    char name[SOCKET_NAME_MAX];
    int32_t peer;
    bool own;    /* we made the directory */
    int fd;      /* the directory, O_PATH */
    int listener;
    bool bound;  /* the socket's file is ours: */
    dev_t device;
    ino_t inode;
};

static ratls_status refuse_directory(const char *path, const char *what, ratls_error **err)
{
    return RAISE(err, RATLS_ERR_SOCKET_DIRECTORY, ratls_detail_text("path", path), WHAT(what));
}

static ratls_status make_own_directory(ratls_socket_directory *directory, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    directory->path = strdup(OWN_DIRECTORY_TEMPLATE);
    CHECK(directory->path != NULL, RATLS_ERR_OUT_OF_MEMORY);
    /* mkdtemp: a name that nobody knew, made with mode 0700, never one that was there. */
    if (mkdtemp(directory->path) == NULL) {
        return refuse_directory(directory->path, strerror(errno), err);
    }
    directory->own = true;
    status = RATLS_OK;
out:
    return status;
}

/* Links are resolved once: the driver is told the directory that was looked at. */
static ratls_status find_given_directory(ratls_socket_directory *directory, const char *path, ratls_error **err)
{
    directory->path = realpath(path, NULL);
    return directory->path == NULL ? refuse_directory(path, strerror(errno), err) : RATLS_OK;
}

static ratls_status open_directory(ratls_socket_directory *directory, ratls_error **err)
{
    struct stat found;

    directory->fd = open(directory->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory->fd < 0 || fstat(directory->fd, &found) != 0) {
        return refuse_directory(directory->path, strerror(errno), err);
    }
    if (found.st_uid != geteuid()) {
        return refuse_directory(directory->path, "it belongs to another user", err);
    }
    if ((found.st_mode & (mode_t)07777) != DIRECTORY_MODE) {
        return refuse_directory(directory->path, "its mode is not 0700", err);
    }
    return RATLS_OK;
}

/* A path beyond a socket address's 107 bytes is reached through the descriptor. Other processes of the
 * user know it by our number, our own drivers as their own. */
static void shorten_host(ratls_socket_directory *directory)
{
    if (strlen(directory->path) + 1 + strlen(directory->name) < sizeof((struct sockaddr_un *)0)->sun_path) {
        return;
    }
    if (directory->peer == RATLS_PEER_SAME_PROCESS) {
        (void)snprintf(directory->short_host, sizeof directory->short_host, "/proc/self/fd/%d", directory->fd);
    } else {
        (void)snprintf(directory->short_host, sizeof directory->short_host, "/proc/%d/fd/%d", (int)getpid(), directory->fd);
    }
}

/* The address, always through the descriptor: the directory that was checked, whatever its path names by now. */
static struct sockaddr_un socket_address(const ratls_socket_directory *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory->fd, directory->name);
    return address;
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Why what has the socket's name must stay; NULL for a socket whose process has died: nobody answers. */
static const char *reason_to_stay(const ratls_socket_directory *directory)
{
    struct sockaddr_un address = socket_address(directory);
    struct stat found;
    bool stale = false;
    int probe;

    if (fstatat(directory->fd, directory->name, &found, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(found.st_mode)) {
        return "what has the socket's name there is not a socket";
    }
    probe = new_socket();
    if (probe >= 0) {
        stale = connect(probe, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
        (void)close(probe);
    }
    return stale ? NULL : "its socket is in use";
}

static ratls_status bind_socket(ratls_socket_directory *directory, ratls_error **err)
{
    struct sockaddr_un address = socket_address(directory);
    int bound = bind(directory->listener, (struct sockaddr *)&address, sizeof address);
    struct stat made;

    if (bound != 0 && errno == EADDRINUSE) {
        const char *reason = reason_to_stay(directory);

        if (reason != NULL) {
            return refuse_directory(directory->path, reason, err);
        }
        (void)unlinkat(directory->fd, directory->name, 0);
        bound = bind(directory->listener, (struct sockaddr *)&address, sizeof address);
    }
    if (bound != 0 || fstatat(directory->fd, directory->name, &made, AT_SYMLINK_NOFOLLOW) != 0) {
        return refuse_directory(directory->path, strerror(errno), err);
    }
    directory->bound = true;
    directory->device = made.st_dev;
    directory->inode = made.st_ino;
    /* Not through umask(), which is the whole process's; until here the directory's mode protects it. */
    if (fchmodat(directory->fd, directory->name, SOCKET_MODE, 0) != 0 || listen(directory->listener, LISTEN_BACKLOG) != 0) {
        return refuse_directory(directory->path, strerror(errno), err);
    }
    return RATLS_OK;
}

/* One at a time from "is it stale?" to "it listens", or two could each replace the other's. -1: not to be had. */
static int lock_directory(const ratls_socket_directory *directory)
{
    int lock = openat(directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; lock >= 0 && i < LOCK_TRIES; i++) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
            return lock;
        }
        (void)poll(NULL, 0, LOCK_PAUSE_MS);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    return -1;
}

static ratls_status make_socket(ratls_socket_directory *directory, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    int lock = -1;

    directory->listener = new_socket();
    CHECK(directory->listener >= 0, RATLS_ERR_SYSTEM, WHAT("a local socket"), FOUND(strerror(errno)));
    lock = lock_directory(directory);
    CHECK(lock >= 0, RATLS_ERR_SOCKET_DIRECTORY, ratls_detail_text("path", directory->path), WHAT("it cannot be locked"));
    TRY(bind_socket(directory, err));
    status = RATLS_OK;
out:
    if (lock >= 0) {
        (void)flock(lock, LOCK_UN); /* a child forked meanwhile has the descriptor too */
        (void)close(lock);
    }
    return status;
}

ratls_status ratls_socket_directory_open(
    ratls_socket_directory **out, const char *path, int32_t port, int32_t peer, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_socket_directory *directory = NULL;

    *out = NULL;
    directory = calloc(1, sizeof *directory);
    CHECK(directory != NULL, RATLS_ERR_OUT_OF_MEMORY);
    directory->fd = -1;
    directory->listener = -1;
    directory->peer = peer;
    (void)snprintf(directory->name, sizeof directory->name, ".s.PGSQL.%d", (int)port);
    TRY(path == NULL ? make_own_directory(directory, err) : find_given_directory(directory, path, err));
    TRY(open_directory(directory, err));
    shorten_host(directory);
    TRY(make_socket(directory, err));
    *out = directory;
    directory = NULL;
    status = RATLS_OK;
out:
    ratls_socket_directory_close(directory);
    return status;
}

const char *ratls_socket_directory_host(const ratls_socket_directory *directory)
{
    return directory->short_host[0] == '\0' ? directory->path : directory->short_host;
}

int ratls_socket_directory_listener(const ratls_socket_directory *directory)
{
    return directory->listener;
}

/* Who is at the other end, as the kernel noted it when it connected. */
static bool peer_is_allowed(const ratls_socket_directory *directory, int connection)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;

    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof peer) {
        return false;
    }
    if (directory->peer == RATLS_PEER_SAME_PROCESS) {
        return peer.pid == getpid();
    }
    return directory->peer == RATLS_PEER_SAME_USER && peer.uid == geteuid();
}

int ratls_socket_directory_accept(const ratls_socket_directory *directory, bool *exhausted)
{
    int connection = accept4(directory->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    *exhausted = connection < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
    if (connection >= 0 && !peer_is_allowed(directory, connection)) {
        (void)close(connection);
        return -1;
    }
    return connection;
}

/* Only what we bound: meanwhile another process may have replaced it. */
static void remove_socket(const ratls_socket_directory *directory)
{
    struct stat found;

    if (directory->bound && fstatat(directory->fd, directory->name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
        found.st_dev == directory->device && found.st_ino == directory->inode) {
        (void)unlinkat(directory->fd, directory->name, 0);
    }
}

void ratls_socket_directory_close(ratls_socket_directory *directory)
{
    if (directory == NULL) {
        return;
    }
    if (directory->listener >= 0) {
        (void)shutdown(directory->listener, SHUT_RDWR); /* also for a child that has the descriptor */
    }
    remove_socket(directory);
    if (directory->own) {
        (void)rmdir(directory->path);
    }
    ratls_socket_directory_forget(directory);
}

void ratls_socket_directory_forget(ratls_socket_directory *directory)
{
    if (directory == NULL) {
        return;
    }
    if (directory->listener >= 0) {
        (void)close(directory->listener);
    }
    if (directory->fd >= 0) {
        (void)close(directory->fd);
    }
    free(directory->path);
    free(directory);
}
