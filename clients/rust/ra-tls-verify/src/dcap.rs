//! The verifier that checks quotes on this machine, and what it is told.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ratls_sys as sys;

use crate::error::{Error, argument_invalid};
use crate::ffi::{VerifierHandle, log};
use crate::settings::{self, HTTPS, Texts, bytes, milliseconds, pointer, proxies, read_file, text};
use crate::verifier::{Kind, Verifier};

/// Which set of Intel's TCB data is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// The standard one.
    #[default]
    Standard,
    /// The early one, as soon as it is published.
    Early,
}

/// A service to fetch from, and the authorities for its TLS.
#[derive(Clone)]
struct Service {
    url: String,
    /// PEM; empty: those of all services.
    ca: String,
}

#[derive(Clone, Default)]
pub(crate) struct DcapSettings {
    collateral: Option<Vec<u8>>,
    trust_anchor: Option<Vec<u8>>,
    services: Vec<Service>,
    ca: Option<Vec<u8>>,
    proxy: Option<String>,
    no_proxy: Option<String>,
    /// Empty: in memory alone.
    cache_dir: Option<PathBuf>,
    update: Update,
    attempt_timeout: Option<Duration>,
    http_connect_timeout: Option<Duration>,
}

/// Checks quotes against Intel's signing chain on this machine. What is wrong with its settings is told when it is first used.
///
/// Collateral is fetched when it is needed, from Intel's service unless another is named, and kept in memory and on disk, for all
/// processes of this user.
#[derive(Clone, Debug)]
pub struct DcapVerifier(pub(crate) Verifier);

impl DcapVerifier {
    /// A verifier with Intel's trust anchor, which fetches collateral from Intel's service.
    pub fn new() -> DcapVerifier {
        DcapVerifier::made_of(DcapSettings::default())
    }

    fn made_of(settings: DcapSettings) -> DcapVerifier {
        DcapVerifier(Verifier(Arc::new(Kind::Dcap(Box::new(settings), OnceLock::new()))))
    }

    /// The same, with something set.
    fn with(&self, set: impl FnOnce(&mut DcapSettings)) -> DcapVerifier {
        let mut settings = match &*self.0.0 {
            Kind::Dcap(settings, _) => DcapSettings::clone(settings),
            _ => DcapSettings::default(),
        };
        set(&mut settings);
        DcapVerifier::made_of(settings)
    }

    /// With the collateral bundle (docs/collateral.md), as its JSON text: nothing is fetched then.
    #[must_use]
    pub fn with_collateral(self, collateral: impl Into<Vec<u8>>) -> DcapVerifier {
        self.with(|settings| settings.collateral = Some(collateral.into()))
    }

    /// With the collateral bundle in a file: nothing is fetched then.
    ///
    /// # Errors
    /// `Error::Usage`: the file cannot be read.
    pub fn with_collateral_file(self, path: impl AsRef<Path>) -> Result<DcapVerifier, Error> {
        Ok(self.with_collateral(read_file(path.as_ref())?))
    }

    /// With a root certificate, PEM or DER, that replaces Intel's.
    #[must_use]
    pub fn with_trust_anchor(self, trust_anchor: impl Into<Vec<u8>>) -> DcapVerifier {
        self.with(|settings| settings.trust_anchor = Some(trust_anchor.into()))
    }

    /// With a root certificate in a file.
    ///
    /// # Errors
    /// `Error::Usage`: the file cannot be read.
    pub fn with_trust_anchor_file(self, path: impl AsRef<Path>) -> Result<DcapVerifier, Error> {
        Ok(self.with_trust_anchor(read_file(path.as_ref())?))
    }

    /// With collateral from this service, a PCCS or Intel's own: `http(s)://HOST[:PORT][/PATH]`, what stands before
    /// `/sgx/certification/v4/`. Said again, a further service, asked when those before it have failed; up to 8.
    #[must_use]
    pub fn with_pccs_url(self, url: impl Into<String>) -> DcapVerifier {
        self.with(|settings| settings.services.push(Service { url: url.into(), ca: String::new() }))
    }

    /// With collateral from this service, whose TLS these authorities (PEM) vouch for; otherwise as
    /// [`DcapVerifier::with_pccs_url`].
    #[must_use]
    pub fn with_pccs_url_and_ca(self, url: impl Into<String>, ca: impl Into<String>) -> DcapVerifier {
        self.with(|settings| settings.services.push(Service { url: url.into(), ca: ca.into() }))
    }

    /// With these authorities (PEM) for the TLS of services; not given: the system's.
    #[must_use]
    pub fn with_ca(self, ca: impl Into<Vec<u8>>) -> DcapVerifier {
        self.with(|settings| settings.ca = Some(ca.into()))
    }

    /// With the authorities of a file; see [`DcapVerifier::with_ca`].
    ///
    /// # Errors
    /// `Error::Usage`: the file cannot be read.
    pub fn with_ca_file(self, path: impl AsRef<Path>) -> Result<DcapVerifier, Error> {
        Ok(self.with_ca(read_file(path.as_ref())?))
    }

    /// Through this HTTP proxy; empty: none; not given: `https_proxy`, `all_proxy` and `no_proxy` of the environment.
    #[must_use]
    pub fn with_proxy(self, url: impl Into<String>) -> DcapVerifier {
        self.with(|settings| settings.proxy = Some(url.into()))
    }

    /// With these hosts, joined by commas, reached without the proxy.
    #[must_use]
    pub fn with_no_proxy(self, hosts: impl Into<String>) -> DcapVerifier {
        self.with(|settings| settings.no_proxy = Some(hosts.into()))
    }

    /// With what was fetched kept in this directory, which is made when it is not there; empty: in memory alone; not given:
    /// `$XDG_CACHE_HOME/ratls`, or `~/.cache/ratls`.
    #[must_use]
    pub fn with_cache_dir(self, directory: impl Into<PathBuf>) -> DcapVerifier {
        self.with(|settings| settings.cache_dir = Some(directory.into()))
    }

    /// With this set of Intel's TCB data.
    #[must_use]
    pub fn with_update(self, update: Update) -> DcapVerifier {
        self.with(|settings| settings.update = update)
    }

    /// With this limit of one request; not given: 15 s.
    #[must_use]
    pub fn with_attempt_timeout(self, timeout: Duration) -> DcapVerifier {
        self.with(|settings| settings.attempt_timeout = Some(timeout))
    }

    /// With this limit of one connection to a service; not given: 5 s.
    #[must_use]
    pub fn with_http_connect_timeout(self, timeout: Duration) -> DcapVerifier {
        self.with(|settings| settings.http_connect_timeout = Some(timeout))
    }
}

impl Default for DcapVerifier {
    fn default() -> DcapVerifier {
        DcapVerifier::new()
    }
}

/// Below that of the user's caches; `None`: nowhere. The XDG specification has relative paths ignored.
fn cache_of_user() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache"))).map(|base| base.join("ratls"))
}

/// Where fetched collateral is kept. A path that is relative would mean something else after a change of directory.
fn cache_dir(settings: &DcapSettings) -> Result<Option<PathBuf>, Error> {
    match &settings.cache_dir {
        _ if settings.collateral.is_some() => Ok(None),
        None => Ok(cache_of_user()),
        Some(given) if given.as_os_str().is_empty() => Ok(None),
        Some(given) => std::path::absolute(given).map(Some).map_err(|error| argument_invalid("cache_dir", &error.to_string())),
    }
}

pub(crate) fn new_dcap(settings: &DcapSettings) -> Result<VerifierHandle, Error> {
    let services = Some(&settings.services).filter(|services| !services.is_empty());
    let part = |of: fn(&Service) -> &String| services.map(|services| services.iter().map(of).cloned().collect::<Vec<_>>());
    let pccs_urls = Texts::of("pccs_url", part(|service| &service.url).as_deref())?;
    let pccs_cas = Texts::of("pccs_ca", part(|service| &service.ca).as_deref())?;
    let (proxy, no_proxy) = proxies(settings.proxy.clone(), settings.no_proxy.clone(), HTTPS);
    let (proxy, no_proxy) = (text("proxy", proxy.as_deref())?, text("no_proxy", no_proxy.as_deref())?);
    let cache_dir = settings::path("cache_dir", cache_dir(settings)?.as_deref())?;
    let attempt_timeout_ms = milliseconds("attempt_timeout", settings.attempt_timeout)?;
    let http_connect_timeout_ms = milliseconds("http_connect_timeout", settings.http_connect_timeout)?;
    // SAFETY: the init function makes a valid struct of the zeroed one; its inputs are borrowed for the call.
    unsafe {
        let mut options = std::mem::zeroed::<sys::ratls_dcap_options>();
        sys::ratls_dcap_options_init(&mut options, size_of_val(&options));
        (options.collateral, options.collateral_len) = bytes(settings.collateral.as_deref());
        (options.trust_anchor, options.trust_anchor_len) = bytes(settings.trust_anchor.as_deref());
        (options.pccs_urls, options.pccs_urls_len) = pccs_urls.as_c();
        (options.pccs_cas, options.pccs_cas_len) = pccs_cas.as_c();
        (options.ca, options.ca_len) = bytes(settings.ca.as_deref());
        options.proxy = pointer(&proxy);
        options.no_proxy = pointer(&no_proxy);
        options.cache_dir = pointer(&cache_dir);
        options.attempt_timeout_ms = attempt_timeout_ms;
        options.http_connect_timeout_ms = http_connect_timeout_ms;
        options.update_early = (settings.update == Update::Early).into();
        options.log = Some(log);
        VerifierHandle::make(|out, error| sys::ratls_verifier_new_dcap(out, &options, error))
    }
}
