set(leader_test_support leader/signer.c leader/name_service.c)

ratls_unit_test(leader_dns_server_test leader/dns_server_test.c)
ratls_unit_test(leader_secp256k1_test leader/secp256k1_test.c leader/signer.c)
ratls_unit_test(leader_record_test leader/leader_record_test.c leader/signer.c)
ratls_unit_test(leader_test leader/leader_test.c ${leader_test_support})
ratls_unit_test(leader_txt_records_test leader/txt_records_test.c)
