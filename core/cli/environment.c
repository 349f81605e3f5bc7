#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

const char *cli_environment(const char *first, const char *second)
{
    const char *value = getenv(first);

    if (value == NULL || value[0] == '\0') {
        value = second == NULL ? NULL : getenv(second);
    }
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* A proxy that is given needs no exceptions; one of the environment comes with the environment's. */
void cli_environment_proxy(const char **proxy, const char **no_proxy, const cli_arguments *arguments)
{
    *proxy = cli_argument(arguments, "proxy");
    *no_proxy = cli_argument(arguments, "no_proxy");
    if (*proxy == NULL) {
        *proxy = cli_environment("https_proxy", "HTTPS_PROXY");
        *proxy = *proxy == NULL ? cli_environment("all_proxy", "ALL_PROXY") : *proxy;
        *no_proxy = *no_proxy == NULL ? cli_environment("no_proxy", "NO_PROXY") : *no_proxy;
    }
}

static bool join(char **out, const char *a, const char *b, cli_failure *failure)
{
    cli_text text = {0};

    cli_text_add(&text, a, strlen(a));
    cli_text_add(&text, b, strlen(b));
    *out = cli_text_take(&text);
    return *out != NULL || cli_fail_memory(failure);
}

/* A path that is relative means something else after a change of directory. */
static bool make_absolute(char **out, const char *path, cli_failure *failure)
{
    char *here, *slashed = NULL;
    bool made;

    if (path[0] == '/' || path[0] == '\0') {
        return join(out, path, "", failure);
    }
    here = getcwd(NULL, 0);
    made = here != NULL && join(&slashed, here, "/", failure) && join(out, slashed, path, failure);
    free(slashed);
    free(here);
    return made || CLI_FAIL(failure, RATLS_ERR_OPTION_VALUE, {"option", "--cache-dir"}, {"found", path}, {"expected", "an absolute path"});
}

bool cli_environment_cache_dir(char **out, const cli_arguments *arguments, cli_failure *failure)
{
    const char *given = cli_argument(arguments, "cache_dir");
    const char *base = cli_environment("XDG_CACHE_HOME", NULL), *home = cli_environment("HOME", NULL);

    *out = NULL;
    if (given != NULL) {
        return make_absolute(out, given, failure);
    }
    /* The XDG specification has relative paths ignored. */
    if (base != NULL && base[0] == '/') {
        return join(out, base, "/ratls", failure);
    }
    if (home != NULL && home[0] == '/') {
        return join(out, home, "/.cache/ratls", failure);
    }
    return true;
}
