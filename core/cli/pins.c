#include "pins.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

/* A policy, taken apart: each list of it has one value. */
typedef struct {
    const char *mr_td;
    const cJSON *pins;
} pin_list;

static const char *value_of(const cJSON *list)
{
    const cJSON *first = cJSON_GetArrayItem(list, 0);

    return cJSON_IsString(first) ? first->valuestring : "";
}

/* Names are the library's own: letters, digits and underscores. */
static void print_camel(const char *name)
{
    for (; *name != '\0'; name++) {
        if (name[0] == '_' && name[1] >= 'a' && name[1] <= 'z') {
            putchar(*++name - 'a' + 'A');
        } else {
            putchar(*name);
        }
    }
}

static void print_policy_file(const cJSON *policy)
{
    char *text = cJSON_Print(policy);

    printf("# A policy file: ratls verify --policy FILE, and every language reads it\n%s\n", text == NULL ? "" : text);
    cJSON_free(text);
}

static void print_python(const pin_list *list)
{
    const cJSON *pin;

    printf("\n# Python\nVerifyOptions(\n    allowed_mr_td=[\"%s\"],\n    pins={\n", list->mr_td);
    cJSON_ArrayForEach(pin, list->pins)
    {
        printf("        \"%s\": [\"%s\"],\n", pin->string, value_of(pin));
    }
    printf("    },\n)\n");
}

static void print_typescript(const pin_list *list)
{
    const cJSON *pin;

    printf("\n// TypeScript\nconst pinned = {\n    allowedMrTd: [\"%s\"],\n    pins: {\n", list->mr_td);
    cJSON_ArrayForEach(pin, list->pins)
    {
        printf("        ");
        print_camel(pin->string);
        printf(": [\"%s\"],\n", value_of(pin));
    }
    printf("    },\n}\n");
}

static void print_rust(const pin_list *list)
{
    const cJSON *pin;

    printf("\n// Rust\nRaTlsOptions {\n    allowed_mrtds: vec![\"%s\".into()],\n    pins: Some(BTreeMap::from([\n", list->mr_td);
    cJSON_ArrayForEach(pin, list->pins)
    {
        printf("        (\"%s\".into(), vec![\"%s\".into()]),\n", pin->string, value_of(pin));
    }
    printf("    ])),\n    ..Default::default()\n}\n");
}

static void print_c(const pin_list *list)
{
    const cJSON *pin;

    printf("\n/* C */\nstatic const char *const mr_td[] = {\"%s\"};\n", list->mr_td);
    cJSON_ArrayForEach(pin, list->pins)
    {
        printf("static const char *const %s[] = {\"%s\"};\n", pin->string, value_of(pin));
    }
    printf("static const ratls_pin pins[] = {\n");
    cJSON_ArrayForEach(pin, list->pins)
    {
        printf("    {\"%s\", %s, 1},\n", pin->string, pin->string);
    }
    printf("};\noptions.allowed_mr_td = mr_td;\noptions.allowed_mr_td_len = 1;\noptions.pins = pins;\n"
           "options.pins_len = sizeof pins / sizeof pins[0];\n");
}

static void print_command(const pin_list *list)
{
    const cJSON *pin;

    printf("\n# ratls\n--mrtd %s", list->mr_td);
    cJSON_ArrayForEach(pin, list->pins)
    {
        printf(" \\\n--pin %s=%s", pin->string, value_of(pin));
    }
    printf("\n");
}

static void print_all(const cJSON *policy)
{
    pin_list list = {value_of(cJSON_GetObjectItemCaseSensitive(policy, "allowed_mr_td")), cJSON_GetObjectItemCaseSensitive(policy, "pins")};

    print_policy_file(policy);
    print_python(&list);
    print_typescript(&list);
    print_rust(&list);
    print_c(&list);
    print_command(&list);
}

bool cli_pins_print(const ratls_quote *quote, bool json, cli_failure *failure)
{
    char *text = NULL;
    cJSON *policy;

    if (!cli_succeeded(failure, ratls_quote_policy(&text, quote, &failure->error))) {
        return false;
    }
    policy = cJSON_Parse(text);
    ratls_bytes_free(text);
    cli_output_warning(NULL, "nothing of this evidence was verified: these pins are as good as whoever sent it. Verify under them "
                             "before relying on them");
    if (policy == NULL || json) {
        return cli_output_json(policy, failure);
    }
    print_all(policy);
    cJSON_Delete(policy);
    return cli_output_flush(failure);
}
