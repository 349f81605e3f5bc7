//! Reading evidence, without judgement.

use std::ffi::c_char;
use std::fmt;
use std::sync::Arc;

use ratls_sys as sys;
use serde_json::{Map, Value};

use crate::codes::Code;
use crate::error::{Error, internal};
use crate::ffi::{QuoteHandle, call, json_object, take_bytes, take_text, text};
use crate::options::VerifyOptions;

/// Take the TDX quote out of an RA-TLS leaf certificate in DER. Nothing is verified.
///
/// `None` for a certificate with no RA-TLS extension; otherwise exactly the quote, without what may follow it.
///
/// # Errors
/// `Error::Refused`: an extension is there but does not hold a usable TDX quote.
pub fn extract_tdx_quote(certificate: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let (mut quote, mut len) = (std::ptr::null_mut(), 0);
    // SAFETY: the certificate is borrowed for the call; the outputs are places of ours, and taken over.
    unsafe {
        call(|error| sys::ratls_extract_tdx_quote(&mut quote, &mut len, certificate.as_ptr(), certificate.len(), error))?;
        Ok(take_bytes(quote, len))
    }
}

/// What a quote says, field by field, unverified.
#[derive(Clone)]
pub struct Inspection {
    handle: Arc<QuoteHandle>,
    json: String,
    fields: Map<String, Value>,
}

impl Inspection {
    fn of(handle: QuoteHandle) -> Result<Inspection, Error> {
        // SAFETY: the text lives as long as the handle.
        let json = unsafe { text(sys::ratls_quote_json(handle.as_ptr())) };
        let json = json.ok_or_else(|| Error::of_code(Code::OutOfMemory, &[]))?;
        Ok(Inspection { handle: Arc::new(handle), fields: json_object(&json)?, json })
    }

    /// A field as text: hexadecimal in memory order, a word or a decimal number; `None` where the quote has none
    /// (docs/reference/fields.md has the names).
    pub fn get(&self, field: &str) -> Option<String> {
        match self.fields.get(field)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Every field as one flat JSON object, null where the quote has none.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The policy file that pins what this shows: the MRTD, RTMR0 to RTMR2 and, where an event log explains RTMR3, the
    /// application. Of what was not verified it is as good as whoever sent it: verify under it before relying on it.
    ///
    /// # Errors
    /// `Error::Usage`: the quote has no MRTD.
    pub fn policy(&self) -> Result<String, Error> {
        let mut json = std::ptr::null_mut();
        // SAFETY: a live handle; the text is taken over.
        let taken = unsafe {
            call(|error| sys::ratls_quote_policy(&mut json, self.handle.as_ptr(), error))?;
            take_text(json)
        };
        taken.ok_or_else(|| internal("success without a result"))
    }

    /// [`Inspection::policy`] as options.
    ///
    /// # Errors
    /// `Error::Usage`: the quote has no MRTD.
    pub fn pins(&self) -> Result<VerifyOptions, Error> {
        VerifyOptions::from_policy(&self.policy()?)
    }
}

impl PartialEq for Inspection {
    fn eq(&self, other: &Inspection) -> bool {
        self.json == other.json
    }
}

impl Eq for Inspection {}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection").field("fields", &self.fields).finish_non_exhaustive()
    }
}

/// Read every field of a TDX (v4, v5) or SGX (v3, v4, v5) quote. Nothing is verified.
///
/// # Errors
/// `Error::Refused`: the bytes are no quote that can be read.
pub fn inspect_quote(quote: &[u8]) -> Result<Inspection, Error> {
    // SAFETY: the quote is borrowed for the call.
    let handle = QuoteHandle::make(|out, error| unsafe { sys::ratls_quote_inspect(out, quote.as_ptr(), quote.len(), error) })?;
    Inspection::of(handle)
}

/// Read what an RA-TLS leaf certificate in DER carries: every field of its TDX quote, and the event log. Nothing is verified.
///
/// For a certificate with no RA-TLS extension no field has a value.
///
/// # Errors
/// `Error::Refused`: an extension is there but does not hold a usable TDX quote.
pub fn inspect_certificate(certificate: &[u8]) -> Result<Inspection, Error> {
    // SAFETY: the certificate is borrowed for the call.
    let handle = QuoteHandle::make(|out, error| unsafe {
        sys::ratls_certificate_inspect(out, certificate.as_ptr(), certificate.len(), error)
    })?;
    Inspection::of(handle)
}

/// Read evidence that came without a certificate: an attestation envelope, or the JSON of dstack's GetQuote or Attest. Every
/// field of its TDX quote, and the event log beside it. Nothing is verified.
///
/// # Errors
/// `Error::Refused`: it cannot be read.
pub fn inspect_evidence(evidence: &[u8]) -> Result<Inspection, Error> {
    // SAFETY: the evidence is borrowed for the call.
    let handle =
        QuoteHandle::make(|out, error| unsafe { sys::ratls_evidence_inspect(out, evidence.as_ptr(), evidence.len(), error) })?;
    Inspection::of(handle)
}

/// Read the quote of a sidecar's attestation report, the JSON of `/attestation`: every field of it. Nothing is verified.
///
/// # Errors
/// `Error::Refused`: it cannot be read.
pub fn inspect_report(report: &[u8]) -> Result<Inspection, Error> {
    // SAFETY: the report is borrowed for the call.
    let handle = QuoteHandle::make(|out, error| unsafe {
        sys::ratls_report_inspect(out, report.as_ptr().cast::<c_char>(), report.len(), error)
    })?;
    Inspection::of(handle)
}

/// The compose hash of an app-compose file's bytes, as dstack computes it.
///
/// # Errors
/// `Error::Usage`: they are no JSON object, such as the docker-compose file inside of it.
pub fn compose_hash(file: &[u8]) -> Result<String, Error> {
    let mut hash = std::ptr::null_mut();
    // SAFETY: the file is borrowed for the call; the text is taken over.
    let taken = unsafe {
        call(|error| sys::ratls_compose_hash(&mut hash, file.as_ptr(), file.len(), error))?;
        take_text(hash)
    };
    taken.ok_or_else(|| internal("success without a result"))
}
