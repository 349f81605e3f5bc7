//! tokio-postgres: configurations, and clients that know their verdict.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ra_tls_verify::{Code, Error, Tunnel, Verifier, VerifyResult};
use tokio::net::UnixStream;
use tokio_postgres::config::{ChannelBinding, Host, SslMode};
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Config, NoTls};

use crate::attested::{Attested, Sealed};
use crate::options::RaTlsOptions;
use crate::shared;
use crate::target::Target;

/// What carries a client's bytes; it must be awaited, in a task of its own, as tokio-postgres says.
pub type Connection = tokio_postgres::Connection<UnixStream, NoTlsStream>;

/// Why `connect` failed.
#[derive(Debug)]
pub enum ConnectError {
    /// No verdict, or a refusal: nothing was sent.
    RaTls(Error),
    /// The server was accepted but would not connect.
    Driver(tokio_postgres::Error),
}

impl ConnectError {
    /// The failure of the attestation; `None` for one of the driver's.
    pub fn ra_tls(&self) -> Option<&Error> {
        match self {
            ConnectError::RaTls(error) => Some(error),
            ConnectError::Driver(_) => None,
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::RaTls(error) => error.fmt(f),
            ConnectError::Driver(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ConnectError::RaTls(_) => None,
            ConnectError::Driver(error) => error.source(),
        }
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> ConnectError {
        ConnectError::RaTls(error)
    }
}

/// Verify that the server runs inside a genuine TEE; then a configuration with which tokio-postgres, or a pool for it, connects
/// to it with `NoTls`.
///
/// `dsn` is a connection string, as a URL or as key=value, with libpq's meaning. Every connection made with the configuration is
/// verified before its first byte is sent; a refusal then is the driver's database error, with code 08004 and the sentence that
/// says why. The configuration rests on the process's shared tunnel, which outlives it.
///
/// # Errors
/// No verdict, or a refusal, or a connection string that cannot be honoured. Nothing was sent.
pub async fn pg_config_ra_tls(dsn: &str, verifier: impl Into<Verifier>, options: RaTlsOptions) -> Result<Config, Error> {
    let (target, tunnel) = shared::open(dsn, verifier.into(), options).await?;
    let mut config = config_of(&target);
    config.host_path(tunnel.directory()).port(tunnel.port());
    if let Some(timeout) = target.upstream.connect_timeout {
        config.connect_timeout(timeout);
    }
    Ok(config)
}

/// [`pg_config_ra_tls`] for the leader of a cluster, whoever it is by then, as the record in DNS says that `manifest_signer` signed: each
/// connection goes to the leader of its moment. The host and port of `dsn_template` do not count.
///
/// # Errors
/// As there, and where no record is acceptable.
pub async fn pg_config_via_manifest(
    cluster_domain: &str,
    dsn_template: &str,
    manifest_signer: &str,
    verifier: impl Into<Verifier>,
    options: RaTlsOptions,
) -> Result<Config, Error> {
    pg_config_ra_tls(dsn_template, verifier, shared::with_leader(cluster_domain, manifest_signer, options)?).await
}

fn config_of(target: &Target) -> Config {
    let mut config = Config::new();
    config
        .user(&target.user)
        .password(&target.password)
        .dbname(&target.dbname)
        .ssl_mode(SslMode::Disable)
        .channel_binding(ChannelBinding::Disable);
    if let Some(name) = &target.application_name {
        config.application_name(name);
    }
    if let Some(options) = &target.options {
        config.options(options);
    }
    config
}

/// Verify that the server runs inside a genuine TEE, then connect to it with tokio-postgres.
///
/// `dsn` is a connection string, as a URL or as key=value, with libpq's meaning. Spawn the [`Connection`], as with
/// tokio-postgres's own `connect`. No byte was sent before the verdict.
///
/// # Errors
/// [`ConnectError::RaTls`]: no verdict, or a refusal. [`ConnectError::Driver`]: the server was accepted but would not connect.
pub async fn connect(
    dsn: &str,
    verifier: impl Into<Verifier>,
    options: RaTlsOptions,
) -> Result<(Client, Connection), ConnectError> {
    let start = Instant::now();
    let (target, tunnel) = shared::open(dsn, verifier.into(), options).await?;
    let bound = target.upstream.connect_timeout;
    let remaining = bound.map(|bound| bound.saturating_sub(start.elapsed()));
    let ((client, connection), (verdict, driver_end)) =
        within(remaining, handshake(&target, &tunnel)).await.unwrap_or_else(|| {
            let expected = bound.unwrap_or_default().as_millis().to_string();
            let upstream = target.label();
            Err(Error::of_code(Code::ConnectTimeout, &[("upstream", &upstream), ("expected", &expected)]).into())
        })?;
    Ok((Client { client, tunnel, verdict, driver_end }, connection))
}

/// [`connect`] to the leader of a cluster, as the record in DNS says that `manifest_signer` signed. The host and port of `dsn_template` do
/// not count.
///
/// # Errors
/// As there, and where no record is acceptable.
pub async fn connect_via_manifest(
    cluster_domain: &str,
    dsn_template: &str,
    manifest_signer: &str,
    verifier: impl Into<Verifier>,
    options: RaTlsOptions,
) -> Result<(Client, Connection), ConnectError> {
    connect(dsn_template, verifier, shared::with_leader(cluster_domain, manifest_signer, options)?).await
}

async fn within<T>(bound: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match bound {
        Some(bound) => tokio::time::timeout(bound, future).await.ok(),
        None => Some(future.await),
    }
}

async fn dial(socket: PathBuf) -> Result<UnixStream, Error> {
    UnixStream::connect(socket).await.map_err(|_| Error::of_code(Code::TunnelClosed, &[]))
}

type Handshake = ((tokio_postgres::Client, Connection), (VerifyResult, RawFd));

async fn handshake(target: &Target, tunnel: &Tunnel) -> Result<Handshake, ConnectError> {
    let stream = dial(tunnel.socket()).await?;
    let end = stream.as_raw_fd();
    match config_of(target).connect_raw(stream, NoTls).await {
        Ok(connected) => Ok((connected, (tunnel.result_of(end)?, end))),
        Err(error) => Err(typed(error, tunnel)),
    }
}

/// A failure that reached the driver through the tunnel, as text in a PostgreSQL error, becomes the failure again that it was.
fn typed(error: tokio_postgres::Error, tunnel: &Tunnel) -> ConnectError {
    let told = error.as_db_error().map(|told| told.message().to_owned());
    match tunnel.last_error() {
        Some(failure) if told.is_some_and(|told| told.contains(failure.message())) => ConnectError::RaTls(failure),
        _ => ConnectError::Driver(error),
    }
}

/// A tokio-postgres client, with all its functions, that knows the verdict it rests on.
pub struct Client {
    client: tokio_postgres::Client,
    tunnel: Arc<Tunnel>,
    verdict: VerifyResult,
    /// The number of the connection's socket, as long as it is open.
    driver_end: RawFd,
}

impl Client {
    /// What cancels this client's query, from another task, over an attested connection of its own.
    pub fn cancel_token(&self) -> CancelToken {
        CancelToken { token: self.client.cancel_token(), tunnel: self.tunnel.clone() }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("tunnel", &self.tunnel).finish_non_exhaustive()
    }
}

impl Deref for Client {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &tokio_postgres::Client {
        &self.client
    }
}

impl DerefMut for Client {
    fn deref_mut(&mut self) -> &mut tokio_postgres::Client {
        &mut self.client
    }
}

impl Sealed for Client {
    fn verdict(&self) -> Result<VerifyResult, Error> {
        Ok(self.verdict.clone())
    }

    fn refusal(&self) -> Result<Option<Error>, Error> {
        Ok(self.tunnel.last_error())
    }

    fn evidence(&self) -> Result<String, Error> {
        // The number may be another's by now.
        let same = self.tunnel.result_of(self.driver_end).is_ok_and(|verdict| verdict == self.verdict);
        if self.client.is_closed() || !same {
            return Err(Error::of_code(Code::TunnelClosed, &[]));
        }
        self.tunnel.evidence(Some(self.driver_end))
    }
}

impl Attested for Client {}

/// Cancels a query of the [`Client`] that it is from.
#[derive(Clone)]
pub struct CancelToken {
    token: tokio_postgres::CancelToken,
    tunnel: Arc<Tunnel>,
}

impl CancelToken {
    /// Ask the server to cancel the query that runs, if any.
    ///
    /// # Errors
    /// The server could not be asked.
    pub async fn cancel_query(&self) -> Result<(), ConnectError> {
        let stream = dial(self.tunnel.socket()).await?;
        self.token.cancel_query_raw(stream, NoTls).await.map_err(|error| typed(error, &self.tunnel))
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("tunnel", &self.tunnel).finish_non_exhaustive()
    }
}

fn folder(config: &Config) -> Result<(&PathBuf, u16), Error> {
    match (config.get_hosts(), config.get_ports()) {
        ([Host::Unix(directory)], [port]) => Ok((directory, *port)),
        _ => Err(shared::not_ours()),
    }
}

impl Sealed for Config {
    fn verdict(&self) -> Result<VerifyResult, Error> {
        let (directory, port) = folder(self)?;
        shared::find(directory, port)?.result()
    }

    fn refusal(&self) -> Result<Option<Error>, Error> {
        let (directory, port) = folder(self)?;
        Ok(shared::find(directory, port)?.last_error())
    }

    fn evidence(&self) -> Result<String, Error> {
        let (directory, port) = folder(self)?;
        shared::find(directory, port)?.evidence(None)
    }
}

impl Attested for Config {}
