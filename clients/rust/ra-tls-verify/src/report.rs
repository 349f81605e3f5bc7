//! A sidecar's attestation report, fetched.

use std::ffi::CStr;
use std::time::Duration;

use ratls_sys as sys;

#[cfg(feature = "tokio")]
use crate::cancel;
use crate::cancel::Cancel;
use crate::error::{Error, internal};
use crate::ffi::{c_string, call, take_bytes};
use crate::settings::{HTTP, HTTPS, bytes, milliseconds, pointer, proxies, text};

/// How a report is fetched; what is not given has its safe default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportFetch {
    /// Authorities for https, PEM; not given: the system's.
    pub ca: Option<Vec<u8>>,
    /// URL of an HTTP proxy; not given: `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` of the environment; empty: none.
    pub proxy: Option<String>,
    /// Hosts that are reached without the proxy, joined by commas.
    pub no_proxy: Option<String>,
    /// Deadline; not given: 30 s.
    pub timeout: Option<Duration>,
}

/// Fetch a sidecar's attestation report, for [`crate::Verifier::verify_report`]: the answer as it came. No redirect is followed,
/// and the answer's size is limited. `url` is http:// or https://, usually `http://HOST:8080/attestation`.
///
/// # Errors
/// `Error::Usage`: it is no such URL. `Error::Unavailable`: there is no answer, or another one.
pub fn fetch_report_blocking(url: &str, how: &ReportFetch) -> Result<Vec<u8>, Error> {
    fetch(url, how, None)
}

/// [`fetch_report_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
///
/// # Errors
/// As there.
#[cfg(feature = "tokio")]
pub async fn fetch_report(url: &str, how: &ReportFetch) -> Result<Vec<u8>, Error> {
    let (url, how) = (url.to_owned(), how.clone());
    cancel::waiting(move |cancel| fetch(&url, &how, cancel)).await
}

fn fetch(url: &str, how: &ReportFetch, cancel: Option<&Cancel>) -> Result<Vec<u8>, Error> {
    let encrypted = url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let (proxy, no_proxy) = proxies(how.proxy.clone(), how.no_proxy.clone(), if encrypted { HTTPS } else { HTTP });
    let (proxy, no_proxy) = (text("proxy", proxy.as_deref())?, text("no_proxy", no_proxy.as_deref())?);
    let url = c_string("url", url)?;
    let timeout_ms = milliseconds("timeout", how.timeout)?;
    let mut json = std::ptr::null_mut();
    // SAFETY: the init function makes a valid struct of the zeroed one; the inputs are borrowed for the call, the text is taken over.
    let taken = unsafe {
        let mut options = std::mem::zeroed::<sys::ratls_report_fetch_options>();
        sys::ratls_report_fetch_options_init(&mut options, size_of_val(&options));
        (options.ca, options.ca_len) = bytes(how.ca.as_deref());
        options.proxy = pointer(&proxy);
        options.no_proxy = pointer(&no_proxy);
        options.timeout_ms = timeout_ms;
        call(|error| sys::ratls_report_fetch(&mut json, url.as_ptr(), &options, crate::cancel::as_ptr(cancel), error))?;
        // The JSON is read as it came: whether it is UTF-8 is for its reader to say.
        take_bytes(json.cast(), if json.is_null() { 0 } else { CStr::from_ptr(json).count_bytes() })
    };
    taken.ok_or_else(|| internal("success without a result"))
}
