//! Connection strings, as libpq reads them: a URL, or key=value. No piece of one that may be a password's goes into a message.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use ra_tls_verify::{Code, Error};

/// Parameters by name.
pub(crate) type Parameters = BTreeMap<String, String>;

/// libpq's parameters.
const KNOWN: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

pub(crate) fn dsn_invalid(what: &str) -> Error {
    Error::of_code(Code::DsnInvalid, &[("what", what)])
}

/// Read a connection string.
pub(crate) fn parse(dsn: &str) -> Result<Parameters, Error> {
    if dsn.contains('\0') {
        return Err(dsn_invalid("the connection string has a NUL"));
    }
    match dsn.strip_prefix("postgresql://").or_else(|| dsn.strip_prefix("postgres://")) {
        Some(rest) => parse_url(rest),
        None => parse_pairs(dsn),
    }
}

/// Whether libpq has a parameter of this name.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Set a parameter that must be one of libpq's. Its name is shown only where it can be nothing else.
fn set(parameters: &mut Parameters, name: &str, value: String, show: bool) -> Result<(), Error> {
    if !is_known(name) {
        let shown = show && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        return Err(dsn_invalid(&format!("invalid connection option \"{}\"", if shown { name } else { "…" })));
    }
    parameters.insert(name.to_owned(), value);
    Ok(())
}

/// `key = value 'with spaces' …`
fn parse_pairs(text: &str) -> Result<Parameters, Error> {
    let mut parameters = Parameters::new();
    let mut rest = text.trim_start();
    let mut after_password = false;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(after) = after.trim_start().strip_prefix('=') else {
            return Err(dsn_invalid("missing \"=\" after an option's name"));
        };
        let (value, after) = parse_value(after.trim_start())?;
        set(&mut parameters, name, value, !after_password)?;
        after_password = name == "password";
        rest = after.trim_start();
    }
    Ok(parameters)
}

/// A value, quoted or not, with backslashes as escapes; and what follows it.
fn parse_value(text: &str) -> Result<(String, &str), Error> {
    let (quoted, text) = text.strip_prefix('\'').map_or((false, text), |rest| (true, rest));
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && c.is_whitespace() => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted { Err(dsn_invalid("unterminated quoted string")) } else { Ok((value, "")) }
}

/// `[user[:password]@][host[:port],…][/dbname][?name=value&…]`
fn parse_url(text: &str) -> Result<Parameters, Error> {
    let mut parameters = Parameters::new();
    let mut rest = text;
    let before_path = rest.find('/').unwrap_or(rest.len());
    if let Some(at) = rest[..before_path].find('@') {
        let credentials = &rest[..at];
        let (user, password) = credentials.split_once(':').map_or((credentials, None), |(user, password)| (user, Some(password)));
        give(&mut parameters, "user", user)?;
        give(&mut parameters, "password", password.unwrap_or_default())?;
        rest = &rest[at + 1..];
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    parse_hosts(&mut parameters, &rest[..end])?;
    rest = &rest[end..];
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    give(&mut parameters, "dbname", path.strip_prefix('/').unwrap_or_default())?;
    if let Some(query) = query {
        parse_query(&mut parameters, query)?;
    }
    Ok(parameters)
}

fn parse_hosts(parameters: &mut Parameters, text: &str) -> Result<(), Error> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for one in text.split(',') {
        let (host, port) = match one.strip_prefix('[') {
            Some(rest) => {
                let (host, after) =
                    rest.split_once(']').ok_or_else(|| dsn_invalid("an IPv6 address without its closing \"]\""))?;
                let port = if after.is_empty() { Some("") } else { after.strip_prefix(':') };
                (host, port.ok_or_else(|| dsn_invalid("unexpected text after an IPv6 address"))?)
            }
            None => one.split_once(':').unwrap_or((one, "")),
        };
        hosts.push(host);
        ports.push(port);
    }
    give(parameters, "host", &hosts.join(","))?;
    if ports.iter().any(|port| !port.is_empty()) {
        give(parameters, "port", &ports.join(","))?;
    }
    Ok(())
}

fn parse_query(parameters: &mut Parameters, query: &str) -> Result<(), Error> {
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').ok_or_else(|| dsn_invalid("missing \"=\" in a query parameter"))?;
        if value.contains('=') {
            return Err(dsn_invalid("an extra \"=\" in a query parameter"));
        }
        let (name, value) = (decode(name)?, decode(value)?);
        match (name.as_str(), value.as_str()) {
            ("ssl", "true") => set(parameters, "sslmode", "require".to_owned(), true)?,
            _ => set(parameters, &name, value, true)?,
        }
    }
    Ok(())
}

/// Set a parameter of a URL where it has one.
fn give(parameters: &mut Parameters, name: &str, encoded: &str) -> Result<(), Error> {
    if !encoded.is_empty() {
        parameters.insert(name.to_owned(), decode(encoded)?);
    }
    Ok(())
}

fn decode(encoded: &str) -> Result<String, Error> {
    let bytes = encoded.as_bytes();
    let sound = (0..bytes.len())
        .filter(|at| bytes[*at] == b'%')
        .all(|at| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)));
    let decoded = percent_decode_str(encoded).decode_utf8().ok().filter(|text| sound && !text.contains('\0'));
    decoded.map(Into::into).ok_or_else(|| dsn_invalid("a percent-encoding in the URL is not valid"))
}
