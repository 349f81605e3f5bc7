/* Bounded threads for calls that wait: libuv's four also resolve names and read files for the whole program. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "environment.h"

static void add_running(rn_env *self, rn_frame *frame)
{
    frame->previous = NULL;
    frame->next = self->running;
    if (self->running != NULL) {
        self->running->previous = frame;
    }
    self->running = frame;
}

static void remove_running(rn_env *self, rn_frame *frame)
{
    if (frame->previous != NULL) {
        frame->previous->next = frame->next;
    } else {
        self->running = frame->next;
    }
    if (frame->next != NULL) {
        frame->next->previous = frame->previous;
    }
}

/* Without memory for the message the promise would never settle: so it was made before the call began. */
static void run_frame(rn_env *self, rn_frame *frame, rn_message *message)
{
    frame->function->run(frame);
    (void)pthread_mutex_lock(&self->lock);
    remove_running(self, frame);
    (void)pthread_mutex_unlock(&self->lock);
    message->done = frame;
    if (!rn_post(self, message)) {
        rn_message_free(message);
    }
}

static void run_task(rn_env *self, rn_task *task)
{
    if (task->frame != NULL) {
        /* The task has no further use, and a message is no bigger. */
        rn_frame *frame = task->frame;
        rn_message *message = frame->message;

        frame->message = NULL;
        run_frame(self, frame, message);
    } else {
        rn_box_drop(task->box);
    }
    free(task);
}

/* The next task; NULL when there was none for a while, or the environment is going. Called and returns with the lock. */
static rn_task *next_task(rn_env *self)
{
    struct timespec until;
    int timed_out = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += RN_IDLE_SECONDS;
    self->idle++;
    while (self->first_task == NULL && !self->closed && timed_out == 0) {
        timed_out = pthread_cond_timedwait(&self->changed, &self->lock, &until);
    }
    self->idle--;
    if (self->first_task == NULL) {
        return NULL;
    }
    rn_task *task = self->first_task;
    self->first_task = task->next;
    if (self->first_task == NULL) {
        self->last_task = NULL;
    }
    return task;
}

static void *run_thread(void *argument)
{
    rn_env *self = argument;
    rn_task *task;

    (void)pthread_mutex_lock(&self->lock);
    while ((task = next_task(self)) != NULL) {
        (void)pthread_mutex_unlock(&self->lock);
        run_task(self, task);
        (void)pthread_mutex_lock(&self->lock);
    }
    self->threads--;
    (void)pthread_cond_broadcast(&self->changed);
    (void)pthread_mutex_unlock(&self->lock);
    rn_env_drop(self);
    return NULL;
}

/* A detached thread with every signal blocked: signals are for the program's own threads. Called with the lock. */
static bool start_thread(rn_env *self)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int failed = pthread_attr_init(&attributes);

    if (failed != 0) {
        return false;
    }
    (void)sigfillset(&all);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)rn_env_hold(self);
    self->threads++;
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, run_thread, self);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (failed != 0) {
        self->threads--;
        rn_env_drop(self);
    }
    return failed == 0;
}

static void append_task(rn_env *self, rn_task *task)
{
    if (self->last_task != NULL) {
        self->last_task->next = task;
    } else {
        self->first_task = task;
    }
    self->last_task = task;
    if (task->frame != NULL) {
        add_running(self, task->frame);
    }
    (void)pthread_cond_signal(&self->changed);
}

static size_t tasks_waiting(const rn_env *self)
{
    size_t waiting = 0;

    for (const rn_task *task = self->first_task; task != NULL; task = task->next) {
        waiting++;
    }
    return waiting;
}

bool rn_submit(rn_env *self, rn_frame *frame, rn_box *box)
{
    rn_task *task = calloc(1, sizeof *task);
    bool submitted = false;

    if (task == NULL) {
        return false;
    }
    task->frame = frame;
    task->box = box;
    (void)pthread_mutex_lock(&self->lock);
    if (!self->closed) {
        bool enough = self->idle > tasks_waiting(self) || self->threads >= RN_THREADS_MAX;

        /* Without a thread of its own it waits for one that runs; with none at all it would wait for ever. */
        if (enough || start_thread(self) || self->threads > 0) {
            append_task(self, task);
            submitted = true;
        }
    }
    (void)pthread_mutex_unlock(&self->lock);
    if (!submitted) {
        free(task);
    }
    return submitted;
}

void rn_stop_threads(rn_env *self)
{
    (void)pthread_mutex_lock(&self->lock);
    for (rn_frame *frame = self->running; frame != NULL; frame = frame->next) {
        if (rn_cancel_of(frame) != NULL) {
            ratls_cancel_trigger(rn_cancel_of(frame));
        }
    }
    (void)pthread_cond_broadcast(&self->changed);
    /* Tasks that have not begun are begun still: cancelled calls end at once, and handles must be let go. */
    while (self->threads > 0) {
        (void)pthread_cond_wait(&self->changed, &self->lock);
    }
    (void)pthread_mutex_unlock(&self->lock);
}
