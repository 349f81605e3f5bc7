//! The edge to C: handles that free themselves, errors and texts taken over. Every `unsafe` that is not a verifier's or a
//! tunnel's own is here.

use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};

use ratls_sys as sys;
use serde_json::{Map, Value};

use crate::codes::Code;
use crate::error::{Error, argument_invalid, internal};
use crate::result::VerifyResult;

pub(crate) const OK: sys::ratls_status = sys::RATLS_OK as sys::ratls_status;
pub(crate) const SPELLING: i32 = sys::RATLS_SPELLING_RUST as i32;

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident: $raw:ident, $free:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name(NonNull<sys::$raw>);

        // The header's promise: every handle may be used by several threads at once.
        unsafe impl Send for $name {}
        unsafe impl Sync for $name {}

        impl $name {
            /// Take over what `make` puts into its first argument.
            pub(crate) fn make(
                make: impl FnOnce(*mut *mut sys::$raw, *mut *mut sys::ratls_error) -> sys::ratls_status,
            ) -> Result<$name, Error> {
                let mut out = ptr::null_mut();
                call(|error| make(&mut out, error))?;
                NonNull::new(out).map($name).ok_or_else(|| internal("success without a result"))
            }

            pub(crate) fn as_ptr(&self) -> *mut sys::$raw {
                self.0.as_ptr()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: owned, and nobody else frees it.
                unsafe { sys::$free(self.0.as_ptr()) }
            }
        }
    )*};
}

handles! {
    QuoteHandle: ratls_quote, ratls_quote_free;
    PolicyHandle: ratls_policy, ratls_policy_free;
    VerifierHandle: ratls_verifier, ratls_verifier_free;
    ResultHandle: ratls_result, ratls_result_free;
    TunnelHandle: ratls_tunnel, ratls_tunnel_close;
    CancelHandle: ratls_cancel, ratls_cancel_free;
    LeaderHandle: ratls_leader, ratls_leader_free;
    LeaderRecordHandle: ratls_leader_record, ratls_leader_record_free;
}

/// Make a call that may fail; its error becomes ours.
pub(crate) fn call(function: impl FnOnce(*mut *mut sys::ratls_error) -> sys::ratls_status) -> Result<(), Error> {
    let mut error = ptr::null_mut();
    let status = function(&mut error);
    if status == OK { Ok(()) } else { Err(take_error(error).unwrap_or_else(|| of_status(status))) }
}

/// The core had no memory left for an error of its own.
fn of_status(status: sys::ratls_status) -> Error {
    // SAFETY: a static text for every number.
    let name = unsafe { text(sys::ratls_status_name(status)) }.unwrap_or_default();
    Error::of_code(Code::from_name(&name).unwrap_or(Code::Internal), &[])
}

/// Take over a core error, and free it; `None` for NULL.
pub(crate) fn take_error(error: *mut sys::ratls_error) -> Option<Error> {
    NonNull::new(error).map(|error| {
        // SAFETY: ours until it is freed; the texts are copied before.
        unsafe {
            let json = text(sys::ratls_error_json(error.as_ptr(), SPELLING));
            let tcb = text(sys::ratls_error_tcb_json(error.as_ptr()));
            sys::ratls_error_free(error.as_ptr());
            json.map_or_else(|| Error::of_code(Code::OutOfMemory, &[]), |json| Error::of_json(&json, tcb.as_deref()))
        }
    })
}

/// A copy of a C text; `None` for NULL.
///
/// # Safety
/// NULL, or a text that ends with NUL and lives for the call.
pub(crate) unsafe fn text(text: *const c_char) -> Option<String> {
    // SAFETY: as said above.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// Take over bytes that the core handed out, and free them.
///
/// # Safety
/// NULL, or `len` bytes that `ratls_bytes_free` frees.
pub(crate) unsafe fn take_bytes(bytes: *mut u8, len: usize) -> Option<Vec<u8>> {
    if bytes.is_null() {
        return None;
    }
    // SAFETY: as said above.
    unsafe {
        let copy = std::slice::from_raw_parts(bytes, len).to_vec();
        sys::ratls_bytes_free(bytes.cast());
        Some(copy)
    }
}

/// Take over a text that the core handed out, and free it.
///
/// # Safety
/// NULL, or a text that `ratls_bytes_free` frees.
pub(crate) unsafe fn take_text(taken: *mut c_char) -> Option<String> {
    // SAFETY: as said above.
    unsafe {
        let copy = text(taken);
        sys::ratls_bytes_free(taken.cast());
        copy
    }
}

/// A text for C; a NUL inside is a wrong argument.
pub(crate) fn c_string(argument: &str, value: &str) -> Result<CString, Error> {
    CString::new(value).map_err(|_| argument_invalid(argument, "it has a NUL"))
}

pub(crate) fn json_object(json: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(json).map_err(|_| internal("what should be a JSON object is none"))
}

/// What the core says of a result.
pub(crate) fn verify_result(handle: &ResultHandle) -> Result<VerifyResult, Error> {
    // SAFETY: the text lives as long as the handle.
    let json = unsafe { text(sys::ratls_result_json(handle.as_ptr())) };
    let json = json.ok_or_else(|| Error::of_code(Code::OutOfMemory, &[]))?;
    let fields = json_object(&json)?;
    Ok(VerifyResult::of(json, &fields))
}

/// Warnings of the core go to the crate `log`.
pub(crate) unsafe extern "C" fn log(_user: *mut c_void, message: *const c_char) {
    // SAFETY: a text of the core's, for this call.
    if let Some(message) = unsafe { text(message) } {
        // A logger that panics must not unwind through C.
        let _ = catch_unwind(AssertUnwindSafe(|| log::warn!(target: "ra_tls_verify", "{message}")));
    }
}
