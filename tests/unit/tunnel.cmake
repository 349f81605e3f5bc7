ratls_unit_test(tunnel_postgres_test tunnel/postgres_test.c)
ratls_unit_test(tunnel_stream_test tunnel/stream_test.c tunnel/tls_peer.c)
