/** Flags of the command: one row each, those of options generated from the table of options. */
#ifndef RATLS_CLI_FLAGS_H
#define RATLS_CLI_FLAGS_H

#include "ratls/ratls.h"

/** Subcommands, as bits: a row says which of them take its flag. */
enum {
    CLI_INSPECT = 1,
    CLI_VERIFY = 2,
    CLI_PROXY = 4,
    CLI_LEADER = 8,
    CLI_WATCH = 16,
    CLI_COMPOSE_HASH = 32,
    CLI_COLLATERAL = 64
};

/** What a flag's value means. */
typedef enum {
    CLI_FLAG_FLAG, /* no value */
    CLI_FLAG_NUMBER,
    CLI_FLAG_MILLISECONDS,
    CLI_FLAG_TEXT,
    CLI_FLAG_HEX,
    CLI_FLAG_TIME,
    CLI_FLAG_FILE,
    CLI_FLAG_LIST,    /* separated by commas */
    CLI_FLAG_HEXLIST, /* may be repeated */
    CLI_FLAG_PINS     /* FIELD=VALUE, may be repeated */
} cli_flag_kind;

typedef enum {
    CLI_SCOPE_COMMAND,  /* the command's own: inputs and output */
    CLI_SCOPE_VERIFY,   /* an option of the policy */
    CLI_SCOPE_VERIFIER,
    CLI_SCOPE_TUNNEL
} cli_flag_scope;

typedef struct {
    const char *flag;
    const char *name; /* option, or the name under which the value is kept */
    cli_flag_kind kind;
    cli_flag_scope scope;
    int commands;
    int built; /* 0: known, and not done yet in this version */
    const char *help;
} cli_flag_row;

extern const cli_flag_row cli_option_flags[];
extern const size_t cli_option_flag_count;

/** Messages of the codes that the command itself may give. */
typedef struct {
    ratls_status code;
    const char *message; /* template: {detail}; {option:*} is the detail "option" */
} cli_message_row;

extern const cli_message_row cli_messages[];
extern const size_t cli_message_count;

#endif
