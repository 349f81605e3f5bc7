ratls_built_test(report_report_test report/report_test.c)
ratls_unit_test(report_fetch_test report/fetch_test.c)
