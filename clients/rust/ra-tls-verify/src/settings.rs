//! Settings on their way to C, and where those that are not given are looked for.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::time::{Duration, SystemTime};

use crate::codes::Code;
use crate::error::{Error, argument_invalid};
use crate::ffi::c_string;
use crate::options::option_value;

/// The variables that name the proxy for https; the first that is set counts.
pub(crate) const HTTPS: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Those for http: a web server's requests may set HTTP_PROXY, so that it does not count.
pub(crate) const HTTP: &[&str] = &["http_proxy", "all_proxy", "ALL_PROXY"];
const NO_PROXY: &[&str] = &["no_proxy", "NO_PROXY"];

/// The proxy, and what is reached without it: as given, or the environment's.
pub(crate) fn proxies(proxy: Option<String>, no_proxy: Option<String>, variables: &[&str]) -> (Option<String>, Option<String>) {
    match proxy {
        Some(_) => (proxy, no_proxy),
        None => (of_environment(variables), no_proxy.or_else(|| of_environment(NO_PROXY))),
    }
}

/// The core reads no environment: what others there look up is given to it.
pub(crate) fn of_environment(names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty())
}

pub(crate) fn text(option: &str, value: Option<&str>) -> Result<Option<CString>, Error> {
    value.map(|value| c_string(option, value)).transpose()
}

/// A path as C has it: its bytes.
pub(crate) fn path(option: &str, value: Option<&Path>) -> Result<Option<CString>, Error> {
    let Some(value) = value else { return Ok(None) };
    CString::new(value.as_os_str().as_bytes()).map(Some).map_err(|_| argument_invalid(option, "it has a NUL"))
}

/// A time that is not 0, which stands for the clock in C.
pub(crate) fn unix_seconds(option: &str, time: SystemTime) -> Result<i64, Error> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok());
    since.filter(|seconds| *seconds > 0).ok_or_else(|| option_value(option, "a time before 1970", "a time after 1970"))
}

pub(crate) fn pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

pub(crate) fn bytes(bytes: Option<&[u8]>) -> (*const u8, usize) {
    bytes.map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
}

/// Zero is the default in C, where nothing is given.
pub(crate) fn number(option: &str, value: Option<u32>) -> Result<i32, Error> {
    let Some(value) = value else { return Ok(0) };
    i32::try_from(value)
        .ok()
        .filter(|value| *value > 0)
        .ok_or_else(|| option_value(option, &value.to_string(), "a number of 31 bits above 0"))
}

/// Texts for C, and the pointers to them.
pub(crate) struct Texts(Option<(Vec<CString>, Vec<*const c_char>)>);

impl Texts {
    pub(crate) fn of(option: &str, values: Option<&[String]>) -> Result<Texts, Error> {
        let Some(values) = values else { return Ok(Texts(None)) };
        let texts = values.iter().map(|value| c_string(option, value)).collect::<Result<Vec<_>, Error>>()?;
        let pointers = texts.iter().map(|text| text.as_ptr()).collect();
        Ok(Texts(Some((texts, pointers))))
    }

    /// A list that is given and empty is a pointer, too: the core refuses it.
    pub(crate) fn as_c(&self) -> (*const *const c_char, usize) {
        self.0.as_ref().map_or((ptr::null(), 0), |(_, pointers)| (pointers.as_ptr(), pointers.len()))
    }
}

pub(crate) fn milliseconds(argument: &str, duration: Option<Duration>) -> Result<i64, Error> {
    let Some(duration) = duration else { return Ok(0) };
    i64::try_from(duration.as_micros().div_ceil(1000))
        .ok()
        .filter(|milliseconds| *milliseconds > 0)
        .ok_or_else(|| argument_invalid(argument, "expected more than no time, and less than for ever"))
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| {
        Error::of_code(Code::FileUnreadable, &[("path", &path.display().to_string()), ("what", &error.to_string())])
    })
}
