//! Is the peer of this TLS connection inside a genuine Intel TDX machine? Verification of RA-TLS certificates and TDX quotes.
//!
//! ```no_run
//! use ra_tls_verify::{DcapVerifier, VerifyOptions, extract_tdx_quote};
//!
//! # async fn verify(certificate: &[u8]) -> Result<(), ra_tls_verify::Error> {
//! let verifier = DcapVerifier::new(); // keep it: it remembers verdicts and collateral
//! let options = VerifyOptions { allowed_mrtds: vec!["91a0563f0c…c3d2".into()], ..Default::default() };
//! let result = verifier.verify_certificate(certificate, &options).await?; // verify_certificate_blocking() beside it
//! println!("{:?} {:?} {:?}", result.mr_td, result.tcb_status, result.advisory_ids);
//!
//! if let Some(quote) = extract_tdx_quote(certificate)? {
//!     verifier.verify(&quote, &options).await?; // the quote alone: it belongs to no connection
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The work is done in C by libratls, which this crate carries. To connect to PostgreSQL, use the crate `postgres-ratls`.

mod cancel;
#[rustfmt::skip]
mod codes;
mod collateral;
mod dcap;
mod error;
mod evidence;
mod ffi;
mod intel;
mod leader;
mod options;
mod own;
mod report;
#[rustfmt::skip]
mod result;
mod settings;
mod tunnel;
mod value;
mod verifier;

pub use codes::Code;
pub use collateral::{CollateralCheck, CollateralRequest, PckCa, Platform};
pub use dcap::{DcapVerifier, Update};
pub use error::{Class, Error, Failure};
pub use evidence::{
    Inspection, compose_hash, extract_tdx_quote, inspect_certificate, inspect_evidence, inspect_quote, inspect_report,
};
pub use intel::{CrlPolicy, IntelApiVerifier, IntelApiVerifierBuilder};
pub use leader::{Leader, LeaderRecord, LeaderSettings};
pub use options::{ANY, VerifyOptions};
#[cfg(feature = "tokio")]
pub use own::AsyncRaTlsVerifier;
pub use own::{Claims, RaTlsVerifier, Rejection};
#[cfg(feature = "tokio")]
pub use report::fetch_report;
pub use report::{ReportFetch, fetch_report_blocking};
pub use result::VerifyResult;
pub use tunnel::{Keepalive, Tunnel, TunnelStats, Upstream};
pub use verifier::{NoopVerifier, Verifier};

/// The version of this crate, which is the library's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The snippets of the page compile.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
