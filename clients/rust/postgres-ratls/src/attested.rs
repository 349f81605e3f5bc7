//! What is asked of connections and options that rest on a verdict.

use ra_tls_verify::{Error, VerifyResult};

pub trait Sealed {
    fn verdict(&self) -> Result<VerifyResult, Error>;

    fn refusal(&self) -> Result<Option<Error>, Error>;
}

/// Options and clients that this crate made.
pub trait Attested: Sealed {}

/// The verdict that a client rests on; for options the newest verdict on their server.
///
/// # Errors
/// `Error::Usage`: this crate did not make it, or its tunnel was closed.
pub fn attestation(of: &impl Attested) -> Result<VerifyResult, Error> {
    of.verdict()
}

/// The newest failure of a connection to the server that these options lead to; `None` when there was none. The typed form of
/// what a driver, or a pool, told as a database error or as a timeout.
///
/// # Errors
/// `Error::Usage`: this crate did not make it, or its tunnel was closed.
pub fn last_error(of: &impl Attested) -> Result<Option<Error>, Error> {
    of.refusal()
}
