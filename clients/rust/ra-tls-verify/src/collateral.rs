//! Collateral ahead of its use: fetched, kept, looked into.

use std::time::Duration;

use ratls_sys as sys;

#[cfg(feature = "tokio")]
use crate::cancel;
use crate::cancel::Cancel;
use crate::dcap::DcapVerifier;
use crate::error::{Error, internal};
use crate::ffi::{VerifierHandle, call, json_object, take_text};
use crate::options::VerifyOptions;
use crate::settings::{bytes, milliseconds, pointer, text};
use crate::value::flag;
use crate::verifier::Verifier;

/// Whose collateral is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// The platform of a quote.
    Quote(Vec<u8>),
    /// The platform of the quote in an RA-TLS leaf certificate, in DER.
    Certificate(Vec<u8>),
    /// Every platform with an FMSPC.
    Fmspc {
        /// 12 hexadecimal digits.
        fmspc: String,
        /// The CA of its PCK certificates.
        ca: PckCa,
        /// For SGX quotes instead of TDX quotes.
        sgx: bool,
    },
}

/// The CA of a platform's PCK certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PckCa {
    /// That of servers.
    #[default]
    Platform,
    /// That of single processors.
    Processor,
}

/// How collateral is asked for; what is not given has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollateralRequest {
    /// Deadline; not given: 30 s.
    pub timeout: Option<Duration>,
    /// Ask the service also for what the cache has.
    pub refresh: bool,
    /// For a check, the days of life below which it warns; not given: 7; 0: none.
    pub warn_days: Option<u32>,
}

/// What a platform has to expect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollateralCheck {
    /// There is a warning.
    pub attention: bool,
    /// All of it as a JSON object (docs/collateral.md).
    pub json: String,
}

type TextFunction = unsafe extern "C" fn(
    *mut *mut std::ffi::c_char,
    *mut sys::ratls_verifier,
    *const sys::ratls_collateral_options,
    *mut sys::ratls_cancel,
    *mut *mut sys::ratls_error,
) -> sys::ratls_status;

/// Call with the core's options for this.
fn with_options<T>(
    platform: &Platform,
    request: &CollateralRequest,
    function: impl FnOnce(&sys::ratls_collateral_options) -> Result<T, Error>,
) -> Result<T, Error> {
    let fmspc = match platform {
        Platform::Fmspc { fmspc, .. } => Some(fmspc.as_str()),
        Platform::Quote(_) | Platform::Certificate(_) => None,
    };
    let fmspc = text("fmspc", fmspc)?;
    let timeout_ms = milliseconds("timeout", request.timeout)?;
    // SAFETY: the init function makes a valid struct of the zeroed one.
    let mut options = unsafe {
        let mut options = std::mem::zeroed::<sys::ratls_collateral_options>();
        sys::ratls_collateral_options_init(&mut options, size_of_val(&options));
        options
    };
    match platform {
        Platform::Quote(quote) => (options.quote, options.quote_len) = bytes(Some(quote)),
        Platform::Certificate(certificate) => (options.certificate, options.certificate_len) = bytes(Some(certificate)),
        Platform::Fmspc { ca, sgx, .. } => {
            options.fmspc = pointer(&fmspc);
            options.ca = match ca {
                PckCa::Platform => c"platform",
                PckCa::Processor => c"processor",
            }
            .as_ptr();
            options.sgx = (*sgx).into();
        }
    }
    options.timeout_ms = timeout_ms;
    options.refresh = request.refresh.into();
    options.warn_days = request.warn_days.map_or(0, |days| if days == 0 { -1 } else { days.into() });
    function(&options)
}

fn text_of(
    function: TextFunction,
    verifier: &VerifierHandle,
    platform: &Platform,
    request: &CollateralRequest,
    cancel: Option<&Cancel>,
) -> Result<String, Error> {
    let mut json = std::ptr::null_mut();
    with_options(platform, request, |options| {
        // SAFETY: a live handle; the options are borrowed for the call, the text is taken over.
        let taken = unsafe {
            call(|error| function(&mut json, verifier.as_ptr(), options, crate::cancel::as_ptr(cancel), error))?;
            take_text(json)
        };
        taken.ok_or_else(|| internal("success without a result"))
    })
}

impl Verifier {
    /// Fetch ahead what the verifier will need for a platform, so that no connection waits for it. What is kept and still holds is
    /// not fetched. Does nothing for a verifier that fetches no collateral; asks each part of a combined one.
    ///
    /// # Errors
    /// `Error::Unavailable`: it cannot be had.
    pub fn warm_blocking(&self, platform: &Platform, request: &CollateralRequest) -> Result<(), Error> {
        self.warm_until(platform, request, None)
    }

    /// [`Verifier::warm_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "tokio")]
    pub async fn warm(&self, platform: &Platform, request: &CollateralRequest) -> Result<(), Error> {
        let (verifier, platform, request) = (self.clone(), platform.clone(), request.clone());
        cancel::waiting(move |cancel| verifier.warm_until(&platform, &request, cancel)).await
    }

    fn warm_until(&self, platform: &Platform, request: &CollateralRequest, cancel: Option<&Cancel>) -> Result<(), Error> {
        let handle = self.handle(&VerifyOptions::default())?;
        with_options(platform, request, |options| {
            // SAFETY: a live handle; the options are borrowed for the call.
            call(|error| unsafe { sys::ratls_verifier_warm(handle.as_ptr(), options, crate::cancel::as_ptr(cancel), error) })
        })
    }

    fn collateral_text(
        &self,
        function: TextFunction,
        platform: &Platform,
        request: &CollateralRequest,
        cancel: Option<&Cancel>,
    ) -> Result<String, Error> {
        let handle = self.handle(&VerifyOptions::default())?;
        text_of(function, &handle, platform, request, cancel)
    }
}

impl DcapVerifier {
    /// The collateral of a platform as a bundle (docs/collateral.md), which [`DcapVerifier::with_collateral`] takes.
    ///
    /// # Errors
    /// `Error::Unavailable`: it cannot be had.
    pub fn fetch_collateral_blocking(&self, platform: &Platform, request: &CollateralRequest) -> Result<String, Error> {
        self.0.collateral_text(sys::ratls_collateral_fetch, platform, request, None)
    }

    /// [`DcapVerifier::fetch_collateral_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "tokio")]
    pub async fn fetch_collateral(&self, platform: &Platform, request: &CollateralRequest) -> Result<String, Error> {
        let (verifier, platform, request) = (self.0.clone(), platform.clone(), request.clone());
        cancel::waiting(move |cancel| verifier.collateral_text(sys::ratls_collateral_fetch, &platform, &request, cancel)).await
    }

    /// What the platform of a quote has to expect when Intel's early set of TCB data becomes the standard one, and what expires
    /// soon.
    ///
    /// # Errors
    /// `Error::Unavailable`: collateral cannot be had. `Error::Refused`: the quote's own certificates do not verify.
    pub fn check_collateral_blocking(&self, platform: &Platform, request: &CollateralRequest) -> Result<CollateralCheck, Error> {
        check_of(self.0.collateral_text(sys::ratls_collateral_check, platform, request, None)?)
    }

    /// [`DcapVerifier::check_collateral_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "tokio")]
    pub async fn check_collateral(&self, platform: &Platform, request: &CollateralRequest) -> Result<CollateralCheck, Error> {
        let (verifier, platform, request) = (self.0.clone(), platform.clone(), request.clone());
        let check = move |cancel: Option<&Cancel>| {
            check_of(verifier.collateral_text(sys::ratls_collateral_check, &platform, &request, cancel)?)
        };
        cancel::waiting(check).await
    }
}

fn check_of(json: String) -> Result<CollateralCheck, Error> {
    let attention = flag(&json_object(&json)?, "attention").ok_or_else(|| internal("a check that does not say how it went"))?;
    Ok(CollateralCheck { attention, json })
}
