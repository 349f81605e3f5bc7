"""What the TypeScript packages have from the tables: codes, the sentences of their own failures, options, fields, version."""
import json
import re
from pathlib import Path

VERSION = Path(__file__).resolve().parents[2] / "VERSION"

#: Failures that the TypeScript packages find before the core is asked.
CODES = ("INTERNAL", "OUT_OF_MEMORY", "CANCELLED", "NOT_BUILT", "ARGUMENT_INVALID", "OPTION_TYPE", "OPTION_VALUE", "OPTION_UNKNOWN",
         "FILE_UNREADABLE", "DSN_INVALID", "INTEL_API_KEY_MISSING", "TUNNEL_CLOSED")
FIELDS = {"hex": "string", "text": "string", "flag": "boolean", "number": "number", "list": "string[]", "time": "Date", "json": "unknown"}
OPTIONS = {"hexlist": "readonly string[]", "list": "readonly string[]", "pins": "Pins", "hex": "string", "flag": "boolean",
           "number": "number", "milliseconds": "number", "time": "Date | number | string"}
#: Said of an option where TypeScript differs from C.
REMARKS = {"now": "a Date, RFC 3339 text, or seconds since 1970", "cache_ttl_s": "milliseconds, of which whole seconds count; 0: off"}
#: Flags that every result has.
ALWAYS = ("accepted", "verified", "identity_pinned", "from_cache")


def camel(name):
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def text(value):
    return json.dumps(value, ensure_ascii=False)


def option_names(tables, scope="verify"):
    """(name in C, name in TypeScript, row) of the options of a scope."""
    return [(name, option.get("typescript", camel(name)), option) for name, option in tables.options if option["scope"] == scope]


def doc(name, row):
    words = row["doc"]
    if name == "cache_ttl_s":
        words = "how long a verdict on a certificate is kept"
    return f"{words} ({REMARKS[name]})" if name in REMARKS else words


def worded(message, spelled):
    return re.sub(r"\{(option|set):([a-z_*]+)\}", lambda found: "{option}" if found[2] == "*" else spelled(*found.groups()), message)


def values(tables, note, spelled):
    """The tables at run time."""
    lines = ['"use strict"', f"// {note}", "", "/** Code to its class and stage. */", "exports.CODES = {"]
    lines += [f'  {name}: ["{code["class"]}", "{code["stage"]}"],' for name, code in tables.codes]
    lines += ["}", "", "/** What the package's own failures say; `{name}` is a detail. */", "exports.MESSAGES = {"]
    lines += [f'  {name}: {text(worded(code["message"], spelled))},' for name, code in tables.codes if name in CODES]
    for constant, what, kept in (("RESULT_FIELDS", "a result", "result"), ("QUOTE_FIELDS", "an inspection", "inspect")):
        lines += ["}" if constant == "RESULT_FIELDS" else "]", "", f"/** Fields of {what}, in order: the core's name, ours, the type. */",
                  f"exports.{constant} = ["]
        lines += [f'  ["{name}", "{camel(name)}", "{field["type"]}"],' for name, field in tables.fields if field["in"] in (kept, "both")]
    lines += ["]", "", "/** Options of a verification: the core's name, ours, the type. */", "exports.VERIFY_OPTIONS = ["]
    lines += [f'  ["{name}", "{ours}", "{option["type"]}"],' for name, ours, option in option_names(tables)]
    return "\n".join(lines + ["]", "", f'exports.version = "{VERSION.read_text(encoding="utf-8").strip()}"', ""])


def types(tables, note):
    """The tables as types."""
    lines = [f"// {note}", "", "/** Which check failed (docs/reference/codes.md). */", "export type Code ="]
    lines += [f'  | "{name}"' for name, _ in tables.codes]
    lines += ["", "/** Where it failed. */", "export type Stage =", *[f'  | "{stage}"' for stage in dict.fromkeys(code["stage"] for _, code in tables.codes)], "",
              "/** A field that may be pinned. */", "export type PinField =",
              *[f'  | "{camel(name)}"' for name, field in tables.fields if field.get("pin")], "",
              "/** Fields and the values that each may have, in hexadecimal; keyProvider: name or name:id. */",
              "export type Pins = { readonly [field in PinField]?: string | readonly string[] }", "",
              "/** What is accepted; an option that is not given has its safe default. A list that is given and empty is an error. */",
              "export interface VerifyOptions {"]
    for name, ours, option in option_names(tables):
        lines += [f"  /** {doc(name, option)} */", f"  readonly {ours}?: {OPTIONS[option['type']]} | undefined"]
    lines += ["}", "", "/** What a verification established; null where it is not known. */", "export interface ResultFields {"]
    for name, field in tables.fields:
        if field["in"] != "inspect":
            lines += [f"  /** {field['doc']} */", f"  readonly {camel(name)}: {FIELDS[field['type']]}{'' if name in ALWAYS else ' | null'}"]
    lines += ["}", "", "/** What the bytes of a quote say; null where it has no such field. Nothing of it is verified. */", "export interface QuoteFields {"]
    for name, field in tables.fields:
        if field["in"] != "result":
            lines += [f"  /** {field['doc']} */", f"  readonly {camel(name)}: {FIELDS[field['type']]} | null"]
    lines += ["}", "", "export declare const CODES: Readonly<Record<Code, readonly [\"usage\" | \"refused\" | \"unavailable\", Stage]>>",
              "export declare const MESSAGES: Readonly<Partial<Record<Code, string>>>",
              "export declare const RESULT_FIELDS: readonly (readonly [string, keyof ResultFields, string])[]",
              "export declare const QUOTE_FIELDS: readonly (readonly [string, keyof QuoteFields, string])[]",
              "export declare const VERIFY_OPTIONS: readonly (readonly [string, keyof VerifyOptions, string])[]",
              "export declare const version: string", ""]
    return "\n".join(lines)


def files(tables, note, spelled):
    """Path below the project's root to content. `spelled(kind, name)` is an option as TypeScript spells it."""
    return {
        "bindings/node/lib/tables.js": values(tables, note, spelled),
        "bindings/node/lib/tables.d.ts": types(tables, note),
    }
