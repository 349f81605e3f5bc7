#include "settings.h"

typedef struct {
    const char *url;
    ratls_report_fetch_options options;
} report_settings;

static const ratls_py_setting settings_known[] = {
    {"url", RATLS_PY_TEXT, offsetof(report_settings, url)},
    {"ca", RATLS_PY_BYTES, offsetof(report_settings, options.ca)},
    {"proxy", RATLS_PY_TEXT, offsetof(report_settings, options.proxy)},
    {"no_proxy", RATLS_PY_TEXT, offsetof(report_settings, options.no_proxy)},
    {"timeout_ms", RATLS_PY_INT64, offsetof(report_settings, options.timeout_ms)},
};

ratls_status fetch_report(char **body, PyObject *given, ratls_cancel *cancel, ratls_error **err)
{
    report_settings settings = {.url = NULL};
    ratls_py_lists lists = {.used = 0};
    ratls_status status;

    ratls_report_fetch_options_init(&settings.options, sizeof settings.options);
    if (!ratls_py_read_settings(&settings, &lists, settings_known, sizeof settings_known / sizeof settings_known[0], given)) {
        return RATLS_ERR_INTERNAL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = ratls_report_fetch(body, settings.url, &settings.options, cancel, err);
    Py_END_ALLOW_THREADS
    return status;
}
