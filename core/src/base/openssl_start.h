/* The first use of OpenSSL in a process, so that its last is no accident. */
#ifndef RATLS_BASE_OPENSSL_START_H
#define RATLS_BASE_OPENSSL_START_H

/* Begin OpenSSL, if nobody in the process has, without the handler that takes it apart at exit(): a tunnel's threads, and
 * callers' threads in the middle of a verification, go on until the process is gone, and must not find it in pieces. To be
 * called before anything of OpenSSL's that may begin it; cheap, and nothing can go wrong that its next call does not tell. */
void ratls_openssl_start(void);

#endif
