#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "native.h"

/* Warnings come from any thread of the library, some of them while another holds the interpreter and waits for that
 * very thread. So they wait here, and the next call into the package takes them to Python's logging. */
enum {
    LOG_LINES_MAX = 64,
    LOG_LINE_MAX = 512 /* bytes, the NUL included; a longer one is cut */
};

static struct {
    pthread_mutex_t lock;
    char lines[LOG_LINES_MAX][LOG_LINE_MAX];
    size_t len;
    size_t lost;
} log_queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void lock_queue(void)
{
    pthread_mutex_lock(&log_queue.lock);
}

static void unlock_queue(void)
{
    pthread_mutex_unlock(&log_queue.lock);
}

void ratls_py_log_init(void)
{
    /* A child that was forked while another thread logged would otherwise find the lock held for ever. */
    pthread_atfork(lock_queue, unlock_queue, unlock_queue);
}

void ratls_py_log(void *user, const char *message)
{
    (void)user;
    lock_queue();
    if (log_queue.len < LOG_LINES_MAX) {
        snprintf(log_queue.lines[log_queue.len], LOG_LINE_MAX, "%s", message);
        log_queue.len++;
    } else {
        log_queue.lost++;
    }
    unlock_queue();
}

/* Take the oldest line. False when there is none. */
static bool take_line(char line[LOG_LINE_MAX])
{
    bool taken = false;

    lock_queue();
    if (log_queue.len > 0) {
        memcpy(line, log_queue.lines[0], LOG_LINE_MAX);
        log_queue.len--;
        memmove(log_queue.lines[0], log_queue.lines[1], log_queue.len * LOG_LINE_MAX);
        taken = true;
    } else if (log_queue.lost > 0) {
        snprintf(line, LOG_LINE_MAX, "%zu further warnings were lost", log_queue.lost);
        log_queue.lost = 0;
        taken = true;
    }
    unlock_queue();
    return taken;
}

PyObject *drain_log(void)
{
    PyObject *lines = PyList_New(0);
    char line[LOG_LINE_MAX];

    while (lines != NULL && take_line(line)) {
        /* A cut may have split a character. */
        PyObject *text = PyUnicode_DecodeUTF8(line, (Py_ssize_t)strlen(line), "replace");

        if (text == NULL || PyList_Append(lines, text) != 0) {
            Py_CLEAR(lines);
        }
        Py_XDECREF(text);
    }
    return lines;
}
