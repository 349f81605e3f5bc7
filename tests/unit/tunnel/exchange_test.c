#include "support/unit.h"

#include "tunnel/exchange.h"

#define STARTUP "\0\0\0\x12\0\3\0\0user\0bob\0\0"
#define PASSWORD "p\0\0\0\x06x\0"
#define QUERY "Q\0\0\0\x06;\0"
#define PARSE "P\0\0\0\x09\0;\0\0\0"
#define SYNC "S\0\0\0\4"
#define CALL "F\0\0\0\x0e\0\0\0\1\0\0\0\0\0\0"
#define COPY_DATA "d\0\0\0\x07QSZ"
#define AUTHENTICATION "R\0\0\0\x08\0\0\0\0"
#define READY "Z\0\0\0\5I"
#define ROW "D\0\0\0\x0aZZZZZZ"

static void ask(ratls_exchange *exchange, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) { /* whatever the pieces */
        ratls_exchange_asked(exchange, (const uint8_t *)bytes + i, 1);
    }
}

static void answer(ratls_exchange *exchange, const char *bytes, size_t len)
{
    ratls_exchange_answered(exchange, (const uint8_t *)bytes, len);
}

#define ASK(literal) ask(&exchange, (literal), sizeof(literal) - 1)
#define ANSWER(literal) answer(&exchange, (literal), sizeof(literal) - 1)

static ratls_exchange begun(void)
{
    ratls_exchange exchange;

    ratls_exchange_begin(&exchange);
    ASK(STARTUP);
    ANSWER(AUTHENTICATION);
    ASK(PASSWORD);
    assert_true(ratls_exchange_idle(&exchange)); /* nothing that was asked would be lost */
    ANSWER(AUTHENTICATION READY);
    assert_true(ratls_exchange_idle(&exchange));
    return exchange;
}

static void each_request_is_waited_for(void **state)
{
    ratls_exchange exchange = begun();

    (void)state;
    ASK(QUERY);
    assert_false(ratls_exchange_idle(&exchange));
    ANSWER(ROW);
    assert_false(ratls_exchange_idle(&exchange));
    ANSWER(READY);
    assert_true(ratls_exchange_idle(&exchange));
    ASK(CALL QUERY);
    ANSWER(READY);
    assert_false(ratls_exchange_idle(&exchange));
    ANSWER(READY);
    assert_true(ratls_exchange_idle(&exchange));
}

static void pipelines_are_waited_for(void **state)
{
    ratls_exchange exchange = begun();

    (void)state;
    ASK(PARSE);
    assert_true(ratls_exchange_idle(&exchange)); /* not before Sync does the server say that it is done */
    ASK(SYNC PARSE SYNC);
    ANSWER(READY);
    assert_false(ratls_exchange_idle(&exchange));
    ANSWER(READY);
    assert_true(ratls_exchange_idle(&exchange));
}

static void what_is_inside_of_messages_is_data(void **state)
{
    ratls_exchange exchange = begun();

    (void)state;
    ASK(COPY_DATA);
    assert_true(ratls_exchange_idle(&exchange));
    ASK(QUERY);
    ANSWER(ROW ROW);
    assert_false(ratls_exchange_idle(&exchange));
}

static void half_a_request_is_none(void **state)
{
    ratls_exchange exchange = begun();

    (void)state;
    ask(&exchange, QUERY, sizeof QUERY - 2);
    assert_true(ratls_exchange_idle(&exchange));
}

static void between_messages(void **state)
{
    static const char bytes[] = ROW READY;
    ratls_exchange exchange = begun();

    (void)state;
    assert_true(ratls_exchange_between(&exchange));
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        answer(&exchange, bytes + i, 1);
        assert_int_equal(ratls_exchange_between(&exchange), i + 1 == sizeof ROW - 1 || i + 1 == sizeof bytes - 1);
    }
}

static void what_is_not_postgresql_s_is_never_between(void **state)
{
    ratls_exchange exchange = begun();

    (void)state;
    ANSWER("Z\0\0\0\3" READY);
    assert_false(ratls_exchange_between(&exchange));
    ANSWER(READY);
    assert_false(ratls_exchange_between(&exchange));
}

static void lengths_up_to_the_last(void **state)
{
    ratls_exchange exchange = begun();

    (void)state;
    ANSWER("D\xff\xff\xff\xff" READY);
    assert_false(ratls_exchange_between(&exchange));
    assert_true(exchange.answers.left == 0xffffffffu - 4 - (sizeof READY - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_is_waited_for),         cmocka_unit_test(pipelines_are_waited_for),
        cmocka_unit_test(what_is_inside_of_messages_is_data), cmocka_unit_test(half_a_request_is_none),
        cmocka_unit_test(between_messages),                   cmocka_unit_test(what_is_not_postgresql_s_is_never_between),
        cmocka_unit_test(lengths_up_to_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
