# A stream and its server in memory, and a tunnel with a real server on loopback, whose certificates carry quotes.
set(tunnel_test_pair tunnel/stream_pair.c tunnel/tls_peer.c)
set(tunnel_test_fixture tunnel/tunnel_fixture.c tunnel/tls_peer.c tunnel/tls_service.c verifier/evidence_builder.c)

ratls_unit_test(tunnel_acceptor_test tunnel/acceptor_test.c)
ratls_unit_test(tunnel_postgres_test tunnel/postgres_test.c)
ratls_unit_test(tunnel_settings_test tunnel/settings_test.c)
ratls_unit_test(tunnel_socket_directory_test tunnel/socket_directory_test.c)
ratls_unit_test(tunnel_stream_handshake_test tunnel/stream_handshake_test.c ${tunnel_test_pair})
ratls_unit_test(tunnel_stream_test tunnel/stream_test.c ${tunnel_test_pair})
ratls_unit_test(tunnel_test tunnel/tunnel_test.c ${tunnel_test_fixture})
ratls_unit_test(tunnel_end_test tunnel/tunnel_end_test.c ${tunnel_test_fixture})
ratls_unit_test(tunnel_refusal_test tunnel/tunnel_refusal_test.c ${tunnel_test_fixture})
ratls_unit_test(tunnel_upstream_test tunnel/upstream_test.c)
