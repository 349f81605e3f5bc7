#include "failure.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tunnel/peer_socket.h"
#include "tunnel/tunnel_fixture.h"

/* Accepts everything; each verdict has the platform number of the one before, plus one. */
static void accept_in_turn(void *user, ratls_custom_request *request)
{
    char claims[128];
    int len = snprintf(claims, sizeof claims, "{\"tcb_status\":\"OK\",\"tcb_evaluation_data_number\":%d}",
                       atomic_fetch_add((atomic_int *)user, 1) + 1);

    ratls_custom_accept(request, claims, (size_t)len);
}

static void open_in_turn(fixture *f, atomic_int *turn)
{
    fixture_prepare(f, SERVICE_ECHO);
    ratls_verifier_free(f->verifier);
    assert_int_equal(ratls_verifier_new_custom(&f->verifier, accept_in_turn, turn, NULL, NULL, NULL), RATLS_OK);
    assert_int_equal(fixture_try_open(f), RATLS_OK);
}

static int64_t number_of(const ratls_tunnel *tunnel, int fd)
{
    ratls_result *result = NULL;
    int64_t number;

    assert_int_equal(ratls_tunnel_result_of(&result, tunnel, fd, NULL), RATLS_OK);
    number = ratls_result_number(result, RATLS_FIELD_TCB_EVALUATION_DATA_NUMBER);
    ratls_result_free(result);
    return number;
}

static void every_connection_has_its_own(void **state)
{
    atomic_int turn = 0;
    fixture f;
    int fds[3];

    (void)state;
    open_in_turn(&f, &turn);
    for (int i = 0; i < 3; i++) {
        fds[i] = driver_starts(f.tunnel);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(number_of(f.tunnel, fds[i]), i + 2); /* the first was the opening's */
    }
    (void)close(fds[1]);
    fixture_await_counter(f.tunnel, "connections_now", 2);
    assert_int_equal(number_of(f.tunnel, fds[0]), 2);
    assert_int_equal(number_of(f.tunnel, fds[2]), 4);
    (void)close(fds[0]);
    (void)close(fds[2]);
    fixture_end(&f);
}

static void assert_unknown(const ratls_tunnel *tunnel, int fd)
{
    ratls_result *result = (ratls_result *)&fd;
    ratls_error *err = NULL;

    ASSERT_FAILS(ratls_tunnel_result_of(&result, tunnel, fd, &err), CONNECTION_UNKNOWN);
    assert_null(result);
    ratls_error_free(err);
}

static void what_is_no_connection_of_it(void **state)
{
    atomic_int turn = 0;
    fixture f, other;
    int pair[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC), tcp = socket(AF_INET, SOCK_STREAM, 0), fd, silent, foreign;

    (void)state;
    open_in_turn(&f, &turn);
    fixture_open(&other, SERVICE_ECHO);
    foreign = driver_starts(other.tunnel);
    silent = driver_dials(f.tunnel); /* nobody has judged anything for it */
    fixture_await_counter(f.tunnel, "connections_now", 1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_unknown(f.tunnel, -1);
    assert_unknown(f.tunnel, -2);
    assert_unknown(f.tunnel, 9999);
    assert_unknown(f.tunnel, file);
    assert_unknown(f.tunnel, tcp);
    assert_unknown(f.tunnel, fd); /* not connected */
    assert_unknown(f.tunnel, pair[0]);
    assert_unknown(f.tunnel, foreign);
    assert_unknown(f.tunnel, silent);
    (void)close(pair[0]), (void)close(pair[1]), (void)close(file), (void)close(tcp), (void)close(fd), (void)close(silent), (void)close(foreign);
    fixture_end(&other);
    fixture_end(&f);
}

static void arguments_that_are_missing(void **state)
{
    ratls_result *result = NULL;
    char *json = NULL;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    assert_int_equal(ratls_tunnel_result_of(NULL, f.tunnel, 0, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_result_of(&result, NULL, 0, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_evidence(NULL, f.tunnel, -1, NULL), RATLS_ERR_ARGUMENT_INVALID);
    assert_int_equal(ratls_tunnel_evidence(&json, NULL, -1, NULL), RATLS_ERR_ARGUMENT_INVALID);
    fixture_end(&f);
}

/* On a thread that may have no netlink sockets, as in a sandbox: then the newest verdict is the answer. */
typedef struct {
    const ratls_tunnel *tunnel;
    int fd;
    bool confined;
    int64_t number;
    ratls_status not_a_socket;
} confined;

static bool forbid_netlink(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
           socket(AF_NETLINK, SOCK_RAW, 0) < 0;
}

static void *ask_confined(void *argument)
{
    confined *ask = argument;
    ratls_result *result = NULL;

    ask->confined = forbid_netlink();
    if (ask->confined) {
        ask->number = number_of(ask->tunnel, ask->fd);
        ask->not_a_socket = ratls_tunnel_result_of(&result, ask->tunnel, 9999, NULL);
    }
    return NULL;
}

static void without_the_kernel_s_help_the_newest_is_told(void **state)
{
    atomic_int turn = 0;
    pthread_t thread;
    fixture f;
    int fds[2];
    confined ask;

    (void)state;
    open_in_turn(&f, &turn);
    fds[0] = driver_starts(f.tunnel);
    fds[1] = driver_starts(f.tunnel);
    ask = (confined){.tunnel = f.tunnel, .fd = fds[0]};
    assert_int_equal(pthread_create(&thread, NULL, ask_confined, &ask), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (ask.confined) {
        assert_int_equal(ask.number, 3);
        assert_int_equal(ask.not_a_socket, RATLS_ERR_CONNECTION_UNKNOWN);
    } else {
        print_message("skipped 1: no seccomp here\n");
    }
    (void)close(fds[0]), (void)close(fds[1]);
    fixture_end(&f);
}

static cJSON *evidence_of(const ratls_tunnel *tunnel, int fd)
{
    char *json = NULL;
    cJSON *object;

    assert_int_equal(ratls_tunnel_evidence(&json, tunnel, fd, NULL), RATLS_OK);
    object = cJSON_Parse(json);
    ratls_bytes_free(json);
    assert_non_null(object);
    assert_int_equal(cJSON_GetArraySize(object), 5);
    return object;
}

static const char *text_in(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

/* The certificate in it is that of the server, and the quote the certificate's. */
static void evidence_of_a_connection(void **state)
{
    uint8_t *der = NULL, *quote = NULL;
    size_t der_len = 0, quote_len = 0;
    ratls_result *result = NULL;
    cJSON *evidence;
    fixture f;
    int fd;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    fd = driver_starts(f.tunnel);
    evidence = evidence_of(f.tunnel, fd);
    assert_int_equal(ratls_tunnel_fetch_certificate(&der, &der_len, &f.options, NULL, NULL), RATLS_OK);
    assert_int_equal(ratls_extract_tdx_quote(&quote, &quote_len, der, der_len, NULL), RATLS_OK);
    assert_int_equal(strlen(text_in(evidence, "quote")), 2 * quote_len);
    {
        BIO *pem = BIO_new_mem_buf(text_in(evidence, "certificate"), -1);
        uint8_t *decoded = NULL;
        long decoded_len = 0;

        assert_int_equal(PEM_bytes_read_bio(&decoded, &decoded_len, NULL, "CERTIFICATE", pem, NULL, NULL), 1);
        assert_int_equal(decoded_len, der_len);
        assert_memory_equal(decoded, der, der_len);
        OPENSSL_free(decoded);
        BIO_free(pem);
    }
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(evidence, "collateral")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(evidence, "trust_anchor")));
    assert_int_equal(ratls_tunnel_result_of(&result, f.tunnel, fd, NULL), RATLS_OK);
    assert_string_equal(text_in(evidence, "verified_at"), ratls_result_text(result, RATLS_FIELD_VERIFIED_AT));
    ratls_result_free(result);
    cJSON_Delete(evidence);
    evidence = evidence_of(f.tunnel, -1);
    assert_non_null(text_in(evidence, "certificate"));
    cJSON_Delete(evidence);
    ratls_bytes_free(der);
    ratls_bytes_free(quote);
    (void)close(fd);
    fixture_end(&f);
}

static void evidence_of_what_is_no_connection(void **state)
{
    ratls_error *err = NULL;
    char *json = NULL;
    fixture f;

    (void)state;
    fixture_open(&f, SERVICE_ECHO);
    ASSERT_FAILS(ratls_tunnel_evidence(&json, f.tunnel, 9999, &err), CONNECTION_UNKNOWN);
    assert_null(json);
    ratls_error_free(err);
    err = NULL;
    ASSERT_FAILS(ratls_tunnel_evidence(&json, f.tunnel, -2, &err), CONNECTION_UNKNOWN);
    ratls_error_free(err);
    fixture_end(&f);
}

static void the_other_end_of_a_socket(void **state)
{
    uint32_t inode = 0, peer = 0;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_true(ratls_socket_inode(&inode, pair[1]));
    assert_int_equal(ratls_peer_socket_inode(&peer, pair[0]), RATLS_PEER_SOCKET_FOUND);
    assert_int_equal(peer, inode);
    assert_false(ratls_socket_inode(&inode, -1));
    assert_int_equal(inode, 0);
    (void)close(pair[0]), (void)close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_connection_has_its_own),
        cmocka_unit_test(what_is_no_connection_of_it),
        cmocka_unit_test(arguments_that_are_missing),
        cmocka_unit_test(without_the_kernel_s_help_the_newest_is_told),
        cmocka_unit_test(evidence_of_a_connection),
        cmocka_unit_test(evidence_of_what_is_no_connection),
        cmocka_unit_test(the_other_end_of_a_socket),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
