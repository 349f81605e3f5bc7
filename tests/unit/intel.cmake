ratls_unit_test(intel_config_test intel/config_test.c)
ratls_unit_test(intel_verifier_test intel/verifier_test.c intel/authority.c verifier/evidence_builder.c)
