//! Connection strings: what libpq means by them, what is refused, what the driver is given. Nothing is dialled here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ra_tls_verify::{Code, Error, Keepalive, Leader};

use super::{PLACEHOLDER_PASSWORD, Target, resolve};
use crate::surroundings::Environment;

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("postgres-ratls-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, mode: u32, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn target_in(dsn: &str, variables: &[(&str, &str)]) -> Target {
    resolve(dsn, &Environment::of(variables), None).unwrap_or_else(|error| panic!("{dsn}: {error}"))
}

fn target(dsn: &str) -> Target {
    target_in(dsn, &[])
}

fn failure(dsn: &str, variables: &[(&str, &str)]) -> Error {
    let error = resolve(dsn, &Environment::of(variables), None).err().unwrap_or_else(|| panic!("{dsn} was accepted"));
    assert_eq!(error.code(), Code::DsnInvalid, "{dsn}");
    assert!(matches!(error, Error::Usage(_)));
    error
}

fn reason(dsn: &str) -> String {
    let message = failure(dsn, &[]).to_string();
    let said = message.strip_prefix("connection string cannot be honoured: ");
    said.unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[test]
fn both_forms() {
    for dsn in [
        "postgresql://app:secret@db.example:5433/orders",
        "postgres://app:secret@db.example:5433/orders",
        "host=db.example port=5433 user=app password=secret dbname=orders",
        "host = 'db.example' port=5433\nuser=app password=se\\cret dbname='orders'",
        "postgresql:///orders?host=db.example&port=5433&user=app&password=secret",
        "postgresql://app:s%65cret@db.example:5433/orders?sslmode=verify-full",
    ] {
        let found = target(dsn);
        let upstream = &found.upstream;
        assert_eq!(
            (upstream.host.as_str(), upstream.server_name.as_deref(), upstream.port),
            ("db.example", Some("db.example"), 5433)
        );
        assert_eq!((found.user.as_str(), found.password.as_str(), found.dbname.as_str()), ("app", "secret", "orders"), "{dsn}");
    }
}

#[test]
fn values_may_be_quoted() {
    assert_eq!(target(r"host=db user=a password='it\'s a \\ secret'").password, r"it's a \ secret");
    assert_eq!(target("postgresql://a@db/?password=a%20b+c").password, "a b+c");
}

#[test]
fn hostaddr_is_where_to_dial_and_host_the_name() {
    let upstream = target("host=db.example hostaddr=127.0.0.1").upstream;
    assert_eq!((upstream.host.as_str(), upstream.server_name.as_deref(), upstream.port), ("127.0.0.1", Some("db.example"), 5432));
    for dsn in ["hostaddr=::1 port=7", "host=::1", "host=127.0.0.1", "host=127.0.0.1 hostaddr=127.0.0.2", "postgresql://[::1]:7/"]
    {
        assert_eq!(target(dsn).upstream.server_name, None, "an address is no name to ask for: {dsn}");
    }
}

#[test]
fn the_environment_counts() {
    let variables = [
        ("PGHOST", "env.example"),
        ("PGPORT", "6001"),
        ("PGPASSWORD", "from env"),
        ("PGCONNECT_TIMEOUT", "7"),
        ("PGUSER", "clerk"),
        ("PGAPPNAME", "till"),
        ("PGOPTIONS", "-c geqo=off"),
    ];
    let found = target_in("", &variables);
    assert_eq!((found.upstream.host.as_str(), found.upstream.port), ("env.example", 6001));
    assert_eq!((found.password.as_str(), found.user.as_str(), found.dbname.as_str()), ("from env", "clerk", "clerk"));
    assert_eq!(found.upstream.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!((found.application_name.as_deref(), found.options.as_deref()), (Some("till"), Some("-c geqo=off")));
    assert_eq!(target_in("host=db.example", &variables).upstream.host, "db.example", "the string wins");
}

#[test]
fn the_service_file_counts() {
    let folder = Folder::new();
    let file = folder.file(
        "services",
        0o644,
        "# ours\n[other]\nhost=other.example\n[orders]\nhost=service.example\nport=6002\nuser=clerk\nhostaddr=127.0.0.9\n[last]\nuser=x\n",
    );
    for (dsn, service) in [("service=orders", ""), ("", "orders"), ("postgresql://?service=orders", "other")] {
        let found = target_in(dsn, &[("PGSERVICEFILE", &file), ("PGSERVICE", service), ("PGPORT", "1")]);
        let upstream = &found.upstream;
        assert_eq!(
            (upstream.host.as_str(), upstream.server_name.as_deref(), upstream.port),
            ("127.0.0.9", Some("service.example"), 6002)
        );
        assert_eq!(found.user, "clerk");
    }
    assert_eq!(target_in("service=orders port=7", &[("PGSERVICEFILE", &file)]).upstream.port, 7);
    assert!(failure("service=nowhere", &[("PGSERVICEFILE", &file)]).to_string().contains("not defined"));
    let bad = folder.file("bad", 0o644, "[orders]\ncolour=red\n");
    failure("service=orders host=db", &[("PGSERVICEFILE", &bad)]);
}

#[test]
fn the_password_file_is_asked_for_the_real_server() {
    let folder = Folder::new();
    let lines = "# pgpass\n/run/attested:5432:*:*:wrong\ndb.example:5433:orders:app:ri\\:ght:er\n*:*:*:a\\\\b:other\n*:7:*:*:\n";
    let file = folder.file("pgpass", 0o600, lines);
    for variables in [vec![("PGPASSFILE", file.as_str())], vec![("HOME", "/nonexistent"), ("PGPASSFILE", file.as_str())]] {
        assert_eq!(target_in("postgresql://app@db.example:5433/orders", &variables).password, "ri:ght:er");
        assert_eq!(target_in(r"host=db.example hostaddr=127.0.0.1 user=a\\b", &variables).password, "other");
        assert_eq!(target_in("postgresql://app@db.example:5434/orders", &variables).password, PLACEHOLDER_PASSWORD);
        assert_eq!(target_in("postgresql://app:given@db.example:5433/orders", &variables).password, "given");
    }
    folder.file(".pgpass", 0o600, "db.example:*:*:*:home");
    let home = [("HOME", folder.0.to_str().unwrap())];
    assert_eq!(target_in("host=db.example user=app", &home).password, "home");
    let open = folder.file("open", 0o644, "*:*:*:*:open");
    assert_eq!(target_in(&format!("host=db.example user=app passfile={open}"), &[]).password, PLACEHOLDER_PASSWORD);
}

#[test]
fn a_placeholder_where_no_password_is_known() {
    assert_eq!(target("host=db.example user=app").password, PLACEHOLDER_PASSWORD);
}

#[test]
fn what_the_attestation_takes_the_place_of_is_accepted() {
    for given in [
        "sslmode=require",
        "sslmode=verify-full sslrootcert=system",
        "channel_binding=require",
        "gssencmode=require",
        "requirepeer=root",
        "sslnegotiation=direct sslmode=require",
        "sslcertmode=require",
        "min_protocol_version=3.2",
        "application_name=till",
        "sslmode=disable",
        "keepalives=0",
        "target_session_attrs=any",
    ] {
        assert_eq!(target(&format!("host=db.example user=app {given}")).upstream.host, "db.example");
    }
    assert_eq!(target("postgresql://db.example/?ssl=true").upstream.host, "db.example");
}

#[test]
fn what_the_drivers_would_drop_in_silence_is_refused() {
    for given in
        ["target_session_attrs=read-write", "require_auth=scram-sha-256", "replication=database", "client_encoding=latin1"]
    {
        let name = given.split('=').next().unwrap();
        assert!(reason(&format!("host=db.example {given}")).starts_with(name), "{given}");
    }
}

#[test]
fn the_timeout_is_libpqs() {
    for (value, seconds) in [("10", Some(10)), ("0", None), ("-1", None), ("1", Some(2)), ("", None)] {
        let found = target(&format!("host=db.example user=app connect_timeout='{value}'"));
        assert_eq!(found.upstream.connect_timeout, seconds.map(Duration::from_secs), "{value}");
    }
}

#[test]
fn several_servers_are_refused() {
    for dsn in [
        "host=a.example,b.example",
        "postgresql://a.example:1,b.example:2/",
        "host=a.example port=1,2",
        "hostaddr=127.0.0.1,127.0.0.2",
        "host=a,b hostaddr=127.0.0.1,127.0.0.2",
    ] {
        assert!(reason(dsn).contains("several servers"), "{dsn}");
    }
}

#[test]
fn a_local_socket_is_refused() {
    for dsn in ["host=/var/run/postgresql", "postgresql://%2Frun/orders", "host=@abstract"] {
        assert!(reason(dsn).contains("local socket"), "{dsn}");
    }
    assert!(failure("dbname=orders", &[("PGHOST", "/tmp")]).to_string().contains("local socket"));
}

#[test]
fn no_host_is_refused() {
    for dsn in ["dbname=orders", "", "postgresql:///orders", "host=''"] {
        assert!(reason(dsn).contains("names no host"), "{dsn}");
    }
}

#[test]
fn a_malformed_string_is_refused() {
    for dsn in [
        "host",
        "colour=red",
        "postgresql://[::1",
        "postgresql://[::1]x/",
        "host=db port=0",
        "host=db port=65536",
        "host=db port=x",
        "host=db port=5_4",
        "host=db port=+5",
        "host=db connect_timeout=soon",
        "service=nowhere",
        "host='db",
        "postgresql://db/?a",
        "postgresql://db/?user=a=b",
        "postgresql://d%zz/",
        "postgresql://d%0",
        "postgresql://d%00b/",
        "postgresql://d%ff/",
        "host=db\0 port=1",
        "host=db sslmode=maybe",
        "hostaddr=db.example",
        "mysql://db/",
    ] {
        reason(dsn);
    }
    assert_eq!(reason("host=db colour=red"), "invalid connection option \"colour\"");
}

#[test]
fn a_password_never_shows() {
    for dsn in [
        "host=a,b password=hunter",
        "host=/run password=hunter",
        "host=db port=x password=hunter",
        "host=db password=my hunter",
        "host=db password=my hunter=x",
        "postgresql://app:hunter/x@db/",
        "postgresql://app:hunter%zz@db/",
        "postgresql://app:a/b?hunter@db/",
        "postgresql://app:a@hunter@db/",
        "postgresql://app:a@hunter,@db/",
        "postgresql://app:hunter,x/db",
        "host=db password='hunter",
    ] {
        assert!(!reason(dsn).contains("hunter"), "{dsn}");
    }
}

#[test]
fn a_variable_that_is_not_utf8_is_refused_without_showing_it() {
    use std::os::unix::ffi::OsStringExt;
    let environment =
        Environment::with(|name| (name == "PGPASSWORD").then(|| std::ffi::OsString::from_vec(b"hunter\xff".to_vec())));
    let error = resolve("host=db.example", &environment, None).err().unwrap();
    assert_eq!(error.code(), Code::DsnInvalid);
    assert!(!format!("{error:?}").contains("hunter"));
}

#[test]
fn the_links_parameters_reach_the_tunnel() {
    let link = |given: &str| {
        let upstream = target(&format!("host=db.example user=app {given}")).upstream;
        (upstream.keepalive, upstream.tcp_user_timeout)
    };
    let after = |idle_s, interval_s, count| Keepalive::After { idle_s, interval_s, count };
    let all = "keepalives_idle=7 keepalives_interval=8 keepalives_count=9 tcp_user_timeout=1500";
    assert_eq!(link(all), (after(7, 8, 9), Some(Duration::from_millis(1500))));
    assert_eq!(link("keepalives=0 keepalives_idle=7"), (Keepalive::Off, None));
    for default in ["keepalives=1", "keepalives_idle=0 keepalives_count=-1 tcp_user_timeout=0", "tcp_user_timeout=-5"] {
        assert_eq!(link(default), (Keepalive::Default, None), "{default}");
    }
}

#[test]
fn a_links_parameter_that_is_no_number_or_too_large_is_refused() {
    for given in [
        "keepalives=off",
        "keepalives_idle=1s",
        "keepalives_idle=32768",
        "keepalives_interval=32768",
        "keepalives_count=128",
        "tcp_user_timeout=2147483648",
        "tcp_user_timeout=1.5",
    ] {
        let error = resolve(&format!("host=db.example user=app {given}"), &Environment::with(|_| None), None).err().unwrap();
        assert_eq!(error.code(), Code::DsnInvalid, "{given}");
        assert!(error.message().contains(given.split('=').next().unwrap()), "{given}");
    }
}

#[test]
fn options_of_the_link_win_over_the_connection_string() {
    let mut upstream = target("host=db.example user=app keepalives_idle=7 tcp_user_timeout=1500").upstream;
    crate::RaTlsOptions::default().apply_to(&mut upstream);
    assert_eq!((upstream.start_tls, upstream.tcp_user_timeout), (false, Some(Duration::from_millis(1500))));
    let (keepalive, tcp_user_timeout) = (Some(Keepalive::Off), Some(Duration::from_secs(3)));
    crate::RaTlsOptions { start_tls: true, keepalive, tcp_user_timeout, ..Default::default() }.apply_to(&mut upstream);
    assert_eq!((upstream.start_tls, upstream.keepalive, upstream.tcp_user_timeout), (true, Keepalive::Off, tcp_user_timeout));
}

#[test]
fn a_leader_says_where_to_connect_and_the_string_does_not() {
    let leader = Leader::new("cluster.example", &"ab".repeat(20)).unwrap();
    let folder = Folder::new();
    let passfile = folder.file("pgpass", 0o600, "cluster.example:6432:shop:app:secret\n");
    let variables =
        [("PGHOST", "db.example"), ("PGHOSTADDR", "127.0.0.1"), ("PGPORT", "6432"), ("PGPASSFILE", passfile.as_str())];
    for dsn in ["user=app dbname=shop connect_timeout=7", "postgresql://app@one.example:6432/shop?connect_timeout=7"] {
        let target = resolve(dsn, &Environment::of(&variables), Some(&leader)).unwrap();
        assert_eq!(
            (target.upstream.leader.as_ref(), target.upstream.host.as_str(), target.upstream.port),
            (Some(&leader), "", 0)
        );
        assert_eq!((target.password.as_str(), target.upstream.connect_timeout), ("secret", Some(Duration::from_secs(7))));
        assert_eq!((target.name(), target.label().as_str()), ("cluster.example", "the leader of cluster.example"));
    }
}
