//! Intel Trust Authority's verifier, and what it is told.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use ratls_sys as sys;

use crate::error::Error;
use crate::ffi::{VerifierHandle, log};
use crate::settings::{HTTPS, Texts, bytes, milliseconds, number, of_environment, pointer, proxies, read_file, text};
use crate::verifier::Verifier;

/// Where the key is looked for when none is given.
const KEY_VARIABLE: &str = "INTEL_TRUST_AUTHORITY_API_KEY";

/// Asks Intel Trust Authority, and checks its signed answer: that Intel signed it, just now, about the very quote that was
/// sent. The quote, and nothing else, goes to Intel's servers.
#[derive(Clone, Debug)]
pub struct IntelApiVerifier(pub(crate) Verifier);

impl IntelApiVerifier {
    /// The verifier with its defaults. `api_key` is an attestation key; without one, or with an empty one, it is that of
    /// `INTEL_TRUST_AUTHORITY_API_KEY`.
    ///
    /// # Errors
    /// `Error::Usage`, `INTEL_API_KEY_MISSING`: there is no key.
    pub fn new(api_key: Option<&str>) -> Result<IntelApiVerifier, Error> {
        IntelApiVerifier::builder(api_key).build()
    }

    /// The verifier with settings of your own; the key as with [`IntelApiVerifier::new`].
    pub fn builder(api_key: Option<&str>) -> IntelApiVerifierBuilder {
        IntelApiVerifierBuilder {
            api_key: api_key.filter(|key| !key.is_empty()).map(str::to_owned).or_else(|| of_environment(&[KEY_VARIABLE])),
            ..Default::default()
        }
    }
}

/// When a revocation list of the certificate that signs tokens cannot be had, or only one that has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrlPolicy {
    /// The quote could not be checked.
    #[default]
    Hard,
    /// Accept, warn, and list `intel_crl` in the result's `waived`.
    Soft,
    /// Do not ask for revocation lists at all.
    Off,
}

/// Settings of an [`IntelApiVerifier`]; what is not given has its safe default.
#[derive(Clone, Default)]
pub struct IntelApiVerifierBuilder {
    api_key: Option<String>,
    region: Option<String>,
    base_url: Option<String>,
    portal_url: Option<String>,
    policy_ids: Option<Vec<String>>,
    allowed_algorithms: Option<Vec<String>>,
    crl_hosts: Option<Vec<String>>,
    pinned_roots: Option<Vec<u8>>,
    ca: Option<Vec<u8>>,
    proxy: Option<String>,
    no_proxy: Option<String>,
    attempt_timeout: Option<Duration>,
    http_connect_timeout: Option<Duration>,
    api_version: Option<u32>,
    attempts: Option<u32>,
    requests_per_second: Option<Option<u32>>,
    min_rsa_bits: Option<u32>,
    crl_policy: CrlPolicy,
    policy_must_match: bool,
    allow_unmatched_policies: bool,
    relaxed_chain: bool,
}

impl fmt::Debug for IntelApiVerifierBuilder {
    /// Neither the key nor a proxy, which may have a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntelApiVerifierBuilder")
            .field("region", &self.region)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty => |$value:ident| $set:expr;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $value: $type) -> IntelApiVerifierBuilder {
            self.$name = $set;
            self
        }
    )*};
}

impl IntelApiVerifierBuilder {
    setters! {
        /// `us` (the default) or `eu`.
        region: impl Into<String> => |value| Some(value.into());
        /// Another API than the region's: https, without a path.
        base_url: impl Into<String> => |value| Some(value.into());
        /// The portal of that API, from which its keys come: https, without a path.
        portal_url: impl Into<String> => |value| Some(value.into());
        /// 2 (the default: nested evidence and claims) or 1 (flat).
        api_version: u32 => |value| Some(value);
        /// Appraisal policies (UUIDs), at most 10, each of which must match.
        policy_ids: impl IntoIterator<Item = impl Into<String>> => |values| Some(values.into_iter().map(Into::into).collect());
        /// Ask for no token at all unless every policy matches.
        policy_must_match: bool => |value| value;
        /// Accept although a policy that was not asked for did not match.
        allow_unmatched_policies: bool => |value| value;
        /// `PS384` (the default), `RS256`; the first is asked for.
        allowed_algorithms: impl IntoIterator<Item = impl Into<String>> => |values| Some(values.into_iter().map(Into::into).collect());
        /// Root certificates, PEM or one in DER, that the token's signing chain must end in.
        pinned_roots: impl Into<Vec<u8>> => |value| Some(value.into());
        /// When revocation of the signing certificate cannot be checked.
        crl_policy: CrlPolicy => |value| value;
        /// Hosts beside the portal's that revocation lists may come from.
        crl_hosts: impl IntoIterator<Item = impl Into<String>> => |values| Some(values.into_iter().map(Into::into).collect());
        /// Accept signing chains that are not strictly as RFC 5280 has them.
        relaxed_chain: bool => |value| value;
        /// Least size of the token's signing key, 2048 to 8192; not given: 3072.
        min_rsa_bits: u32 => |value| Some(value);
        /// Authorities that web servers are verified with, PEM; not given: the system's.
        ca: impl Into<Vec<u8>> => |value| Some(value.into());
        /// URL of an HTTP proxy; not given: `https_proxy` and `no_proxy` of the environment; empty: none.
        proxy: impl Into<String> => |value| Some(value.into());
        /// Hosts that are reached without the proxy, joined by commas.
        no_proxy: impl Into<String> => |value| Some(value.into());
        /// Times that a request is tried, at most 10; not given: 3.
        attempts: u32 => |value| Some(value);
        /// Limit of one attempt; not given: 15 s for the appraisal, 10 s for keys and revocation lists.
        attempt_timeout: Duration => |value| Some(value);
        /// Limit of one connection; not given: 5 s.
        http_connect_timeout: Duration => |value| Some(value);
        /// Requests to the API; `None`: no limit; not given: 2 for Intel's own service, no limit for another.
        requests_per_second: Option<u32> => |value| Some(value);
    }

    /// The authorities of a file; see [`IntelApiVerifierBuilder::ca`].
    ///
    /// # Errors
    /// `Error::Usage`: the file cannot be read.
    pub fn ca_file(self, path: impl AsRef<Path>) -> Result<IntelApiVerifierBuilder, Error> {
        Ok(self.ca(read_file(path.as_ref())?))
    }

    /// The root certificates of a file; see [`IntelApiVerifierBuilder::pinned_roots`].
    ///
    /// # Errors
    /// `Error::Usage`: the file cannot be read.
    pub fn pinned_roots_file(self, path: impl AsRef<Path>) -> Result<IntelApiVerifierBuilder, Error> {
        Ok(self.pinned_roots(read_file(path.as_ref())?))
    }

    /// The verifier. Nothing is sent yet.
    ///
    /// # Errors
    /// `Error::Usage`: there is no key (`INTEL_API_KEY_MISSING`), or a setting is not valid.
    pub fn build(mut self) -> Result<IntelApiVerifier, Error> {
        (self.proxy, self.no_proxy) = proxies(self.proxy, self.no_proxy, HTTPS);
        self.new_handle().map(|handle| IntelApiVerifier(Verifier::of_handle("intel", handle)))
    }

    fn new_handle(&self) -> Result<VerifierHandle, Error> {
        let api_key = text("api_key", self.api_key.as_deref())?;
        let region = text("region", self.region.as_deref())?;
        let base_url = text("base_url", self.base_url.as_deref())?;
        let portal_url = text("portal_url", self.portal_url.as_deref())?;
        let proxy = text("proxy", self.proxy.as_deref())?;
        let no_proxy = text("no_proxy", self.no_proxy.as_deref())?;
        let policy_ids = Texts::of("policy_ids", self.policy_ids.as_deref())?;
        let algorithms = Texts::of("allowed_algorithms", self.allowed_algorithms.as_deref())?;
        let crl_hosts = Texts::of("crl_hosts", self.crl_hosts.as_deref())?;
        // SAFETY: the init function makes a valid struct of the zeroed one.
        let mut options = unsafe {
            let mut options = std::mem::zeroed::<sys::ratls_intel_options>();
            sys::ratls_intel_options_init(&mut options, size_of_val(&options));
            options
        };
        options.api_key = pointer(&api_key);
        options.region = pointer(&region);
        options.base_url = pointer(&base_url);
        options.portal_url = pointer(&portal_url);
        options.proxy = pointer(&proxy);
        options.no_proxy = pointer(&no_proxy);
        (options.policy_ids, options.policy_ids_len) = policy_ids.as_c();
        (options.allowed_algorithms, options.allowed_algorithms_len) = algorithms.as_c();
        (options.crl_hosts, options.crl_hosts_len) = crl_hosts.as_c();
        (options.pinned_roots, options.pinned_roots_len) = bytes(self.pinned_roots.as_deref());
        (options.ca, options.ca_len) = bytes(self.ca.as_deref());
        self.set_numbers(&mut options)?;
        options.log = Some(log);
        // SAFETY: the inputs are borrowed for the call, and copied.
        VerifierHandle::make(|out, error| unsafe { sys::ratls_verifier_new_intel(out, &options, error) })
    }

    fn set_numbers(&self, options: &mut sys::ratls_intel_options) -> Result<(), Error> {
        options.attempt_timeout_ms = milliseconds("attempt_timeout", self.attempt_timeout)?;
        options.http_connect_timeout_ms = milliseconds("http_connect_timeout", self.http_connect_timeout)?;
        options.api_version = number("api_version", self.api_version)?;
        options.attempts = number("attempts", self.attempts)?;
        options.min_rsa_bits = number("min_rsa_bits", self.min_rsa_bits)?;
        options.requests_per_second = match self.requests_per_second {
            Some(None) => -1,
            given => number("requests_per_second", given.flatten())?,
        };
        options.crl_policy = match self.crl_policy {
            CrlPolicy::Hard => sys::RATLS_CRL_HARD,
            CrlPolicy::Soft => sys::RATLS_CRL_SOFT,
            CrlPolicy::Off => sys::RATLS_CRL_OFF,
        } as i32;
        options.policy_must_match = self.policy_must_match.into();
        options.allow_unmatched_policies = self.allow_unmatched_policies.into();
        options.relaxed_chain = self.relaxed_chain.into();
        Ok(())
    }
}
