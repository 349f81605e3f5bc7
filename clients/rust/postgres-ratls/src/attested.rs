//! What is asked of connections and options that rest on a verdict.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ra_tls_verify::{Code, Error, VerifyResult};

pub trait Sealed {
    fn verdict(&self) -> Result<VerifyResult, Error>;

    fn refusal(&self) -> Result<Option<Error>, Error>;

    fn evidence(&self) -> Result<String, Error>;
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

/// Write down what the verdict was reached from: `ratls verify --saved FILE` repeats it, at its time, years later. Of a client
/// that is open, its own verdict; of options, the newest on their server. The file must not be there yet.
///
/// # Errors
/// `Error::Usage`: this crate did not make it, its tunnel or connection was closed, or the file cannot be written.
pub fn save_evidence(of: &impl Attested, path: impl AsRef<Path>) -> Result<(), Error> {
    let (evidence, path) = (of.evidence()?, path.as_ref());
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(evidence.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| {
        let what = format!("{}: {error}", path.display());
        Error::of_code(Code::ArgumentInvalid, &[("argument", "path"), ("what", &what)])
    })
}
