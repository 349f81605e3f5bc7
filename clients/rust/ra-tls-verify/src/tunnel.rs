//! Attested ways to a PostgreSQL server, for clients of this crate.

use std::ffi::OsString;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ratls_sys as sys;

use crate::cancel::{self, Cancel};
use crate::codes::Code;
use crate::error::{Error, argument_invalid, internal};
use crate::ffi::{ResultHandle, SPELLING, TunnelHandle, c_string, call, log, take_error, take_text, text, verify_result};
use crate::leader::Leader;
use crate::options::VerifyOptions;
use crate::result::VerifyResult;
use crate::settings::{self, milliseconds, of_environment, path, pointer};
use crate::verifier::Verifier;

/// Where a simulator of the guest agent says that it is; the first that is set counts.
const DSTACK_SIMULATOR: &[&str] = &["DSTACK_SIMULATOR_ENDPOINT", "TAPPD_SIMULATOR_ENDPOINT"];

/// Where a tunnel leads, and how long that may take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// Name or address to dial; empty where there is a leader.
    pub host: String,
    /// Port to dial; 0: PostgreSQL's. With a leader, of the local socket alone.
    pub port: u16,
    /// The cluster whose leader to dial, whoever it is then, instead of a host. Its successor is followed: new connections go
    /// there at once; those to the old one are sent nothing more, may finish what is under way within `leader_drain`, and are told
    /// so with code 57P01.
    pub leader: Option<Leader>,
    /// How long a leader that has been superseded may finish its answers; not given: 5 s; `Duration::ZERO`: not at all.
    pub leader_drain: Option<Duration>,
    /// Name to ask for (SNI); not given: `host`, unless that is an address.
    pub server_name: Option<String>,
    /// Bound of resolving, connecting, handshake and verdict together.
    pub connect_timeout: Option<Duration>,
    /// Bound of the TLS handshake; not given: 5 s.
    pub handshake_timeout: Option<Duration>,
    /// Send PostgreSQL's SSLRequest first, for a server that does not take TLS from the first byte on.
    pub start_tls: bool,
    /// How long sent data may stay unacknowledged before the server counts as gone; not given: 60 s.
    pub tcp_user_timeout: Option<Duration>,
    /// Probes of a silent server (TCP keepalive).
    pub keepalive: Keepalive,
    /// Present a certificate of this client's own TEE, from the dstack guest agent: `Some(true)`: it must be there before anything
    /// is dialled; `None`: when the server asks for one and an agent is there; `Some(false)`: never.
    pub client_attestation: Option<bool>,
    /// The guest agent's socket; not given: the first of the usual places, or in a simulator that `allow_simulator` accepts what
    /// `DSTACK_SIMULATOR_ENDPOINT` says.
    pub dstack_socket: Option<PathBuf>,
    /// Bound of one certificate from the guest agent; not given: 60 s.
    pub dstack_timeout: Option<Duration>,
}

/// When a silent server is probed, and when it counts as gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keepalive {
    /// After 30 s of silence every 10 s; gone after 3 probes without an answer.
    #[default]
    Default,
    /// Never.
    Off,
    /// As said; a 0 stands for the default's number.
    After {
        /// Seconds of silence before the first probe.
        idle_s: u16,
        /// Seconds between two probes.
        interval_s: u16,
        /// Probes without an answer.
        count: u8,
    },
}

/// Counters of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunnelStats {
    /// Connections that are open.
    pub connections_now: u64,
    /// Connections that came.
    pub connections_total: u64,
    /// Connections that were refused.
    pub connections_refused: u64,
    /// Bytes to the server, plain text.
    pub bytes_to_upstream: u64,
    /// Bytes from the server, plain text.
    pub bytes_from_upstream: u64,
}

/// A private Unix socket; every connection to it becomes a TLS connection whose certificate is verified first.
///
/// Give `directory` and `port` to a driver as its host and port. Only this process may connect. Dropping it, or `close`, ends
/// its connections and removes the socket, unless another handle of the same tunnel is open.
#[derive(Debug)]
pub struct Tunnel {
    handle: TunnelHandle,
    directory: PathBuf,
    port: u16,
    /// An own verifier lives as long as it may be asked.
    _verifier: Verifier,
}

impl Tunnel {
    /// Make one attested handshake, and open the socket. A further tunnel to the same upstream, under the same verifier and
    /// options, is a handle of the one that is open.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn open_blocking(verifier: impl Into<Verifier>, upstream: &Upstream, options: &VerifyOptions) -> Result<Tunnel, Error> {
        open(&verifier.into(), upstream, options, None)
    }

    /// [`Tunnel::open_blocking`] without blocking; dropping the future ends it. Wants a Tokio runtime.
    ///
    /// # Errors
    /// The first check that failed.
    #[cfg(feature = "tokio")]
    pub async fn open(verifier: impl Into<Verifier>, upstream: &Upstream, options: &VerifyOptions) -> Result<Tunnel, Error> {
        let (verifier, upstream, options) = (verifier.into(), upstream.clone(), options.clone());
        cancel::waiting(move |cancel| open(&verifier, &upstream, &options, cancel)).await
    }

    /// The folder of the socket: a driver's `host`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The number in the socket's name: a driver's `port`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The socket itself.
    pub fn socket(&self) -> PathBuf {
        self.directory.join(format!(".s.PGSQL.{}", self.port))
    }

    /// The verdict on the newest certificate that was accepted.
    ///
    /// # Errors
    /// `Error::Usage` in a forked child.
    pub fn result(&self) -> Result<VerifyResult, Error> {
        // SAFETY: a live handle.
        let result = ResultHandle::make(|out, error| unsafe { sys::ratls_tunnel_result(out, self.handle.as_ptr(), error) })?;
        verify_result(&result)
    }

    /// The verdict that one connection rests on, while it is open. `driver_end` is the driver's socket.
    ///
    /// # Errors
    /// `Error::Usage`: it is none of an open connection of this tunnel.
    pub fn result_of(&self, driver_end: RawFd) -> Result<VerifyResult, Error> {
        // SAFETY: a live handle; the descriptor is borrowed for the call.
        let result = ResultHandle::make(|out, error| unsafe {
            sys::ratls_tunnel_result_of(out, self.handle.as_ptr(), driver_end, error)
        })?;
        verify_result(&result)
    }

    /// What a verdict was reached from, as a JSON object: certificate, quote, collateral, trust anchor and time. Kept in a file,
    /// `ratls verify --saved FILE` repeats it, years later. Of the connection with this driver's socket; without one, of the
    /// newest verdict.
    ///
    /// # Errors
    /// `Error::Usage`: the socket is none of an open connection of this tunnel.
    pub fn evidence(&self, driver_end: Option<RawFd>) -> Result<String, Error> {
        let descriptor = driver_end.unwrap_or(-1);
        let mut json = std::ptr::null_mut();
        // SAFETY: a live handle; the text is taken over.
        let taken = unsafe {
            call(|error| sys::ratls_tunnel_evidence(&mut json, self.handle.as_ptr(), descriptor, error))?;
            take_text(json)
        };
        taken.ok_or_else(|| internal("success without a result"))
    }

    /// The newest failure of a connection; `None` when there was none.
    pub fn last_error(&self) -> Option<Error> {
        // SAFETY: a live handle; the error is taken over.
        take_error(unsafe { sys::ratls_tunnel_last_error(self.handle.as_ptr()) })
    }

    /// Counters.
    ///
    /// # Errors
    /// When out of memory.
    pub fn stats(&self) -> Result<TunnelStats, Error> {
        // SAFETY: a live handle; the text is taken over.
        let json = unsafe { take_text(sys::ratls_tunnel_stats(self.handle.as_ptr())) };
        let fields = crate::ffi::json_object(&json.ok_or_else(|| Error::of_code(Code::OutOfMemory, &[]))?)?;
        let number = |name: &str| fields.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
        Ok(TunnelStats {
            connections_now: number("connections_now"),
            connections_total: number("connections_total"),
            connections_refused: number("connections_refused"),
            bytes_to_upstream: number("bytes_to_upstream"),
            bytes_from_upstream: number("bytes_from_upstream"),
        })
    }

    /// End its connections and remove the socket; waits until that is done.
    pub fn close(self) {}
}

fn open(verifier: &Verifier, upstream: &Upstream, options: &VerifyOptions, cancel: Option<&Cancel>) -> Result<Tunnel, Error> {
    if upstream.host.is_empty() == upstream.leader.is_none() {
        return Err(argument_invalid("host", "expected a name or an address, or else a leader"));
    }
    let host = c_string("host", &upstream.host)?;
    let dstack_socket = path("dstack_socket", upstream.dstack_socket.as_deref())?;
    let dstack_simulator = settings::text("DSTACK_SIMULATOR_ENDPOINT", of_environment(DSTACK_SIMULATOR).as_deref())?;
    let server_name = upstream.server_name.as_deref().map(|name| c_string("server_name", name)).transpose()?;
    let connect_timeout_ms = milliseconds("connect_timeout", upstream.connect_timeout)?;
    let handshake_timeout_ms = milliseconds("handshake_timeout", upstream.handshake_timeout)?;
    let tcp_user_timeout_ms = milliseconds("tcp_user_timeout", upstream.tcp_user_timeout)?;
    let dstack_timeout_ms = milliseconds("dstack_timeout", upstream.dstack_timeout)?;
    let leader_drain_ms = match upstream.leader_drain {
        Some(Duration::ZERO) => -1,
        given => milliseconds("leader_drain", given)?,
    };
    let policy = options.policy()?;
    let judge = verifier.handle(options)?;
    // SAFETY: the init function makes a valid struct of the zeroed one; its inputs are borrowed for the call.
    let handle = unsafe {
        let mut settings = std::mem::zeroed::<sys::ratls_tunnel_options>();
        sys::ratls_tunnel_options_init(&mut settings, size_of_val(&settings));
        match &upstream.leader {
            Some(leader) => settings.leader = leader.as_ptr(),
            None => settings.host = host.as_ptr(),
        }
        settings.leader_drain_ms = leader_drain_ms;
        settings.dstack_socket = pointer(&dstack_socket);
        settings.dstack_simulator_endpoint = pointer(&dstack_simulator);
        settings.dstack_timeout_ms = dstack_timeout_ms;
        settings.client_attestation = upstream.client_attestation.map_or(0, |wanted| if wanted { 1 } else { -1 });
        settings.server_name = server_name.as_ref().map_or(std::ptr::null(), |name| name.as_ptr());
        settings.verify = sys::ratls_policy_options(policy.as_ptr());
        settings.log = Some(log);
        settings.connect_timeout_ms = connect_timeout_ms;
        settings.handshake_timeout_ms = handshake_timeout_ms;
        settings.port = upstream.port.into();
        settings.start_tls = upstream.start_tls.into();
        settings.tcp_user_timeout_ms = tcp_user_timeout_ms;
        (settings.keepalive_idle_s, settings.keepalive_interval_s, settings.keepalive_count) = match upstream.keepalive {
            Keepalive::Default => (0, 0, 0),
            Keepalive::Off => (-1, 0, 0),
            Keepalive::After { idle_s, interval_s, count } => (idle_s.into(), interval_s.into(), count.into()),
        };
        settings.spelling = SPELLING;
        TunnelHandle::make(|out, error| sys::ratls_tunnel_open(out, judge.as_ptr(), &settings, cancel::as_ptr(cancel), error))?
    };
    // SAFETY: the text lives as long as the handle.
    let (directory, port) =
        unsafe { (text(sys::ratls_tunnel_directory(handle.as_ptr())), sys::ratls_tunnel_port(handle.as_ptr())) };
    Ok(Tunnel {
        directory: OsString::from_vec(directory.ok_or_else(|| internal("a tunnel without a folder"))?.into_bytes()).into(),
        port: u16::try_from(port).map_err(|_| internal("a tunnel without a port"))?,
        handle,
        _verifier: verifier.clone(),
    })
}
