# The command's own parts, compiled in: it is linked to the shared library and exports nothing.
set(cli ${PROJECT_SOURCE_DIR}/core/cli)

function(ratls_cli_test name)
  ratls_unit_test(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${cli})
endfunction()

ratls_cli_test(cli_decode_test cli/decode_test.c ${cli}/decode.c)
ratls_cli_test(cli_text_test cli/text_test.c ${cli}/text.c)
ratls_cli_test(cli_endpoint_test cli/endpoint_test.c ${cli}/endpoint.c ${cli}/failure.c ${cli}/flags_table.c ${cli}/text.c)
ratls_cli_test(cli_arguments_test cli/arguments_test.c ${cli}/arguments.c ${cli}/failure.c ${cli}/flags_table.c ${cli}/text.c)
