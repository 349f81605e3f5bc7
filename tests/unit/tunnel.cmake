# A real server on loopback: certificates with quotes, TLS in front of an echo.
set(tunnel_test_service tunnel/tls_peer.c tunnel/tls_service.c verifier/evidence_builder.c)

ratls_unit_test(tunnel_acceptor_test tunnel/acceptor_test.c)
ratls_unit_test(tunnel_postgres_test tunnel/postgres_test.c)
ratls_unit_test(tunnel_settings_test tunnel/settings_test.c)
ratls_unit_test(tunnel_socket_directory_test tunnel/socket_directory_test.c)
ratls_unit_test(tunnel_stream_test tunnel/stream_test.c tunnel/tls_peer.c)
ratls_unit_test(tunnel_test tunnel/tunnel_test.c ${tunnel_test_service})
ratls_unit_test(tunnel_upstream_test tunnel/upstream_test.c)
