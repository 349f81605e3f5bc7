//! Failures: made from the core's errors, or worded by the same table.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::codes::{self, Code};

/// What a failure means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Arguments or options are wrong, or a file is unreadable.
    Usage,
    /// The evidence was checked and is not acceptable.
    Refused,
    /// It could not be checked: network, timeout, cancelled, missing or expired collateral.
    Unavailable,
}

impl Code {
    /// The name, for example `MRTD_NOT_ALLOWED`.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What a failure with this code means for the caller.
    pub fn class(self) -> Class {
        self.row().1
    }

    /// The code of this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: Code,
    stage: String,
    message: String,
    details: BTreeMap<String, String>,
    tcb: Option<String>,
}

/// Every failure of this crate, by what it means. Its text says what was found, what was expected and which option would
/// change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Arguments, options or the connection string are wrong, or a file is unreadable.
    Usage(Box<Failure>),
    /// The evidence was checked and is not acceptable.
    Refused(Box<Failure>),
    /// It could not be checked: network, timeout, cancelled, missing or expired collateral.
    Unavailable(Box<Failure>),
}

impl Error {
    fn failure(&self) -> &Failure {
        match self {
            Error::Usage(failure) | Error::Refused(failure) | Error::Unavailable(failure) => failure,
        }
    }

    /// Which check failed.
    pub fn code(&self) -> Code {
        self.failure().code
    }

    /// What it means: the variant without its content.
    pub fn class(&self) -> Class {
        match self {
            Error::Usage(_) => Class::Usage,
            Error::Refused(_) => Class::Refused,
            Error::Unavailable(_) => Class::Unavailable,
        }
    }

    /// Where it failed: `options`, `evidence`, `collateral`, `intel`, `dcap`, `binding`, `policy` or `tunnel`.
    pub fn stage(&self) -> &str {
        &self.failure().stage
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.failure().message
    }

    /// What the check knew, by name (`found`, `expected`, …).
    pub fn details(&self) -> &BTreeMap<String, String> {
        &self.failure().details
    }

    /// What was known of the TCB when it failed, as a JSON object with `tcb_status` and its parts by the result's names;
    /// `None` unless a TCB verdict had been reached.
    pub fn tcb_json(&self) -> Option<&str> {
        self.failure().tcb.as_deref()
    }

    /// SQLSTATE of a PostgreSQL error with this meaning: `08004` for a refusal, else `08001`.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Error::Refused(_) => "08004",
            Error::Usage(_) | Error::Unavailable(_) => "08001",
        }
    }

    fn of(class: Class, failure: Failure) -> Error {
        let failure = Box::new(failure);
        match class {
            Class::Usage => Error::Usage(failure),
            Class::Refused => Error::Refused(failure),
            Class::Unavailable => Error::Unavailable(failure),
        }
    }

    /// A failure that the Rust layer itself finds, worded by the table of codes.
    #[doc(hidden)]
    pub fn of_code(code: Code, details: &[(&str, &str)]) -> Error {
        let (name, class, stage) = code.row();
        let template = codes::message(code);
        let message = filled(if template.is_empty() { name } else { template }, details);
        let details = details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Error::of(class, Failure { code, stage: stage.to_owned(), message, details, tcb: None })
    }

    /// The failure that the core describes: its JSON object and the JSON text of its TCB verdict.
    pub(crate) fn of_json(error: &str, tcb: Option<&str>) -> Error {
        let Ok(Value::Object(fields)) = serde_json::from_str(error) else {
            return Error::of_code(Code::Internal, &[("what", "an error that is no JSON object")]);
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        // What is not known here is still a failure, and of the class that grants nothing.
        let class = match text("class").as_str() {
            "usage" => Class::Usage,
            "refused" => Class::Refused,
            _ => Class::Unavailable,
        };
        let details = fields.get("details").and_then(Value::as_object).into_iter().flatten();
        let failure = Failure {
            code: Code::from_name(&text("code")).unwrap_or(Code::Internal),
            stage: text("stage"),
            message: text("message"),
            details: details.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
            tcb: tcb.filter(|text| *text != "null").map(str::to_owned),
        };
        Error::of(class, failure)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Error {}

/// The template with its `{detail}`s replaced, each once: what is put in is not read again.
fn filled(template: &str, details: &[(&str, &str)]) -> String {
    let mut message = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        message.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        message.push_str(details.iter().find(|(detail, _)| *detail == name).map_or("?", |(_, value)| value));
        rest = after;
    }
    message + rest
}

pub(crate) fn argument_invalid(argument: &str, what: &str) -> Error {
    Error::of_code(Code::ArgumentInvalid, &[("argument", argument), ("what", what)])
}

pub(crate) fn internal(what: &str) -> Error {
    Error::of_code(Code::Internal, &[("what", what)])
}
