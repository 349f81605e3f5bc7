//! What a connection accepts, and how it is made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use ra_tls_verify::{Code, Error, Keepalive, Upstream, VerifyOptions};

/// What is accepted of a server; an option that is not given has its safe default. The fields of
/// [`ra_tls_verify::VerifyOptions`], and those of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaTlsOptions {
    /// MRTDs that are accepted, 96 hexadecimal digits each. Not given it holds [`ra_tls_verify::ANY`] alone; a list that is
    /// empty is an error, so that an allowlist read from somewhere else never turns into "everybody".
    pub allowed_mrtds: Vec<String>,
    /// Further fields and the values they may have: values of one field are alternatives, fields are joined by and.
    pub pins: Option<BTreeMap<String, Vec<String>>>,
    /// TCB statuses that are accepted; not given: `OK` and `SWHardeningNeeded`. `Revoked` never is.
    pub acceptable_tcb_statuses: Option<Vec<String>>,
    /// When given, every advisory of the verdict must be listed.
    pub allowed_advisory_ids: Option<Vec<String>>,
    /// Lowest TCB evaluation data number of the collateral.
    pub min_tcb_evaluation_data_number: Option<i64>,
    /// Lowest value of each byte of TEE_TCB_SVN, 32 hexadecimal digits.
    pub min_tee_tcb_svn: Option<String>,
    /// Accept a TD or enclave in debug mode.
    pub allow_debug_mode: bool,
    /// Accept a TD whose SEPT_VE_DISABLE is clear.
    pub allow_sept_ve: bool,
    /// Accept a server without a quote, only while nothing is pinned. For development.
    pub allow_simulator: bool,
    /// Accept application pins without pins of MRTD and RTMR0 to RTMR2.
    pub allow_partial_pins: bool,
    /// Verify for this time instead of the clock's; bypasses the verdict cache.
    pub now: Option<SystemTime>,
    /// Seconds that a verdict on a certificate is kept; 0: not at all; not given: 3600.
    pub cache_ttl_s: Option<u32>,
    /// Deadline of one verification, in milliseconds; not given: 30000.
    pub timeout_ms: Option<u32>,
    /// Send PostgreSQL's SSLRequest first, for a server that does not take TLS from the first byte on.
    pub start_tls: bool,
    /// Probes of a silent server; not given: as the connection string says.
    pub keepalive: Option<Keepalive>,
    /// How long sent data may stay unacknowledged before the server counts as gone; not given: as the connection string says,
    /// and 60 s if it does not.
    pub tcp_user_timeout: Option<Duration>,
    /// Present a certificate of this client's own TEE. Not built yet in this version.
    pub client_attestation: bool,
    /// Socket of the dstack guest agent. Not built yet in this version.
    pub dstack_socket: Option<PathBuf>,
}

impl Default for RaTlsOptions {
    fn default() -> RaTlsOptions {
        VerifyOptions::default().into()
    }
}

impl From<VerifyOptions> for RaTlsOptions {
    fn from(verify: VerifyOptions) -> RaTlsOptions {
        RaTlsOptions {
            allowed_mrtds: verify.allowed_mrtds,
            pins: verify.pins,
            acceptable_tcb_statuses: verify.acceptable_tcb_statuses,
            allowed_advisory_ids: verify.allowed_advisory_ids,
            min_tcb_evaluation_data_number: verify.min_tcb_evaluation_data_number,
            min_tee_tcb_svn: verify.min_tee_tcb_svn,
            allow_debug_mode: verify.allow_debug_mode,
            allow_sept_ve: verify.allow_sept_ve,
            allow_simulator: verify.allow_simulator,
            allow_partial_pins: verify.allow_partial_pins,
            now: verify.now,
            cache_ttl_s: verify.cache_ttl_s,
            timeout_ms: verify.timeout_ms,
            start_tls: false,
            keepalive: None,
            tcp_user_timeout: None,
            client_attestation: false,
            dstack_socket: None,
        }
    }
}

impl RaTlsOptions {
    /// What of the link is said here wins over what the connection string says.
    pub(crate) fn apply_to(&self, upstream: &mut Upstream) {
        upstream.start_tls = self.start_tls;
        upstream.keepalive = self.keepalive.unwrap_or(upstream.keepalive);
        upstream.tcp_user_timeout = self.tcp_user_timeout.or(upstream.tcp_user_timeout);
    }

    /// What the verification is told.
    pub(crate) fn verify(self) -> Result<VerifyOptions, Error> {
        let not_built = |option| Err(Error::of_code(Code::NotBuilt, &[("found", option)]));
        if self.client_attestation {
            return not_built("client_attestation");
        }
        if self.dstack_socket.is_some() {
            return not_built("dstack_socket");
        }
        Ok(VerifyOptions {
            allowed_mrtds: self.allowed_mrtds,
            pins: self.pins,
            acceptable_tcb_statuses: self.acceptable_tcb_statuses,
            allowed_advisory_ids: self.allowed_advisory_ids,
            min_tcb_evaluation_data_number: self.min_tcb_evaluation_data_number,
            min_tee_tcb_svn: self.min_tee_tcb_svn,
            allow_debug_mode: self.allow_debug_mode,
            allow_sept_ve: self.allow_sept_ve,
            allow_simulator: self.allow_simulator,
            allow_partial_pins: self.allow_partial_pins,
            now: self.now,
            cache_ttl_s: self.cache_ttl_s,
            timeout_ms: self.timeout_ms,
            max_age_s: None,
        })
    }
}
