set(agent_test_answer agent/agent_answer.c support/buffer.c tunnel/tls_peer.c)

ratls_unit_test(agent_agent_test agent/agent_test.c ${agent_test_answer})
ratls_unit_test(agent_identity_test agent/identity_test.c ${agent_test_answer})
ratls_unit_test(agent_private_key_test agent/private_key_test.c)
