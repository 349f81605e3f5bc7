"""What the Rust packages have from the tables: the enum of codes, the sentences of their own failures, the result."""
import json
import re

#: Failures that the Rust packages find before the core is asked.
CODES = ("INTERNAL", "OUT_OF_MEMORY", "NOT_BUILT", "ARGUMENT_INVALID", "OPTION_VALUE", "FILE_UNREADABLE", "DSN_INVALID", "CONNECT_TIMEOUT", "TUNNEL_CLOSED")
TYPES = {"hex": "String", "text": "String", "flag": "bool", "number": "i64", "list": "Vec<String>", "time": "SystemTime"}
READERS = {"hex": "text", "text": "text", "flag": "flag", "number": "number", "list": "list", "time": "time"}
#: Flags that every result has; absent would mean no.
ALWAYS = ("accepted", "verified", "identity_pinned", "from_cache")


def variant(name):
    """The code's name as Rust writes enum variants."""
    return "".join(part.capitalize() for part in name.split("_"))


def text(value):
    return json.dumps(value, ensure_ascii=False)


def codes(tables, note, spelled):
    """`spelled(kind, name)` is an option as Rust spells it; kind is `option` or `set`."""
    lines = [f"//! Codes of the core. {note}", "",
             "/// Which check failed (docs/reference/codes.md). The number is the C ABI's.",
             "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]", "#[non_exhaustive]", "pub enum Code {"]
    for name, code in tables.codes:
        lines += [f'    /// {code["class"]}, {code["stage"]}: `{code["message"]}`', f'    {variant(name)} = {code["value"]},']
    lines += ["}", "", "impl Code {", "    /// Every code, in the order of the numbers.", "    pub const ALL: &[Code] = &["]
    lines += [f"        Code::{variant(name)}," for name, _ in tables.codes]
    lines += ["    ];", "", "    /// Name, class, stage.", "    pub(crate) const fn row(self) -> (&'static str, Class, &'static str) {", "        match self {"]
    lines += [f'            Code::{variant(name)} => ("{name}", Class::{code["class"].capitalize()}, "{code["stage"]}"),'
              for name, code in tables.codes]
    lines += ["        }", "    }", "}", "", "use crate::error::Class;", "",
              "/// What the Rust layer's own failures say; `{name}` is a detail.",
              "pub(crate) const fn message(code: Code) -> &'static str {", "    match code {"]
    for name, code in tables.codes:
        if name in CODES:
            worded = re.sub(r"\{(option|set):([a-z_*]+)\}", lambda found: "{option}" if found[2] == "*" else spelled(*found.groups()), code["message"])
            lines.append(f"        Code::{variant(name)} => {text(worded)},")
    return "\n".join(lines + ["        _ => \"\",", "    }", "}", ""])


def result(tables, note):
    fields = [(name, field) for name, field in tables.fields if field["in"] != "inspect"]
    lines = [f"//! The verdict on evidence that was accepted. {note}", "", "use std::time::SystemTime;", "",
             "use serde_json::{Map, Value};", "", "use crate::value::{flag, list, number, text, time};", "",
             "/// What a verification established. There is no result without acceptance: a refusal is an error.", "///",
             "/// Measurements are lower-case hexadecimal in memory order and always from the quote.",
             "#[derive(Clone, Debug, PartialEq, Eq)]", "#[non_exhaustive]", "pub struct VerifyResult {"]
    for name, field in fields:
        kind = TYPES[field["type"]]
        lines += [f"    /// {field['doc']}", f"    pub {name}: {kind if name in ALWAYS else f'Option<{kind}>'},"]
    lines += ["    /// Every field as one flat JSON object, null where not known (docs/result.schema.json).", "    pub json: String,", "}", "",
              "impl VerifyResult {", "    pub(crate) fn of(json: String, fields: &Map<String, Value>) -> VerifyResult {", "        VerifyResult {"]
    for name, field in fields:
        call = f'{READERS[field["type"]]}(fields, "{name}")'
        lines.append(f"            {name}: {call} == Some(true)," if name in ALWAYS else f"            {name}: {call},")
    return "\n".join(lines + ["            json,", "        }", "    }", "}", ""])


def files(tables, note, spelled):
    """Path below the project's root to content."""
    return {
        "clients/rust/ra-tls-verify/src/codes.rs": codes(tables, note, spelled),
        "clients/rust/ra-tls-verify/src/result.rs": result(tables, note),
    }
