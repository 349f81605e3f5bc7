#include "number.h"

#include <errno.h>
#include <stdlib.h>

bool cli_number(int32_t *out, const cli_arguments *arguments, const char *name, const char *flag, cli_failure *failure)
{
    const char *text = cli_argument(arguments, name);
    char *end = NULL;
    long number = 0;

    *out = 0;
    if (text == NULL) {
        return true;
    }
    errno = 0;
    number = strtol(text, &end, 10);
    if ((text[0] != '-' && (text[0] < '0' || text[0] > '9')) || *end != '\0' || end == text || errno != 0 || number < INT32_MIN || number > INT32_MAX) {
        return CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", flag}, {"found", text}, {"expected", "a whole number"});
    }
    *out = (int32_t)number;
    return true;
}
