//! Fields of the core's JSON objects, as Rust has them.

use std::time::SystemTime;

use serde_json::{Map, Value};

pub(crate) fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name)?.as_str().map(str::to_owned)
}

pub(crate) fn flag(fields: &Map<String, Value>, name: &str) -> Option<bool> {
    fields.get(name)?.as_bool()
}

pub(crate) fn number(fields: &Map<String, Value>, name: &str) -> Option<i64> {
    fields.get(name)?.as_i64()
}

pub(crate) fn list(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    Some(fields.get(name)?.as_array()?.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
}

pub(crate) fn time(fields: &Map<String, Value>, name: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(fields.get(name)?.as_str()?).ok()
}
