//! What a connection string leaves open: service file, `PG*` variables, password file.

#[cfg(test)]
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use ra_tls_verify::Error;

use crate::conninfo::{Parameters, dsn_invalid, is_known};

/// Variable and the parameter that it stands for.
const VARIABLES: &[(&str, &str)] = &[
    ("PGAPPNAME", "application_name"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCLIENTENCODING", "client_encoding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGDATABASE", "dbname"),
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGPASSWORD", "password"),
    ("PGPORT", "port"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGSERVICEFILE", "servicefile"),
    ("PGSSLMODE", "sslmode"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGUSER", "user"),
];
/// Where Debian's libpq looks for a service file of the whole machine.
const SYSTEM_SERVICE_FILE: &str = "/etc/postgresql-common/pg_service.conf";

/// Variables of the environment, by name.
pub(crate) struct Environment(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<OsString> + Send;

impl Environment {
    /// This process's.
    pub(crate) fn of_process() -> Environment {
        Environment(Box::new(|name| env::var_os(name)))
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Environment {
        let variables: BTreeMap<String, OsString> =
            variables.iter().map(|(name, value)| ((*name).into(), value.into())).collect();
        Environment::with(move |name| variables.get(name).cloned())
    }

    #[cfg(test)]
    pub(crate) fn with(variable: impl Fn(&str) -> Option<OsString> + Send + 'static) -> Environment {
        Environment(Box::new(variable))
    }

    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        let value = (self.0)(name).map(OsString::into_string).transpose();
        // The value is not shown: it may be a password.
        value.map_err(|_| dsn_invalid(&format!("{name} is not UTF-8")))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        (self.0)(name).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.path("HOME").map(|home| home.join(name))
    }
}

/// Add what the surroundings say where the string says nothing: first the service, then the variables.
pub(crate) fn complete(parameters: &mut Parameters, environment: &Environment) -> Result<(), Error> {
    let service = or_variable(parameters, "service", environment, "PGSERVICE")?;
    if let Some(service) = service.filter(|service| !service.is_empty()) {
        let file = or_variable(parameters, "servicefile", environment, "PGSERVICEFILE")?;
        add_service(parameters, &service, file.map(PathBuf::from), environment)?;
    }
    for (name, parameter) in VARIABLES {
        if !parameters.contains_key(*parameter) {
            parameters.extend(environment.text(name)?.map(|value| ((*parameter).to_owned(), value)));
        }
    }
    Ok(())
}

fn or_variable(parameters: &Parameters, name: &str, environment: &Environment, variable: &str) -> Result<Option<String>, Error> {
    match parameters.get(name) {
        Some(value) => Ok(Some(value.clone())),
        None => environment.text(variable),
    }
}

fn add_service(
    parameters: &mut Parameters,
    service: &str,
    file: Option<PathBuf>,
    environment: &Environment,
) -> Result<(), Error> {
    let system = environment.path("PGSYSCONFDIR").map(|folder| folder.join("pg_service.conf"));
    let candidates = match file {
        Some(file) => vec![file],
        None => {
            let own = environment.in_home(".pg_service.conf");
            own.into_iter().chain([system.unwrap_or_else(|| SYSTEM_SERVICE_FILE.into())]).collect()
        }
    };
    for path in candidates {
        let Ok(text) = fs::read_to_string(path) else { continue };
        if let Some(found) = read_service(&text, service)? {
            for (name, value) in found {
                parameters.entry(name).or_insert(value);
            }
            return Ok(());
        }
    }
    Err(dsn_invalid("its service is not defined in any service file"))
}

/// The parameters of a service; `None` when the file does not have it.
fn read_service(text: &str, service: &str) -> Result<Option<Parameters>, Error> {
    let mut found: Option<Parameters> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            found = (section.strip_suffix(']') == Some(service)).then(Parameters::new);
            continue;
        }
        let Some(parameters) = &mut found else { continue };
        match line.split_once('=') {
            Some((name, value)) if is_known(name.trim()) && name.trim() != "service" => {
                parameters.entry(name.trim().to_owned()).or_insert_with(|| value.trim().to_owned());
            }
            _ => return Err(dsn_invalid("a line of the service file is no parameter")),
        }
    }
    Ok(found)
}

/// The password that the password file has for a server, by libpq's rules.
pub(crate) fn password_of(file: Option<&str>, environment: &Environment, wanted: [&str; 4]) -> Option<String> {
    let path = file.filter(|file| !file.is_empty()).map(PathBuf::from).or_else(|| environment.in_home(".pgpass"))?;
    let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        log::warn!(target: "postgres_ratls", "password file {} can be read by others and is not used: chmod 600 it", path.display());
        return None;
    }
    fs::read_to_string(path).ok()?.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = split_fields(line)?;
        let (password, keys) = fields.split_last()?;
        let fits = keys.iter().zip(wanted).all(|((raw, value), wanted)| raw == "*" || value == wanted);
        (keys.len() == wanted.len() && fits).then(|| password.1.clone())
    })
}

/// The five fields of a line, each as it stands and without its escapes. The last is the rest of the line.
fn split_fields(line: &str) -> Option<Vec<(String, String)>> {
    let mut fields = vec![(String::new(), String::new())];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == ':' && fields.len() < 5 {
            fields.push(Default::default());
            continue;
        }
        let value = if c == '\\' { chars.next().unwrap_or('\\') } else { c };
        let (raw, unescaped) = fields.last_mut()?;
        raw.push(c);
        unescaped.push(value);
    }
    (fields.len() == 5).then_some(fields)
}
