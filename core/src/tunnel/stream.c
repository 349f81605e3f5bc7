#include "tunnel/stream.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel/tls_context.h"

enum {
    STREAM_BUFFER_SIZE = 64 * 1024, /* each way: a few of the largest TLS records */
    STREAM_RECORD_MAX = 16 * 1024,  /* plain text of one record (RFC 8446 5.1) */
    /* What a record adds, and the answer to a key update that may have to go before it. */
    STREAM_RECORD_OVERHEAD = 1024
};

struct ratls_stream {
    SSL *ssl;
    BIO *inside;  /* OpenSSL's end of a bounded pair, owned by ssl */
    BIO *network; /* our end */
    ratls_stream_state state;
    uint8_t *certificate; /* the peer's leaf */
    size_t certificate_len;
    ratls_identity *identity; /* to present; NULL: nothing, … */
    char *absence;            /* … and why, once that is decided; NULL: it is not, unless there is an identity */
    bool asked;        /* the server has asked for this client's certificate */
    bool presented;    /* and got it */
    bool heard;        /* plain text came from the server */
    int alert;         /* the one that the peer sent (RFC 8446 6); -1: none */
    bool ended;        /* the peer's transport did */
    bool closing;      /* ratls_stream_close() was called */
    bool goodbye_sent; /* close_notify is among the bytes to send, or was sent */
};

/* Alerts that say something of this client's certificate to who was asked for one. What a server sends when a check of its own
 * failed differs: OpenSSL's sends handshake_failure, rustls access_denied. */
static bool alert_is_about_certificate(int alert)
{
    static const int alerts[] = {
        SSL_AD_HANDSHAKE_FAILURE,   SSL_AD_NO_CERTIFICATE,      SSL_AD_BAD_CERTIFICATE,     SSL_AD_UNSUPPORTED_CERTIFICATE,
        SSL_AD_CERTIFICATE_REVOKED, SSL_AD_CERTIFICATE_EXPIRED, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNKNOWN_CA,
        SSL_AD_ACCESS_DENIED,       SSL_AD_DECRYPT_ERROR,       TLS13_AD_CERTIFICATE_REQUIRED};

    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alert == alerts[i]) {
            return true;
        }
    }
    return false;
}

/* OpenSSL 3.0 has no name for the last of them. */
static const char *alert_name(int alert)
{
    return alert == TLS13_AD_CERTIFICATE_REQUIRED ? "certificate required" : SSL_alert_desc_string_long(alert);
}

static ratls_status raise_failure(const ratls_stream *stream, ratls_status code, const char *what, ratls_error **err)
{
    const char *name = alert_name(stream->alert);

    if (stream->alert < 0) {
        return RAISE(err, code, WHAT(what));
    }
    if (stream->asked && !stream->heard && alert_is_about_certificate(stream->alert)) {
        return stream->presented
                   ? RAISE(err, RATLS_ERR_CLIENT_CERTIFICATE_REFUSED, ratls_detail_text("alert", name), WHAT(what))
                   : RAISE(err, RATLS_ERR_CLIENT_CERTIFICATE_REQUIRED, ratls_detail_text("alert", name),
                           WHAT(stream->absence == NULL ? "" : stream->absence));
    }
    return RAISE(err, code, WHAT(what), ratls_detail_text("alert", name));
}

/* The end without a word may be an answer, too. */
static void add_hint(const ratls_stream *stream, ratls_error **err)
{
    if (err != NULL && stream->alert < 0 && stream->asked && !stream->heard) {
        ratls_error_add(*err, ratls_detail_text("hint", stream->presented
                                                            ? "the server had asked for a certificate of this client, and may not have accepted it"
                                                            : "the server had asked for a certificate of this client, and got none"));
    }
}

/* FAILED, for the reason that OpenSSL gives. Its queue of errors is left empty: whoever runs on this
 * thread next must not find ours. */
static ratls_status fail_stream(ratls_stream *stream, ratls_status code, const char *otherwise, ratls_error **err)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    ratls_status status;

    stream->state = RATLS_STREAM_FAILED;
    ERR_clear_error();
    status = raise_failure(stream, code, reason == NULL ? otherwise : reason, err);
    if (status == RATLS_ERR_HANDSHAKE_CLOSED || status == RATLS_ERR_TLS_TRUNCATED) {
        add_hint(stream, err);
    }
    return status;
}

static void note_alert(const SSL *ssl, int where, int value)
{
    ratls_stream *stream = SSL_get_app_data(ssl);

    /* The second byte is the alert, and close_notify is none. */
    if (where == SSL_CB_READ_ALERT && (value & 0xff) != SSL_AD_CLOSE_NOTIFY) {
        stream->alert = value & 0xff;
    }
}

/* OpenSSL asks when the server does: -1 makes the handshake wait. */
static int choose_certificate(SSL *ssl, void *user)
{
    ratls_stream *stream = user;

    stream->asked = true;
    if (stream->identity == NULL) {
        return stream->absence == NULL ? -1 : 1;
    }
    stream->presented = ratls_identity_use(stream->identity, ssl);
    return stream->presented ? 1 : 0;
}

static ratls_status make_ssl(ratls_stream *stream, SSL_CTX *context, const char *server_name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    stream->ssl = SSL_new(context);
    CHECK(stream->ssl != NULL, RATLS_ERR_OUT_OF_MEMORY);
    CHECK(BIO_new_bio_pair(&stream->inside, STREAM_BUFFER_SIZE, &stream->network, STREAM_BUFFER_SIZE) == 1,
          RATLS_ERR_OUT_OF_MEMORY);
    SSL_set_bio(stream->ssl, stream->inside, stream->inside);
    /* The system's configuration may name a certificate of its own: that is not this client's. */
    SSL_certs_clear(stream->ssl);
    CHECK(SSL_set_app_data(stream->ssl, stream) == 1, RATLS_ERR_OUT_OF_MEMORY);
    SSL_set_info_callback(stream->ssl, note_alert);
    SSL_set_cert_cb(stream->ssl, choose_certificate, stream);
    SSL_set_connect_state(stream->ssl);
    CHECK(server_name == NULL || SSL_set_tlsext_host_name(stream->ssl, server_name) == 1, RATLS_ERR_UPSTREAM_INVALID,
          FOUND(server_name), EXPECTED("a host name of at most 255 characters"));
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_stream_new(ratls_stream **out, SSL_CTX *context, const char *server_name, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    ratls_stream *stream = NULL;

    *out = NULL;
    stream = calloc(1, sizeof *stream);
    CHECK(stream != NULL, RATLS_ERR_OUT_OF_MEMORY);
    stream->state = RATLS_STREAM_HANDSHAKE;
    stream->alert = -1;
    ERR_clear_error();
    TRY(make_ssl(stream, context, server_name, err));
    *out = stream;
    stream = NULL;
    status = RATLS_OK;
out:
    ratls_stream_free(stream);
    ERR_clear_error();
    return status;
}

void ratls_stream_free(ratls_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    SSL_free(stream->ssl);
    BIO_free(stream->network);
    free(stream->certificate);
    free(stream->absence);
    ratls_identity_free(stream->identity);
    free(stream);
}

ratls_stream_state ratls_stream_state_of(const ratls_stream *stream)
{
    return stream->state;
}

ratls_bytes ratls_stream_certificate(const ratls_stream *stream)
{
    return (ratls_bytes){stream->certificate, stream->certificate_len};
}

/* Offered was "postgresql" alone; a server may pass over the offer, but not answer something else. (Later
 * OpenSSLs see to it themselves.) */
static bool alpn_is_acceptable(const ratls_stream *stream)
{
    const unsigned char *name = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(stream->ssl, &name, &len);
    return len == 0 || ratls_bytes_equal_text((ratls_bytes){name, len}, RATLS_TLS_ALPN);
}

static ratls_status keep_certificate(ratls_stream *stream, X509 *leaf, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    unsigned char *der = NULL;
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    int len;

    CHECK(key != NULL && EVP_PKEY_get_security_bits(key) >= RATLS_TLS_KEY_BITS_MIN, RATLS_ERR_HANDSHAKE_FAILED,
          WHAT("the certificate's key is too weak"));
    len = i2d_X509(leaf, &der);
    CHECK(len > 0, RATLS_ERR_HANDSHAKE_FAILED, WHAT("the certificate cannot be encoded"));
    stream->certificate = malloc((size_t)len);
    CHECK(stream->certificate != NULL, RATLS_ERR_OUT_OF_MEMORY);
    memcpy(stream->certificate, der, (size_t)len);
    stream->certificate_len = (size_t)len;
    status = RATLS_OK;
out:
    OPENSSL_free(der);
    return status;
}

ratls_status ratls_stream_present(ratls_stream *stream, ratls_identity *identity, const char *absence, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    CHECK(stream->identity == NULL && stream->absence == NULL, RATLS_ERR_INTERNAL, WHAT("a certificate was chosen before"));
    stream->identity = ratls_identity_hold(identity);
    stream->absence = identity == NULL ? strdup(absence) : NULL;
    CHECK(identity != NULL || stream->absence != NULL, RATLS_ERR_OUT_OF_MEMORY);
    if (stream->state == RATLS_STREAM_CERTIFICATE_WANTED) {
        stream->state = RATLS_STREAM_HANDSHAKE;
    }
    status = RATLS_OK;
out:
    return status;
}

bool ratls_stream_was_asked(const ratls_stream *stream)
{
    return stream->asked;
}

bool ratls_stream_is_judged_later(const ratls_stream *stream)
{
    return stream->asked && SSL_version(stream->ssl) >= TLS1_3_VERSION;
}

/* The handshake is complete: all of it must be what was asked for before anybody is asked for a verdict. */
static ratls_status finish_handshake(ratls_stream *stream, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    X509 *leaf = SSL_get1_peer_certificate(stream->ssl);

    stream->state = RATLS_STREAM_FAILED;
    /* Our own key has done its part, and OpenSSL's memory is less private than ours. */
    SSL_certs_clear(stream->ssl);
    ratls_identity_free(stream->identity);
    stream->identity = NULL;
    CHECK(leaf != NULL, RATLS_ERR_CERTIFICATE_MISSING);
    CHECK(SSL_version(stream->ssl) >= TLS1_2_VERSION, RATLS_ERR_HANDSHAKE_FAILED, WHAT("the protocol is below TLS 1.2"));
    CHECK(!SSL_session_reused(stream->ssl), RATLS_ERR_HANDSHAKE_FAILED, WHAT("a session was resumed"));
    CHECK(alpn_is_acceptable(stream), RATLS_ERR_HANDSHAKE_FAILED, WHAT("the server selected an application protocol that was not offered"));
    TRY(keep_certificate(stream, leaf, err));
    stream->state = RATLS_STREAM_VERDICT_NEEDED;
    status = RATLS_OK;
out:
    X509_free(leaf);
    ERR_clear_error();
    return status;
}

static ratls_status advance_handshake(ratls_stream *stream, ratls_error **err)
{
    int done, why;

    ERR_clear_error();
    done = SSL_do_handshake(stream->ssl);
    if (done == 1) {
        return finish_handshake(stream, err);
    }
    why = SSL_get_error(stream->ssl, done);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        return RATLS_OK;
    }
    if (why == SSL_ERROR_WANT_X509_LOOKUP) {
        stream->state = RATLS_STREAM_CERTIFICATE_WANTED;
        return RATLS_OK;
    }
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING || why == SSL_ERROR_ZERO_RETURN) {
        return fail_stream(stream, RATLS_ERR_HANDSHAKE_CLOSED, "end of stream", err);
    }
    return fail_stream(stream, RATLS_ERR_HANDSHAKE_FAILED, "the connection ended", err);
}

/* Put bytes where OpenSSL finds them; how many there was room for. */
static size_t push_bytes(ratls_stream *stream, const uint8_t *bytes, size_t len)
{
    int pushed = BIO_write(stream->network, bytes, len > INT_MAX ? INT_MAX : (int)len);

    if (pushed <= 0) {
        ERR_clear_error();
        return 0;
    }
    return (size_t)pushed;
}

ratls_status ratls_stream_feed(ratls_stream *stream, const uint8_t *bytes, size_t len, size_t *taken, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    size_t pushed;

    *taken = 0;
    CHECK(stream->state != RATLS_STREAM_FAILED, RATLS_ERR_TLS_FAILED, WHAT("it has failed before"));
    CHECK(!stream->ended || len == 0, RATLS_ERR_INTERNAL, WHAT("bytes after the end of the transport"));
    if (stream->state == RATLS_STREAM_CLOSED) {
        *taken = len; /* nothing counts after a goodbye */
        return RATLS_OK;
    }
    do {
        pushed = *taken < len ? push_bytes(stream, bytes + *taken, len - *taken) : 0;
        *taken += pushed;
        if (stream->state == RATLS_STREAM_HANDSHAKE) {
            TRY(advance_handshake(stream, err));
        }
    } while (pushed > 0 && *taken < len);
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_stream_feed_end(ratls_stream *stream, ratls_error **err)
{
    if (!stream->ended) {
        stream->ended = true;
        (void)BIO_shutdown_wr(stream->network);
    }
    return stream->state == RATLS_STREAM_HANDSHAKE ? advance_handshake(stream, err) : RATLS_OK;
}

ratls_status ratls_stream_hear_alert(ratls_stream *stream, ratls_error **err)
{
    uint8_t unheard[1024];
    size_t len = 0;

    stream->state = RATLS_STREAM_FAILED;
    ERR_clear_error();
    while (SSL_read_ex(stream->ssl, unheard, sizeof unheard, &len) == 1) {
    }
    if (stream->alert >= 0) {
        return fail_stream(stream, RATLS_ERR_HANDSHAKE_FAILED, "the server refuses", err);
    }
    ERR_clear_error();
    return RATLS_OK;
}

/* close_notify, as soon as there is room for it. */
static void send_goodbye(ratls_stream *stream)
{
    if (stream->closing && !stream->goodbye_sent) {
        stream->goodbye_sent = SSL_shutdown(stream->ssl) >= 0;
        ERR_clear_error();
    }
}

ratls_status ratls_stream_take(ratls_stream *stream, uint8_t *out, size_t capacity, size_t *len, ratls_error **err)
{
    int taken;

    (void)err;
    *len = 0;
    if (capacity > 0) {
        taken = BIO_read(stream->network, out, capacity > INT_MAX ? INT_MAX : (int)capacity);
        *len = taken > 0 ? (size_t)taken : 0;
    }
    send_goodbye(stream);
    return RATLS_OK;
}

ratls_status ratls_stream_accept(ratls_stream *stream, ratls_bytes spki, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;
    unsigned char *proved = NULL;
    X509 *leaf = NULL;
    int len;

    CHECK((stream->state == RATLS_STREAM_VERDICT_NEEDED || stream->state == RATLS_STREAM_OPEN) && !stream->closing, RATLS_ERR_INTERNAL,
          WHAT("a verdict that was not asked for"));
    stream->state = RATLS_STREAM_FAILED;
    leaf = SSL_get1_peer_certificate(stream->ssl);
    CHECK(leaf != NULL, RATLS_ERR_CERTIFICATE_MISSING);
    /* Evidence format 3.3: two readers of one certificate must not see two keys. */
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &proved);
    CHECK(len > 0 && ratls_bytes_equal(spki, (ratls_bytes){proved, (size_t)len}), RATLS_ERR_KEY_NOT_HANDSHAKE);
    stream->state = RATLS_STREAM_OPEN;
    status = RATLS_OK;
out:
    OPENSSL_free(proved);
    X509_free(leaf);
    ERR_clear_error();
    return status;
}

/* Only what is sure to fit is given to OpenSSL, so that it never has half a record in hand. */
static size_t room_for_plain(const ratls_stream *stream, size_t len)
{
    size_t room = BIO_ctrl_get_write_guarantee(stream->inside);

    room = room > STREAM_RECORD_OVERHEAD ? room - STREAM_RECORD_OVERHEAD : 0;
    room = room < STREAM_RECORD_MAX ? room : STREAM_RECORD_MAX;
    return len < room ? len : room;
}

ratls_status ratls_stream_write(ratls_stream *stream, const uint8_t *plain, size_t len, size_t *taken, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *taken = 0;
    CHECK((stream->state == RATLS_STREAM_OPEN || stream->state == RATLS_STREAM_CLOSED) && !stream->closing, RATLS_ERR_INTERNAL,
          WHAT("plain text for a stream that is not open"));
    ERR_clear_error();
    for (size_t next; (next = room_for_plain(stream, len - *taken)) > 0;) {
        size_t written = 0;

        if (SSL_write_ex(stream->ssl, plain + *taken, next, &written) != 1 || written != next) {
            return fail_stream(stream, RATLS_ERR_TLS_FAILED, "writing is not possible", err);
        }
        *taken += next;
    }
    status = RATLS_OK;
out:
    return status;
}

/* Nothing to read now: is it the end, and which? */
static ratls_status read_nothing(ratls_stream *stream, ratls_error **err)
{
    int why = SSL_get_error(stream->ssl, 0);

    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        return RATLS_OK;
    }
    if (why == SSL_ERROR_ZERO_RETURN) {
        stream->state = RATLS_STREAM_CLOSED;
        ERR_clear_error();
        return RATLS_OK;
    }
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return fail_stream(stream, RATLS_ERR_TLS_TRUNCATED, "end of stream", err);
    }
    return fail_stream(stream, RATLS_ERR_TLS_FAILED, "reading is not possible", err);
}

ratls_status ratls_stream_read(ratls_stream *stream, uint8_t *plain, size_t capacity, size_t *len, ratls_error **err)
{
    ratls_status status = RATLS_ERR_INTERNAL;

    *len = 0;
    CHECK(stream->state == RATLS_STREAM_OPEN || stream->state == RATLS_STREAM_CLOSED, RATLS_ERR_INTERNAL,
          WHAT("plain text from a stream that is not open"));
    if (stream->state == RATLS_STREAM_CLOSED || capacity == 0) {
        return RATLS_OK;
    }
    ERR_clear_error();
    if (SSL_read_ex(stream->ssl, plain, capacity, len) != 1) {
        *len = 0;
        TRY(read_nothing(stream, err));
        ERR_clear_error();
    }
    stream->heard = stream->heard || *len > 0;
    status = RATLS_OK;
out:
    return status;
}

ratls_status ratls_stream_close(ratls_stream *stream, ratls_error **err)
{
    (void)err;
    if (stream->state == RATLS_STREAM_VERDICT_NEEDED || stream->state == RATLS_STREAM_OPEN ||
        stream->state == RATLS_STREAM_CLOSED) {
        stream->closing = true;
        send_goodbye(stream);
    }
    return RATLS_OK;
}
