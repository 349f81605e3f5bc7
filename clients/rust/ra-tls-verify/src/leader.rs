//! The leader of a cluster, which a signed DNS record names.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ratls_sys as sys;

#[cfg(feature = "tokio")]
use crate::cancel;
use crate::cancel::Cancel;
use crate::codes::Code;
use crate::error::{Error, internal};
use crate::ffi::{LeaderHandle, LeaderRecordHandle, c_string, json_object, log, text};
use crate::settings::{Texts, milliseconds, path, pointer, text as c_text, unix_seconds};

/// A cluster, by its domain and by who signs the records that name its leader. A record says where the leader is, never whom to
/// trust: what answers there is attested like every server.
///
/// Keep one for each cluster as long as the process runs, and clone it: it remembers the highest epoch that it has accepted, and
/// refuses lower ones, since answers of DNS may be replayed.
#[derive(Clone)]
pub struct Leader {
    handle: Arc<LeaderHandle>,
    domain: String,
}

impl fmt::Debug for Leader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader").field("domain", &self.domain).finish_non_exhaustive()
    }
}

/// Handles are compared, not what they were made of.
impl PartialEq for Leader {
    fn eq(&self, other: &Leader) -> bool {
        Arc::ptr_eq(&self.handle, &other.handle)
    }
}

impl Eq for Leader {}

impl Leader {
    /// The cluster with this domain, whose records this address signs (40 hexadecimal digits, with or without 0x), with the
    /// defaults for how it is looked up. Nothing is looked up yet.
    ///
    /// # Errors
    /// `Error::Usage`: one of them is not valid.
    pub fn new(domain: &str, signer: &str) -> Result<Leader, Error> {
        Leader::with_settings(domain, signer, &LeaderSettings::default())
    }

    /// The same, looked up as `settings` say.
    ///
    /// # Errors
    /// `Error::Usage`: domain, signer or a setting is not valid.
    pub fn with_settings(domain: &str, signer: &str, settings: &LeaderSettings) -> Result<Leader, Error> {
        let handle = new_handle(domain, signer, settings)?;
        Ok(Leader { handle: Arc::new(handle), domain: domain.to_owned() })
    }

    /// The cluster's domain.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Look the leader up, now.
    ///
    /// # Errors
    /// `Error::Refused`: no record is acceptable. `Error::Unavailable`: there is none, or the name service does not answer.
    pub fn find_blocking(&self) -> Result<LeaderRecord, Error> {
        self.find_until(None)
    }

    /// [`Leader::find_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "tokio")]
    pub async fn find(&self) -> Result<LeaderRecord, Error> {
        let leader = self.clone();
        cancel::waiting(move |cancel| leader.find_until(cancel)).await
    }

    fn find_until(&self, cancel: Option<&Cancel>) -> Result<LeaderRecord, Error> {
        // SAFETY: live handles; the output is a place of ours.
        let record = LeaderRecordHandle::make(|out, error| unsafe {
            sys::ratls_leader_find(out, self.as_ptr(), crate::cancel::as_ptr(cancel), error)
        })?;
        LeaderRecord::of(&record)
    }

    pub(crate) fn as_ptr(&self) -> *mut sys::ratls_leader {
        self.handle.as_ptr()
    }
}

/// How a leader is looked up; what is not given has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderSettings {
    /// Address of the cluster that records must name; not given: any.
    pub cluster_address: Option<String>,
    /// DNS servers to ask, in this order: `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; not given: the system's.
    pub dns_servers: Option<Vec<String>>,
    /// Existing directory where the newest record is kept, so that no later process takes an older one.
    pub state_dir: Option<PathBuf>,
    /// Limit of one look-up; not given: 5 s.
    pub timeout: Option<Duration>,
    /// How long a look-up's outcome is used for new connections, and how often it is repeated while connections are open; not
    /// given: 5 s.
    pub refresh: Option<Duration>,
    /// The time that records must be valid at, instead of the clock's.
    pub now: Option<SystemTime>,
}

fn new_handle(domain: &str, signer: &str, settings: &LeaderSettings) -> Result<LeaderHandle, Error> {
    let (domain, signer) = (c_string("domain", domain)?, c_string("signer", signer)?);
    let cluster_address = c_text("cluster_address", settings.cluster_address.as_deref())?;
    let dns_servers = Texts::of("dns_servers", settings.dns_servers.as_deref())?;
    let state_dir = path("state_dir", settings.state_dir.as_deref())?;
    let timeout_ms = milliseconds("timeout", settings.timeout)?;
    let refresh_ms = milliseconds("refresh", settings.refresh)?;
    let now = settings.now.map(|now| unix_seconds("now", now)).transpose()?.unwrap_or_default();
    // SAFETY: the init function makes a valid struct of the zeroed one; the inputs are borrowed for the call, and copied.
    unsafe {
        let mut options = std::mem::zeroed::<sys::ratls_leader_options>();
        sys::ratls_leader_options_init(&mut options, size_of_val(&options));
        options.domain = domain.as_ptr();
        options.signer = signer.as_ptr();
        options.cluster_address = pointer(&cluster_address);
        (options.dns_servers, options.dns_servers_len) = dns_servers.as_c();
        options.state_dir = pointer(&state_dir);
        options.log = Some(log);
        options.timeout_ms = timeout_ms;
        options.refresh_ms = refresh_ms;
        options.now = now;
        LeaderHandle::make(|out, error| sys::ratls_leader_new(out, &options, error))
    }
}

/// What a cluster's signed record says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaderRecord {
    /// Where to dial: the host of the leader's URL.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The leader's URL, as it was signed.
    pub leader_url: String,
    /// The leader's instance, lower-case hexadecimal.
    pub leader_instance: String,
    /// The cluster's address, 0x and 40 lower-case hexadecimal digits.
    pub cluster: String,
    /// The leader's term: a later leader has a higher one.
    pub epoch: u64,
    /// Unix second from which on the record is no longer valid.
    pub valid_until: u64,
    /// All of it as one flat JSON object.
    pub json: String,
}

impl LeaderRecord {
    fn of(record: &LeaderRecordHandle) -> Result<LeaderRecord, Error> {
        // SAFETY: the texts live as long as the handle.
        unsafe {
            let json =
                text(sys::ratls_leader_record_json(record.as_ptr())).ok_or_else(|| Error::of_code(Code::OutOfMemory, &[]))?;
            let fields = json_object(&json)?;
            let field =
                |name: &str| crate::value::text(&fields, name).ok_or_else(|| internal("a leader's record that lacks a field"));
            Ok(LeaderRecord {
                host: field("host")?,
                port: u16::try_from(sys::ratls_leader_record_port(record.as_ptr()))
                    .map_err(|_| internal("a leader without a port"))?,
                leader_url: field("leader_url")?,
                leader_instance: field("leader_instance")?,
                cluster: field("cluster")?,
                epoch: sys::ratls_leader_record_epoch(record.as_ptr()),
                valid_until: sys::ratls_leader_record_valid_until(record.as_ptr()),
                json,
            })
        }
    }
}
