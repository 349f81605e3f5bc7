#include "failure.h"

#include "tunnel/settings.h"

#define MR_TD "91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a0563f0c91a056"

static ratls_tunnel_options options_for(const char *host)
{
    ratls_tunnel_options options;

    ratls_tunnel_options_init(&options, sizeof options);
    options.host = host;
    return options;
}

static void assert_fails(const ratls_tunnel_options *options, ratls_status expected, const char *option)
{
    ratls_tunnel_settings settings;
    ratls_error *err = NULL;

    assert_int_equal(ratls_tunnel_settings_read(&settings, options, &err), expected);
    assert_null(settings.upstream.host); /* cleared */
    assert_int_equal(ratls_error_code(err), expected);
    assert_int_equal(ratls_error_class(err), RATLS_CLASS_USAGE);
    if (option != NULL) {
        ASSERT_DETAIL("option", option);
    }
    ratls_error_free(err);
}

static void defaults(void **state)
{
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;

    (void)state;
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_string_equal(settings.upstream.host, "db.example");
    assert_string_equal(settings.upstream.service, "5432");
    assert_string_equal(settings.upstream.label, "db.example:5432");
    assert_string_equal(settings.upstream.server_name, "db.example");
    assert_int_equal(settings.upstream.connect_timeout_ms, 0);
    assert_int_equal(settings.upstream.handshake_timeout_ms, 5000);
    assert_null(settings.socket_dir);
    assert_int_equal(settings.port, 5432);
    assert_int_equal(settings.policy.size, sizeof settings.policy);
    ratls_tunnel_settings_clear(&settings);
}

static void addresses_are_no_server_names(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1", "fe80::1%eth0"};
    static const char *const labels[] = {"127.0.0.1:6000", "[::1]:6000", "[fe80::1%eth0]:6000"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ratls_tunnel_options options = options_for(hosts[i]);
        ratls_tunnel_settings settings;

        options.port = 6000;
        assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
        assert_null(settings.upstream.server_name);
        assert_string_equal(settings.upstream.label, labels[i]);
        ratls_tunnel_settings_clear(&settings);
    }
}

static void server_name_is_taken_as_given(void **state)
{
    ratls_tunnel_options options = options_for("127.0.0.1");
    ratls_tunnel_settings settings;

    (void)state;
    options.server_name = "db-5432s.example.";
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_string_equal(settings.upstream.server_name, "db-5432s.example"); /* SNI has no dot at its end */
    ratls_tunnel_settings_clear(&settings);
}

static void server_name_is_an_address(void **state)
{
    ratls_tunnel_options options = options_for("db.example");

    (void)state;
    options.server_name = "127.0.0.1";
    assert_fails(&options, RATLS_ERR_UPSTREAM_INVALID, NULL);
    options.server_name = "::1";
    assert_fails(&options, RATLS_ERR_UPSTREAM_INVALID, NULL);
    options.server_name = "";
    assert_fails(&options, RATLS_ERR_UPSTREAM_INVALID, NULL);
}

static void host_unusable(void **state)
{
    static const char *const hosts[] = {NULL, "", "a b", "a\nb", "/var/run/postgresql", "d\xc3\xbc.example"};
    char longest[256];
    ratls_tunnel_options options;

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        options = options_for(hosts[i]);
        assert_fails(&options, RATLS_ERR_UPSTREAM_INVALID, NULL);
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[254] = '\0';
    options = options_for(longest);
    assert_fails(&options, RATLS_ERR_UPSTREAM_INVALID, NULL);
}

static void numbers_out_of_range(void **state)
{
    ratls_tunnel_options options = options_for("db.example");

    (void)state;
    options.port = 65536;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "port");
    options.port = -1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "port");
    options = options_for("db.example");
    options.peer = 2;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "peer");
    options = options_for("db.example");
    options.spelling = 5;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "spelling");
    options = options_for("db.example");
    options.connect_timeout_ms = -1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "connect_timeout_ms");
    options = options_for("db.example");
    options.handshake_timeout_ms = INT64_MAX;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "handshake_timeout_ms");
    options = options_for("db.example");
    options.reserved = 1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "reserved");
}

static void the_link_s_defaults(void **state)
{
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;

    (void)state;
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_false(settings.upstream.start_tls);
    assert_int_equal(settings.upstream.user_timeout_ms, 60000);
    assert_int_equal(settings.upstream.keepalive_idle_s, 30);
    assert_int_equal(settings.upstream.keepalive_interval_s, 10);
    assert_int_equal(settings.upstream.keepalive_count, 3);
    ratls_tunnel_settings_clear(&settings);
}

/* Linux forgets the number of probes where there is a user timeout: it must not be longer than they take. */
static void probes_bound_the_timeout_that_was_not_given(void **state)
{
    static const struct { int idle, interval, count, expected_ms; } cases[] = {
        {1, 2, 3, 7000}, {20, 0, 0, 50000}, {30, 10, 4, 60000}, {32767, 32767, 127, 60000}, {-1, 1, 1, 60000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ratls_tunnel_options options = options_for("db.example");
        ratls_tunnel_settings settings;

        options.keepalive_idle_s = cases[i].idle;
        options.keepalive_interval_s = cases[i].interval;
        options.keepalive_count = cases[i].count;
        assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
        assert_int_equal(settings.upstream.user_timeout_ms, cases[i].expected_ms);
        ratls_tunnel_settings_clear(&settings);
    }
}

static void the_link_as_given(void **state)
{
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;

    (void)state;
    options.start_tls = 1;
    options.tcp_user_timeout_ms = 5000;
    options.keepalive_idle_s = -1;
    options.keepalive_interval_s = 7;
    options.keepalive_count = 8;
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_true(settings.upstream.start_tls);
    assert_int_equal(settings.upstream.user_timeout_ms, 5000);
    assert_int_equal(settings.upstream.keepalive_idle_s, -1);
    assert_int_equal(settings.upstream.keepalive_interval_s, 7);
    assert_int_equal(settings.upstream.keepalive_count, 8);
    ratls_tunnel_settings_clear(&settings);
}

static void the_link_out_of_range(void **state)
{
    ratls_tunnel_options options = options_for("db.example");

    (void)state;
    options.tcp_user_timeout_ms = (int64_t)INT32_MAX + 1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "tcp_user_timeout_ms");
    options = options_for("db.example");
    options.keepalive_idle_s = 32768;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "keepalive_idle_s");
    options = options_for("db.example");
    options.keepalive_interval_s = -1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "keepalive_interval_s");
    options = options_for("db.example");
    options.keepalive_count = 128;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "keepalive_count");
    options = options_for("db.example");
    options.start_tls = 2;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "start_tls");
}

static void client_attestation_out_of_range(void **state)
{
    ratls_tunnel_options options = options_for("db.example");

    (void)state;
    options.client_attestation = 2;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "client_attestation");
    options.client_attestation = -2;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "client_attestation");
    options = options_for("db.example");
    options.dstack_timeout_ms = -1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "dstack_timeout_ms");
    options = options_for("db.example");
    options.reserved_client = 1;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "reserved_client");
}

static void client_attestation_s_defaults(void **state)
{
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;

    (void)state;
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_int_equal(settings.upstream.agent.wanted, 0);
    assert_int_equal(settings.upstream.agent.timeout_ms, 60000);
    assert_null(settings.upstream.agent.socket);
    assert_null(settings.upstream.agent.simulator);
    assert_false(settings.upstream.agent.simulator_ignored);
    ratls_tunnel_settings_clear(&settings);
}

/* The environment may name who makes this client's key only where a simulator is allowed, and never beside a socket. */
static void environment_heeded_with_allow_simulator_alone(void **state)
{
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;
    ratls_verify_options policy;

    (void)state;
    ratls_verify_options_init(&policy, sizeof policy);
    options.verify = &policy;
    options.dstack_simulator_endpoint = "http://127.0.0.1:8090";
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_null(settings.upstream.agent.simulator);
    assert_true(settings.upstream.agent.simulator_ignored);
    ratls_tunnel_settings_clear(&settings);
    policy.allow_simulator = 1;
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_string_equal(settings.upstream.agent.simulator, "http://127.0.0.1:8090");
    assert_false(settings.upstream.agent.simulator_ignored);
    ratls_tunnel_settings_clear(&settings);
    options.dstack_socket = "/run/agent.sock";
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_string_equal(settings.upstream.agent.socket, "/run/agent.sock");
    assert_null(settings.upstream.agent.simulator);
    ratls_tunnel_settings_clear(&settings);
}

/* A tunnel that presents another certificate, or none, is another tunnel. */
static void tunnels_are_told_apart_by_what_they_present(void **state)
{
    ratls_tunnel_options ordinary = options_for("db.example"), other[4];
    ratls_tunnel_settings first, second;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        other[i] = options_for("db.example");
    }
    other[0].client_attestation = 1;
    other[1].client_attestation = -1;
    other[2].dstack_socket = "/run/agent.sock";
    other[3].dstack_timeout_ms = 1;
    assert_int_equal(ratls_tunnel_settings_read(&first, &ordinary, NULL), RATLS_OK);
    assert_true(ratls_tunnel_settings_equal(&first, &first));
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ratls_tunnel_settings_read(&second, &other[i], NULL), RATLS_OK);
        assert_false(ratls_tunnel_settings_equal(&first, &second));
        assert_true(ratls_tunnel_settings_equal(&second, &second));
        ratls_tunnel_settings_clear(&second);
    }
    ratls_tunnel_settings_clear(&first);
}

static void sockets_that_are_none(void **state)
{
    static const char *const sockets[] = {"", "http://127.0.0.1:8090", "unix:///run/dstack.sock", "/run/a\nb"};
    char longest[109];
    ratls_tunnel_options options = options_for("db.example");
    ratls_verify_options policy;

    (void)state;
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++) {
        options.dstack_socket = sockets[i];
        assert_fails(&options, RATLS_ERR_OPTION_VALUE, "dstack_socket");
    }
    memset(longest, 'a', sizeof longest - 1);
    longest[108] = '\0';
    options.dstack_socket = longest;
    assert_fails(&options, RATLS_ERR_OPTION_VALUE, "dstack_socket");
    options.dstack_socket = NULL;
    ratls_verify_options_init(&policy, sizeof policy);
    policy.allow_simulator = 1;
    options.verify = &policy;
    options.dstack_simulator_endpoint = longest;
    assert_fails(&options, RATLS_ERR_ARGUMENT_INVALID, NULL);
}

/* A caller that was built before the link's options were there. */
static void an_older_caller_gets_the_defaults(void **state)
{
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;

    (void)state;
    options.size = offsetof(ratls_tunnel_options, tcp_user_timeout_ms);
    options.start_tls = 77; /* beyond what it has */
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    assert_false(settings.upstream.start_tls);
    assert_int_equal(settings.upstream.keepalive_idle_s, 30);
    ratls_tunnel_settings_clear(&settings);
}

static void struct_unknown(void **state)
{
    ratls_tunnel_options options = options_for("db.example");

    (void)state;
    options.size = 0;
    assert_fails(&options, RATLS_ERR_OPTIONS_SIZE, NULL);
    options.size = offsetof(ratls_tunnel_options, tcp_user_timeout_ms) - 1;
    assert_fails(&options, RATLS_ERR_OPTIONS_SIZE, NULL);
    assert_fails(NULL, RATLS_ERR_ARGUMENT_INVALID, NULL);
}

static void policy_is_checked(void **state)
{
    static const char *const empty[] = {NULL};
    ratls_tunnel_options options = options_for("db.example");
    ratls_verify_options policy;

    (void)state;
    ratls_verify_options_init(&policy, sizeof policy);
    options.verify = &policy;
    policy.allowed_mr_td = empty;
    assert_fails(&options, RATLS_ERR_OPTION_EMPTY_LIST, "allowed_mr_td");
    policy.allowed_mr_td = NULL;
    policy.size = 1;
    assert_fails(&options, RATLS_ERR_OPTIONS_SIZE, NULL);
}

/* What the caller does with its own texts afterwards is no concern of the tunnel's. */
static void policy_is_copied_whole(void **state)
{
    char mr_td[] = MR_TD, rtmr0[] = MR_TD, rtmr1[] = MR_TD, field[] = "rtmr0", word[] = "OutOfDate", advisory[] = "INTEL-SA-00001";
    char svn[] = "00000000000000000000000000000001", directory[] = "/somewhere";
    const char *mr_tds[] = {mr_td}, *values[] = {rtmr0, rtmr1}, *words[] = {word}, *advisories[] = {advisory};
    ratls_pin pins[] = {{field, values, 2}};
    ratls_tunnel_options options = options_for("db.example");
    ratls_tunnel_settings settings;
    ratls_verify_options policy;
    char *const texts[] = {mr_td, rtmr0, rtmr1, field, word, advisory, svn, directory};

    (void)state;
    ratls_verify_options_init(&policy, sizeof policy);
    policy.allowed_mr_td = mr_tds;
    policy.allowed_mr_td_len = 1;
    policy.pins = pins;
    policy.pins_len = 1;
    policy.acceptable_tcb_statuses = words;
    policy.acceptable_tcb_statuses_len = 1;
    policy.allowed_advisory_ids = advisories;
    policy.allowed_advisory_ids_len = 1;
    policy.min_tee_tcb_svn = svn;
    policy.cache_ttl_s = 7;
    policy.allow_debug_mode = 1;
    options.verify = &policy;
    options.socket_dir = directory;
    assert_int_equal(ratls_tunnel_settings_read(&settings, &options, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memset(texts[i], 'x', strlen(texts[i]));
    }
    memset(pins, 0, sizeof pins);
    memset(mr_tds, 0, sizeof mr_tds);
    memset(values, 0, sizeof values);
    memset(&policy, 0, sizeof policy);
    assert_string_equal(settings.policy.allowed_mr_td[0], MR_TD);
    assert_string_equal(settings.policy.pins[0].field, "rtmr0");
    assert_int_equal(settings.policy.pins[0].values_len, 2);
    assert_string_equal(settings.policy.pins[0].values[1], MR_TD);
    assert_string_equal(settings.policy.acceptable_tcb_statuses[0], "OutOfDate");
    assert_string_equal(settings.policy.allowed_advisory_ids[0], "INTEL-SA-00001");
    assert_string_equal(settings.policy.min_tee_tcb_svn, "00000000000000000000000000000001");
    assert_int_equal(settings.policy.cache_ttl_s, 7);
    assert_int_equal(settings.policy.allow_debug_mode, 1);
    assert_string_equal(settings.socket_dir, "/somewhere");
    ratls_tunnel_settings_clear(&settings);
}

static void list_given_but_empty_stays_so(void **state)
{
    static const char *const none[] = {NULL};
    ratls_tunnel_options options = options_for("db.example");
    ratls_verify_options policy;

    (void)state;
    ratls_verify_options_init(&policy, sizeof policy);
    options.verify = &policy;
    policy.acceptable_tcb_statuses = none;
    assert_fails(&options, RATLS_ERR_OPTION_EMPTY_LIST, "acceptable_tcb_statuses");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(addresses_are_no_server_names),
        cmocka_unit_test(server_name_is_taken_as_given),
        cmocka_unit_test(server_name_is_an_address),
        cmocka_unit_test(host_unusable),
        cmocka_unit_test(numbers_out_of_range),
        cmocka_unit_test(the_link_s_defaults),
        cmocka_unit_test(probes_bound_the_timeout_that_was_not_given),
        cmocka_unit_test(the_link_as_given),
        cmocka_unit_test(the_link_out_of_range),
        cmocka_unit_test(client_attestation_out_of_range),
        cmocka_unit_test(client_attestation_s_defaults),
        cmocka_unit_test(environment_heeded_with_allow_simulator_alone),
        cmocka_unit_test(tunnels_are_told_apart_by_what_they_present),
        cmocka_unit_test(sockets_that_are_none),
        cmocka_unit_test(an_older_caller_gets_the_defaults),
        cmocka_unit_test(struct_unknown),
        cmocka_unit_test(policy_is_checked),
        cmocka_unit_test(policy_is_copied_whole),
        cmocka_unit_test(list_given_but_empty_stays_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
