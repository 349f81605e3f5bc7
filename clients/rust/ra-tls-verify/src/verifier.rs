//! Who judges a quote.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ratls_sys as sys;

use crate::cancel::{self, Cancel};
use crate::dcap::{DcapSettings, DcapVerifier, new_dcap};
use crate::error::Error;
use crate::ffi::{ResultHandle, VerifierHandle, log, verify_result};
use crate::intel::IntelApiVerifier;
use crate::options::VerifyOptions;
use crate::own::{Judge, RaTlsVerifier, new_handle};
use crate::result::VerifyResult;

/// Handles that an own verifier, or one made of others, keeps, one for each set of options that it is used with.
const OPTION_SETS_MAX: usize = 16;

/// A verifier, built in or your own. Cloning it, and `Arc`s of it, share one verifier with its cache of verdicts; it may be used
/// by any number of threads and connections at once.
///
/// [`DcapVerifier`], [`IntelApiVerifier`] and [`NoopVerifier`] are verifiers too, with all these functions, and turn into this
/// type where one is asked for.
#[derive(Clone)]
pub struct Verifier(pub(crate) Arc<Kind>);

pub(crate) enum Kind {
    Dcap(Box<DcapSettings>, OnceLock<Result<Arc<VerifierHandle>, Error>>),
    Noop(OnceLock<Result<Arc<VerifierHandle>, Error>>),
    /// One that was made at once, and its name.
    Made(&'static str, Arc<VerifierHandle>),
    Combined(Combination, Vec<Verifier>, Handles),
    Own(Judge, Handles),
}

/// One handle for each set of options, the newest last.
pub(crate) type Handles = Mutex<Vec<(VerifyOptions, Arc<VerifierHandle>)>>;

/// How several verifiers become one.
#[derive(Clone, Copy)]
pub(crate) enum Combination {
    All,
    First,
}

type VerifyFunction<Byte> = unsafe extern "C" fn(
    *mut *mut sys::ratls_result,
    *mut sys::ratls_verifier,
    *const Byte,
    usize,
    *const sys::ratls_verify_options,
    *mut sys::ratls_cancel,
    *mut *mut sys::ratls_error,
) -> sys::ratls_status;

impl Verifier {
    /// A verifier of your own. Keep it, and clone it: it remembers verdicts.
    pub fn own(verifier: impl RaTlsVerifier) -> Verifier {
        Verifier::judging(Arc::new(move |request, options| {
            let answer = verifier.verify(request.quote(), options);
            request.answer(answer);
        }))
    }

    /// A verifier of your own that awaits; it runs on `runtime`.
    #[cfg(feature = "tokio")]
    pub fn own_async(verifier: impl crate::own::AsyncRaTlsVerifier, runtime: tokio::runtime::Handle) -> Verifier {
        let verifier = Arc::new(verifier);
        Verifier::judging(Arc::new(move |request, options| {
            let (verifier, options) = (verifier.clone(), options.clone());
            // A runtime that has ended drops the task, and so rejects the request.
            runtime.spawn(async move {
                let answer = verifier.verify(request.quote(), &options).await;
                request.answer(answer);
            });
        }))
    }

    /// A verifier that accepts only what each of `verifiers` accepts, 1 to 8 of them, asked in their order. Its results have the
    /// worst TCB status and the union of the advisories.
    ///
    /// # Errors
    /// `Error::Usage`: there are none or too many, one checks no signature ([`NoopVerifier`]), or has a setting that is wrong.
    pub fn all(verifiers: impl IntoIterator<Item = Verifier>) -> Result<Verifier, Error> {
        Verifier::combined(Combination::All, verifiers.into_iter().collect())
    }

    /// A verifier that asks `verifiers`, 1 to 8 of them, in their order until one could check: the next one is asked only when
    /// one could not (network, timeout, missing collateral), never after a refusal.
    ///
    /// # Errors
    /// As for [`Verifier::all`].
    pub fn first(verifiers: impl IntoIterator<Item = Verifier>) -> Result<Verifier, Error> {
        Verifier::combined(Combination::First, verifiers.into_iter().collect())
    }

    fn combined(combination: Combination, parts: Vec<Verifier>) -> Result<Verifier, Error> {
        let verifier = Verifier(Arc::new(Kind::Combined(combination, parts, Mutex::default())));
        verifier.handle(&VerifyOptions::default())?;
        Ok(verifier)
    }

    pub(crate) fn of_handle(name: &'static str, handle: VerifierHandle) -> Verifier {
        Verifier(Arc::new(Kind::Made(name, Arc::new(handle))))
    }

    fn judging(judge: Judge) -> Verifier {
        Verifier(Arc::new(Kind::Own(judge, Mutex::default())))
    }

    /// Verify a quote that came without a certificate. It does not check that the quote belongs to any connection: use
    /// `verify_certificate_blocking`, or pin `report_data`.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_blocking(&self, quote: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run(sys::ratls_verify, quote, options, None)
    }

    /// Verify an RA-TLS leaf certificate in DER: its quote, and that the quote binds the certificate's key. It does not check
    /// the host name, the certificate's dates, or that the peer holds the key (TLS proves that).
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_certificate_blocking(&self, certificate: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run(sys::ratls_verify_certificate, certificate, options, None)
    }

    /// Verify evidence that came without a certificate, an attestation envelope or the JSON of dstack's GetQuote or Attest: its
    /// quote, and that the event log beside it is the one that RTMR3 was extended with, so that the result tells which application
    /// it is. It does not check that the evidence belongs to any connection, or how old it is: pin `report_data` for that.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_evidence_blocking(&self, evidence: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run(sys::ratls_verify_evidence, evidence, options, None)
    }

    /// Verify a sidecar's attestation report, the JSON of `/attestation` ([`crate::fetch_report`] gets it): its quote, that the rest
    /// repeats it, that the quote commits to LSN, control data and time, and that it is not older than `max_age_s`.
    ///
    /// A report is monitoring data: whoever has seen it can send it, and it belongs to no connection; `key_bound` is false.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn verify_report_blocking(&self, report: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run(sys::ratls_verify_report, report, options, None)
    }

    /// [`Verifier::verify_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// The first check that failed.
    #[cfg(feature = "tokio")]
    pub async fn verify(&self, quote: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run_async(sys::ratls_verify, quote, options).await
    }

    /// [`Verifier::verify_certificate_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// The first check that failed.
    #[cfg(feature = "tokio")]
    pub async fn verify_certificate(&self, certificate: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run_async(sys::ratls_verify_certificate, certificate, options).await
    }

    /// [`Verifier::verify_evidence_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// The first check that failed.
    #[cfg(feature = "tokio")]
    pub async fn verify_evidence(&self, evidence: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run_async(sys::ratls_verify_evidence, evidence, options).await
    }

    /// [`Verifier::verify_report_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// The first check that failed.
    #[cfg(feature = "tokio")]
    pub async fn verify_report(&self, report: &[u8], options: &VerifyOptions) -> Result<VerifyResult, Error> {
        self.run_async(sys::ratls_verify_report, report, options).await
    }

    #[cfg(feature = "tokio")]
    async fn run_async<Byte: 'static>(
        &self,
        function: VerifyFunction<Byte>,
        evidence: &[u8],
        options: &VerifyOptions,
    ) -> Result<VerifyResult, Error> {
        let (verifier, evidence, options) = (self.clone(), evidence.to_vec(), options.clone());
        cancel::waiting(move |cancel| verifier.run(function, &evidence, &options, cancel)).await
    }

    /// `Byte` is how C calls the type of a byte of this evidence.
    fn run<Byte>(
        &self,
        function: VerifyFunction<Byte>,
        evidence: &[u8],
        options: &VerifyOptions,
        cancel: Option<&Cancel>,
    ) -> Result<VerifyResult, Error> {
        let policy = options.policy()?;
        let verifier = self.handle(options)?;
        // SAFETY: everything is borrowed for the call.
        let result = ResultHandle::make(|out, error| unsafe {
            let options = sys::ratls_policy_options(policy.as_ptr());
            function(out, verifier.as_ptr(), evidence.as_ptr().cast(), evidence.len(), options, cancel::as_ptr(cancel), error)
        })?;
        verify_result(&result)
    }

    /// The core's verifier, made when it is first used. For an own one, and for one made of such, it is made for the options,
    /// which `verify` is told.
    pub(crate) fn handle(&self, options: &VerifyOptions) -> Result<Arc<VerifierHandle>, Error> {
        match &*self.0 {
            Kind::Dcap(settings, made) => made.get_or_init(|| new_dcap(settings).map(Arc::new)).clone(),
            Kind::Noop(made) => made.get_or_init(|| new_noop().map(Arc::new)).clone(),
            Kind::Made(_, handle) => Ok(handle.clone()),
            Kind::Combined(combination, parts, handles) => {
                // One handle, and so one cache of verdicts, for all options, unless a part has one for each.
                let any = VerifyOptions::default();
                let options = if self.serves_all_options() { &any } else { options };
                handle_for(handles, options, || new_combined(*combination, parts, options))
            }
            Kind::Own(judge, handles) => handle_for(handles, options, || new_handle(judge, options)),
        }
    }

    /// Its handle does not depend on the options.
    fn serves_all_options(&self) -> bool {
        match &*self.0 {
            Kind::Dcap(..) | Kind::Noop(..) | Kind::Made(..) => true,
            Kind::Combined(_, parts, _) => parts.iter().all(Verifier::serves_all_options),
            Kind::Own(..) => false,
        }
    }
}

fn handle_for(
    handles: &Handles,
    options: &VerifyOptions,
    make: impl FnOnce() -> Result<VerifierHandle, Error>,
) -> Result<Arc<VerifierHandle>, Error> {
    let mut handles = handles.lock().unwrap_or_else(PoisonError::into_inner);
    let entry = match handles.iter().position(|(known, _)| known == options) {
        Some(position) => handles.remove(position),
        None => (options.clone(), Arc::new(make()?)),
    };
    let handle = entry.1.clone();
    handles.push(entry);
    if handles.len() > OPTION_SETS_MAX {
        handles.remove(0);
    }
    Ok(handle)
}

fn new_combined(combination: Combination, parts: &[Verifier], options: &VerifyOptions) -> Result<VerifierHandle, Error> {
    let parts = parts.iter().map(|part| part.handle(options)).collect::<Result<Vec<_>, Error>>()?;
    let pointers: Vec<_> = parts.iter().map(|part| part.as_ptr()).collect();
    let function = match combination {
        Combination::All => sys::ratls_verifier_new_all,
        Combination::First => sys::ratls_verifier_new_first,
    };
    // SAFETY: the init function makes a valid struct of the zeroed one; the core keeps holds of its own on the parts.
    unsafe {
        let mut common = std::mem::zeroed::<sys::ratls_verifier_options>();
        sys::ratls_verifier_options_init(&mut common, size_of_val(&common));
        common.log = Some(log);
        VerifierHandle::make(|out, error| function(out, pointers.as_ptr(), pointers.len(), &common, error))
    }
}

fn new_noop() -> Result<VerifierHandle, Error> {
    // SAFETY: the init function makes a valid struct of the zeroed one.
    unsafe {
        let mut options = std::mem::zeroed::<sys::ratls_verifier_options>();
        sys::ratls_verifier_options_init(&mut options, size_of_val(&options));
        options.log = Some(log);
        VerifierHandle::make(|out, error| sys::ratls_verifier_new_noop(out, &options, error))
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &*self.0 {
            Kind::Dcap(..) => "dcap",
            Kind::Noop(..) => "noop",
            Kind::Made(name, _) => name,
            Kind::Combined(Combination::All, ..) => "all",
            Kind::Combined(Combination::First, ..) => "first",
            Kind::Own(..) => "custom",
        };
        f.debug_tuple("Verifier").field(&kind).finish()
    }
}

/// Checks no signature: for development. The options and the key binding still hold, and a quote must be there; its results
/// are `accepted`, not `verified`.
#[derive(Clone, Debug)]
pub struct NoopVerifier(Verifier);

impl NoopVerifier {
    /// The verifier that checks no signature.
    pub fn new() -> NoopVerifier {
        NoopVerifier(Verifier(Arc::new(Kind::Noop(OnceLock::new()))))
    }
}

macro_rules! built_in {
    ($($name:ident),*) => {$(
        impl Deref for $name {
            type Target = Verifier;

            fn deref(&self) -> &Verifier {
                &self.0
            }
        }

        impl From<$name> for Verifier {
            fn from(verifier: $name) -> Verifier {
                verifier.0
            }
        }

        impl From<&$name> for Verifier {
            fn from(verifier: &$name) -> Verifier {
                verifier.0.clone()
            }
        }

        impl From<Arc<$name>> for Verifier {
            fn from(verifier: Arc<$name>) -> Verifier {
                verifier.0.clone()
            }
        }

        impl From<&Arc<$name>> for Verifier {
            fn from(verifier: &Arc<$name>) -> Verifier {
                verifier.0.clone()
            }
        }
    )*};
}

built_in!(DcapVerifier, IntelApiVerifier, NoopVerifier);

impl Default for NoopVerifier {
    fn default() -> NoopVerifier {
        NoopVerifier::new()
    }
}

impl From<&Verifier> for Verifier {
    fn from(verifier: &Verifier) -> Verifier {
        verifier.clone()
    }
}

impl From<Arc<Verifier>> for Verifier {
    fn from(verifier: Arc<Verifier>) -> Verifier {
        (*verifier).clone()
    }
}

impl From<&Arc<Verifier>> for Verifier {
    fn from(verifier: &Arc<Verifier>) -> Verifier {
        (**verifier).clone()
    }
}
