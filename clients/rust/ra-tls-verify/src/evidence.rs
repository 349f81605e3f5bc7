//! Reading evidence, without judgement.

use ratls_sys as sys;
use serde_json::{Map, Value};

use crate::codes::Code;
use crate::error::Error;
use crate::ffi::{QuoteHandle, call, json_object, take_bytes, text};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    json: String,
    fields: Map<String, Value>,
}

impl Inspection {
    fn of(handle: &QuoteHandle) -> Result<Inspection, Error> {
        // SAFETY: the text lives as long as the handle.
        let json = unsafe { text(sys::ratls_quote_json(handle.as_ptr())) };
        let json = json.ok_or_else(|| Error::of_code(Code::OutOfMemory, &[]))?;
        Ok(Inspection { fields: json_object(&json)?, json })
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
}

/// Read every field of a TDX (v4, v5) or SGX (v3, v4, v5) quote. Nothing is verified.
///
/// # Errors
/// `Error::Refused`: the bytes are no quote that can be read.
pub fn inspect_quote(quote: &[u8]) -> Result<Inspection, Error> {
    // SAFETY: the quote is borrowed for the call.
    let handle = QuoteHandle::make(|out, error| unsafe { sys::ratls_quote_inspect(out, quote.as_ptr(), quote.len(), error) })?;
    Inspection::of(&handle)
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
    Inspection::of(&handle)
}
