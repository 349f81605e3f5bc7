//! Verifiers written in Rust.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::SystemTime;

use ratls_sys as sys;
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::ffi::{VerifierHandle, log};
use crate::options::VerifyOptions;

/// Characters of a rejection's reason that go into the error.
const REASON_MAX: usize = 1000;

/// A verifier of your own: `Verifier::own(…)` makes it one that every function of this crate takes.
///
/// It judges the quote's signature and its TCB; options, measurements and key binding are applied by the library as for every
/// verifier. It runs on a thread of the library, several at once, and the deadline (`timeout_ms`) holds in any case.
pub trait RaTlsVerifier: Send + Sync + 'static {
    /// Is the quote genuine, and what is the status of its TCB? `options` are those of the verification.
    ///
    /// # Errors
    /// [`Rejection::Refused`]: the quote is not genuine or not acceptable. Any other error, which `?` turns into
    /// [`Rejection::Unavailable`], means that it could not be checked; so does a panic.
    fn verify(&self, quote: &[u8], options: &VerifyOptions) -> Result<Claims, Rejection>;
}

/// [`RaTlsVerifier`] for a verifier that awaits: `Verifier::own_async(…)` runs it on your Tokio runtime.
#[cfg(feature = "tokio")]
pub trait AsyncRaTlsVerifier: Send + Sync + 'static {
    /// See [`RaTlsVerifier::verify`].
    fn verify(&self, quote: &[u8], options: &VerifyOptions) -> impl Future<Output = Result<Claims, Rejection>> + Send;
}

/// Why an own verifier does not vouch for a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The quote is not genuine or not acceptable.
    Refused(String),
    /// It could not be checked.
    Unavailable(String),
}

impl<E: std::error::Error> From<E> for Rejection {
    fn from(error: E) -> Rejection {
        Rejection::Unavailable(error.to_string())
    }
}

/// The TCB part of the claims, as an own verifier found it; measurements always come from the quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(String);

impl Claims {
    /// Claims with a TCB status and nothing else.
    pub fn new(tcb_status: &str) -> Claims {
        Claims(json!({ "tcb_status": tcb_status }).to_string())
    }

    /// Claims as a JSON object with the result's names; the core judges it.
    pub fn from_json(json: impl Into<String>) -> Claims {
        Claims(json.into())
    }

    /// Intel's advisories that apply.
    #[must_use]
    pub fn advisory_ids<T: Into<String>>(self, ids: impl IntoIterator<Item = T>) -> Claims {
        let ids: Vec<String> = ids.into_iter().map(Into::into).collect();
        self.with("advisory_ids", json!(ids))
    }

    /// A text by the result's name: `tcb_status_dcap`, `platform_tcb_status`, `tdx_module_tcb_status`, `qe_tcb_status`,
    /// `fmspc`, `ppid` or `platform_instance_id`.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Claims {
        self.with(name, json!(value))
    }

    /// A time by the result's name: `tcb_date` or `collateral_expires_at`.
    #[must_use]
    pub fn time(self, name: &str, value: SystemTime) -> Claims {
        let seconds = value.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        // Beyond the year 9999 there is no RFC 3339: a word that the core refuses.
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let text =
            if seconds < 253_402_300_800 { humantime::format_rfc3339_seconds(time).to_string() } else { seconds.to_string() };
        self.with(name, json!(text))
    }

    /// The number of the TCB evaluation data that the verdict rests on.
    #[must_use]
    pub fn tcb_evaluation_data_number(self, number: i64) -> Claims {
        self.with("tcb_evaluation_data_number", json!(number))
    }

    fn with(self, name: &str, value: Value) -> Claims {
        let Ok(Value::Object(mut claims)) = serde_json::from_str::<Value>(&self.0) else { return self };
        claims.insert(name.to_owned(), value);
        Claims(Value::Object(Map::from_iter(claims)).to_string())
    }
}

/// A quote to judge; it is answered once, at the latest when it is dropped.
pub(crate) struct Request(NonNull<sys::ratls_custom_request>);

// The header's promise: it may be answered from any thread.
unsafe impl Send for Request {}

impl Request {
    pub(crate) fn quote(&self) -> &[u8] {
        let mut len = 0;
        // SAFETY: the quote is valid until the request is answered, which takes `self`.
        unsafe {
            let quote = sys::ratls_custom_quote(self.0.as_ptr(), &mut len);
            if quote.is_null() { &[] } else { std::slice::from_raw_parts(quote, len) }
        }
    }

    pub(crate) fn answer(self, answer: Result<Claims, Rejection>) {
        let request = std::mem::ManuallyDrop::new(self).0;
        match answer {
            // SAFETY: consumed here, and the texts are borrowed for the call.
            Ok(Claims(json)) => unsafe {
                sys::ratls_custom_accept(request.as_ptr(), json.as_ptr().cast::<c_char>(), json.len());
            },
            Err(rejection) => reject(request, &rejection),
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        reject(self.0, &Rejection::Unavailable("it gave no answer".to_owned()));
    }
}

fn reject(request: NonNull<sys::ratls_custom_request>, rejection: &Rejection) {
    let (class, reason) = match rejection {
        Rejection::Refused(reason) => (sys::RATLS_CLASS_REFUSED, reason),
        Rejection::Unavailable(reason) => (sys::RATLS_CLASS_UNAVAILABLE, reason),
    };
    let reason: String = reason.chars().take(REASON_MAX).map(|c| if c == '\0' { '?' } else { c }).collect();
    let reason = std::ffi::CString::new(reason).unwrap_or_default();
    // SAFETY: consumed here, and the text is borrowed for the call.
    unsafe { sys::ratls_custom_reject(request.as_ptr(), class as i32, reason.as_ptr()) }
}

/// Answers requests, now or later.
pub(crate) type Judge = Arc<dyn Fn(Request, &VerifyOptions) + Send + Sync>;

/// The judge and the options that it is told.
struct Bound {
    judge: Judge,
    options: VerifyOptions,
}

/// The core's verifier for a judge, told these options with every quote.
pub(crate) fn new_handle(judge: &Judge, options: &VerifyOptions) -> Result<VerifierHandle, Error> {
    let bound = Box::into_raw(Box::new(Bound { judge: judge.clone(), options: options.clone() }));
    // SAFETY: `bound` is the core's when the call succeeds, and given back to `release` once; else it is still ours.
    let made = unsafe {
        let mut common = std::mem::zeroed::<sys::ratls_verifier_options>();
        sys::ratls_verifier_options_init(&mut common, size_of_val(&common));
        common.log = Some(log);
        VerifierHandle::make(|out, error| {
            sys::ratls_verifier_new_custom(out, Some(on_request), bound.cast(), Some(release), &common, error)
        })
    };
    if made.is_err() {
        // SAFETY: not taken over.
        drop(unsafe { Box::from_raw(bound) });
    }
    made
}

unsafe extern "C" fn on_request(user: *mut c_void, request: *mut sys::ratls_custom_request) {
    let Some(request) = NonNull::new(request).map(Request) else { return };
    // SAFETY: what `new_handle` gave, which lives until `release`.
    let bound = unsafe { &*user.cast::<Bound>() };
    // A judge that panics drops the request, and so rejects it; the panic ends here.
    let _ = catch_unwind(AssertUnwindSafe(|| (bound.judge)(request, &bound.options)));
}

unsafe extern "C" fn release(user: *mut c_void) {
    // SAFETY: called once, when no callback runs any more.
    let bound = unsafe { Box::from_raw(user.cast::<Bound>()) };
    let _ = catch_unwind(AssertUnwindSafe(|| drop(bound)));
}
