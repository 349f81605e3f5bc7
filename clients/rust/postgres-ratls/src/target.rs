//! Where a connection string leads, and what the driver is told.

use std::net::IpAddr;
use std::time::Duration;

use ra_tls_verify::{Error, Keepalive, Leader, Upstream};

use crate::conninfo::{self, Parameters, dsn_invalid};
use crate::surroundings::{self, Environment};

/// Sent to a server that asks for a password where none is known: the terminator in front of it knows the real one.
pub(crate) const PLACEHOLDER_PASSWORD: &str = "attested";
/// The kernel's largest time before, and between, probes.
const KEEPALIVE_SECONDS_MAX: i64 = 32767;
/// The kernel's largest number of probes.
const KEEPALIVE_COUNT_MAX: i64 = 127;
/// PostgreSQL's port.
const PORT: u16 = 5432;
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
/// Parameters that ask for what the drivers do not do, with the values that ask for nothing.
const NOT_HONOURED: &[(&str, &[&str])] = &[
    ("target_session_attrs", &["", "any"]),
    ("require_auth", &[""]),
    ("replication", &["", "false", "off", "no", "0"]),
    ("client_encoding", &["", "auto", "utf8", "UTF8", "utf-8", "UTF-8"]),
];

/// Where a connection string leads, by libpq's rules: defaults, `PG*` variables, service file, password file.
pub(crate) struct Target {
    pub(crate) upstream: Upstream,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) dbname: String,
    pub(crate) application_name: Option<String>,
    /// PostgreSQL's `options`, where the string or a service has them.
    pub(crate) options: Option<String>,
}

impl Target {
    /// The server's name, or the cluster's.
    pub(crate) fn name(&self) -> &str {
        self.upstream.leader.as_ref().map_or(&self.upstream.host, |leader| leader.domain())
    }

    /// The same for people.
    pub(crate) fn label(&self) -> String {
        match &self.upstream.leader {
            Some(leader) => format!("the leader of {}", leader.domain()),
            None => format!("{}:{}", self.upstream.host, self.upstream.port),
        }
    }
}

/// Say what a connection string means, without connecting anywhere. With a leader its host and port do not count.
pub(crate) fn resolve(dsn: &str, environment: &Environment, leader: Option<&Leader>) -> Result<Target, Error> {
    let mut parameters = conninfo::parse(dsn)?;
    surroundings::complete(&mut parameters, environment)?;
    let get = |name: &str| parameters.get(name).map_or("", String::as_str);
    let place = match leader {
        Some(leader) => place_of_leader(leader, get("port")),
        None => place_of_server(&parameters)?,
    };
    check_ssl_mode(get("sslmode"))?;
    check_honoured(&parameters)?;
    let user = match get("user") {
        "" => whoami::username().map_err(|_| dsn_invalid("it names no user, and the system does not say who we are"))?,
        user => user.to_owned(),
    };
    let dbname = if get("dbname").is_empty() { user.clone() } else { get("dbname").to_owned() };
    let known = Some(get("password").to_owned()).filter(|password| !password.is_empty());
    let passfile = parameters.get("passfile").map(String::as_str);
    let port = place.port.to_string();
    let password = known.or_else(|| surroundings::password_of(passfile, environment, [&place.named, &port, &dbname, &user]));
    Ok(Target {
        upstream: Upstream {
            connect_timeout: timeout_of(get("connect_timeout"))?,
            tcp_user_timeout: user_timeout_of(get("tcp_user_timeout"))?,
            keepalive: keepalive_of(&parameters)?,
            ..place.upstream
        },
        user,
        password: password.unwrap_or_else(|| PLACEHOLDER_PASSWORD.to_owned()),
        dbname,
        application_name: ["application_name", "fallback_application_name"]
            .iter()
            .find_map(|name| parameters.get(*name).filter(|name| !name.is_empty()).cloned()),
        options: parameters.get("options").filter(|options| !options.is_empty()).cloned(),
    })
}

/// Where a connection goes, and under which name and port the password file has its password.
struct Place {
    upstream: Upstream,
    named: String,
    port: u16,
}

fn place_of_server(parameters: &Parameters) -> Result<Place, Error> {
    let get = |name: &str| parameters.get(name).map_or("", String::as_str);
    let (host, address) = (get("host"), get("hostaddr"));
    check_at_sign(host)?;
    check_single(host, address, get("port"))?;
    check_host(host, address)?;
    let port = port_of(get("port"))?;
    let dialled = if address.is_empty() { host } else { address };
    let upstream = Upstream { host: dialled.to_owned(), port, server_name: server_name(host), ..Default::default() };
    Ok(Place { upstream, named: if host.is_empty() { address } else { host }.to_owned(), port })
}

/// The leader's record says where to dial; whatever server the string names does not count, but for the port in the password file,
/// where the cluster's domain stands for the host.
fn place_of_leader(leader: &Leader, port: &str) -> Place {
    let upstream = Upstream { leader: Some(leader.clone()), ..Default::default() };
    Place { upstream, named: leader.domain().to_owned(), port: port_of(port).unwrap_or(PORT) }
}

/// A password with an @ that is not escaped ends up as the beginning of the host: neither shown nor looked up.
fn check_at_sign(host: &str) -> Result<(), Error> {
    if host.chars().skip(1).any(|c| c == '@') {
        return Err(dsn_invalid("the host has an @: in a URL, write the one of a password as %40"));
    }
    Ok(())
}

fn check_single(host: &str, address: &str, port: &str) -> Result<(), Error> {
    if !(host.contains(',') || address.contains(',') || port.contains(',')) {
        return Ok(());
    }
    // A password with a : that is not escaped ends up as a port.
    let ports = if port.chars().all(|c| c.is_ascii_digit() || c == ',') { port } else { "…" };
    let named = if address.is_empty() { host } else { address };
    Err(dsn_invalid(&format!(
        "it names several servers ({named}, port {ports}); which one was attested must not be left to chance: name one"
    )))
}

fn check_host(host: &str, address: &str) -> Result<(), Error> {
    if !address.is_empty() {
        return address.parse::<IpAddr>().map(drop).map_err(|_| dsn_invalid("hostaddr is not an address"));
    }
    if host.is_empty() {
        return Err(dsn_invalid("it names no host: an attested connection needs one"));
    }
    if host.starts_with(['/', '@']) {
        return Err(dsn_invalid(&format!(
            "host {host} is a local socket: an attested connection goes to a TLS server, named by host and port"
        )));
    }
    Ok(())
}

fn check_ssl_mode(mode: &str) -> Result<(), Error> {
    if !mode.is_empty() && !SSL_MODES.contains(&mode) {
        return Err(dsn_invalid(&format!("sslmode is none of {}", SSL_MODES.join(", "))));
    }
    if mode == "disable" {
        log::warn!(target: "postgres_ratls", "sslmode=disable has no effect: the connection uses attested TLS all the same");
    }
    Ok(())
}

/// What a user demands must not be dropped in silence.
fn check_honoured(parameters: &Parameters) -> Result<(), Error> {
    for (name, harmless) in NOT_HONOURED {
        if parameters.get(*name).is_some_and(|value| !harmless.contains(&value.as_str())) {
            return Err(dsn_invalid(&format!("{name} is not honoured by the Rust drivers in this way: leave it out")));
        }
    }
    Ok(())
}

fn server_name(host: &str) -> Option<String> {
    (!host.is_empty() && host.parse::<IpAddr>().is_err()).then(|| host.to_owned())
}

fn port_of(text: &str) -> Result<u16, Error> {
    match text.trim() {
        "" => Some(PORT),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().filter(|port| *port > 0),
        _ => None,
    }
    .ok_or_else(|| dsn_invalid("port is not a number from 1 to 65535"))
}

/// libpq's: zero and less is no limit of its own, 1 means 2 seconds.
fn timeout_of(text: &str) -> Result<Option<Duration>, Error> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let seconds: i32 = text.trim().parse().map_err(|_| dsn_invalid("connect_timeout is not a number of seconds"))?;
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.max(2))))
}

fn user_timeout_of(text: &str) -> Result<Option<Duration>, Error> {
    let milliseconds = whole("tcp_user_timeout", text, i32::MAX.into())?;
    Ok(u64::try_from(milliseconds).ok().filter(|given| *given > 0).map(Duration::from_millis))
}

/// As with libpq, what is not above zero means the default, here the tunnel's.
fn keepalive_of(parameters: &Parameters) -> Result<Keepalive, Error> {
    let get = |name: &str| parameters.get(name).map_or("", String::as_str);
    let number = |name: &str, largest: i64| whole(name, get(name), largest).map(|number| number.max(0));
    let idle = number("keepalives_idle", KEEPALIVE_SECONDS_MAX)?;
    let interval = number("keepalives_interval", KEEPALIVE_SECONDS_MAX)?;
    let count = number("keepalives_count", KEEPALIVE_COUNT_MAX)?;
    if !get("keepalives").is_empty() && whole("keepalives", get("keepalives"), i32::MAX.into())? == 0 {
        return Ok(Keepalive::Off);
    }
    if idle + interval + count == 0 {
        return Ok(Keepalive::Default);
    }
    let too_large = |_| dsn_invalid("keepalives are larger than the kernel's");
    Ok(Keepalive::After {
        idle_s: idle.try_into().map_err(too_large)?,
        interval_s: interval.try_into().map_err(too_large)?,
        count: count.try_into().map_err(too_large)?,
    })
}

/// A whole number as libpq reads it; 0 for none.
fn whole(name: &str, text: &str, largest: i64) -> Result<i64, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    let number = text.trim().parse::<i64>().ok().filter(|number| (i32::MIN.into()..=largest).contains(number));
    number.ok_or_else(|| dsn_invalid(&format!("{name} is not a whole number up to {largest}")))
}

#[cfg(test)]
mod tests;
