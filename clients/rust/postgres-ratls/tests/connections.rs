//! Attested connections to a real PostgreSQL: the documented snippets, pools, cancelling, what goes wrong on the way.

mod common;

use std::error::Error as _;
use std::time::Duration;

use common::{Sidecar, cluster};
use postgres_ratls::{
    ANY, Claims, Code, ConnectError, Error, NoopVerifier, RaTlsOptions, RaTlsVerifier, Rejection, Verifier, VerifyOptions,
    attestation, connect, last_error, pg_config_ra_tls, pg_connect_opts_ra_tls, save_evidence,
};
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

async fn client(sidecar: &Sidecar) -> postgres_ratls::Client {
    let (client, connection) = connect(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn the_documented_snippet() {
    let sidecar = Sidecar::healthy();
    let (dsn, verifier) = (sidecar.url(), std::sync::Arc::new(sidecar.verifier()));
    let opts =
        pg_connect_opts_ra_tls(&dsn, verifier, RaTlsOptions { allowed_mrtds: vec![sidecar.mr_td.clone()], ..Default::default() })
            .await
            .unwrap();
    let mut connection = opts.connect().await.unwrap();
    let row = sqlx::query("select 6 * 7 as answer, current_user::text as name").fetch_one(&mut connection).await.unwrap();
    assert_eq!((row.get::<i32, _>("answer"), row.get::<String, _>("name").as_str()), (42, "postgres"));
    let verdict = attestation(&opts).unwrap();
    assert!(verdict.accepted && verdict.verified && !verdict.identity_pinned);
    assert_eq!(
        (verdict.key_bound, verdict.mr_td, verdict.tcb_status.as_deref()),
        (Some(true), Some(sidecar.mr_td.clone()), Some("OK"))
    );
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_pool_of_sqlx_serves_fifty_at_once() {
    let sidecar = Sidecar::healthy();
    let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(20).connect_with(opts.clone()).await.unwrap();
    let mut asked = JoinSet::new();
    for number in 0..50 {
        let pool = pool.clone();
        asked.spawn(async move { sqlx::query_scalar::<_, i32>("select $1::int").bind(number).fetch_one(&pool).await.unwrap() });
    }
    let mut answers = asked.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, (0..50).collect::<Vec<i32>>());
    pool.close().await;
}

#[tokio::test]
async fn fifty_connections_at_once() {
    let sidecar = Sidecar::healthy();
    let (verifier, options, dsn) = (sidecar.verifier(), sidecar.options(), sidecar.dsn());
    let mut asked = JoinSet::new();
    for number in 0..50 {
        let (verifier, options, dsn) = (verifier.clone(), options.clone(), dsn.clone());
        asked.spawn(async move {
            let (client, connection) = connect(&dsn, verifier, options).await.unwrap();
            tokio::spawn(connection);
            client.query_one("select $1::int", &[&number]).await.unwrap().get::<_, i32>(0)
        });
    }
    let mut answers = asked.join_all().await;
    answers.sort_unstable();
    assert_eq!(answers, (0..50).collect::<Vec<i32>>());
}

#[tokio::test]
async fn tokio_postgres_connects_and_knows_its_verdict() {
    let sidecar = Sidecar::healthy();
    let mut client = client(&sidecar).await;
    let transaction = client.transaction().await.unwrap();
    assert_eq!(transaction.query_one("select 6 * 7", &[]).await.unwrap().get::<_, i32>(0), 42);
    transaction.rollback().await.unwrap();
    let verdict = attestation(&client).unwrap();
    assert_eq!((verdict.verified, verdict.mr_td), (true, Some(sidecar.mr_td.clone())));
    let text = "x".repeat(5_000_000);
    let row = client.query_one("select reverse($1::text)", &[&text]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), text);
}

#[tokio::test]
async fn pools_for_tokio_postgres() {
    let sidecar = Sidecar::healthy();
    let config = pg_config_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap();
    assert!(attestation(&config).unwrap().verified);

    let manager = deadpool_postgres::Manager::new(config.clone(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(4).build().unwrap();
    let mut asked = JoinSet::new();
    for _ in 0..10 {
        let pool = pool.clone();
        asked.spawn(async move { pool.get().await.unwrap().query_one("select 1", &[]).await.unwrap().get::<_, i32>(0) });
    }
    assert_eq!(asked.join_all().await, vec![1; 10]);

    let manager = bb8_postgres::PostgresConnectionManager::new(config, NoTls);
    let pool = bb8_postgres::bb8::Pool::builder().max_size(4).build(manager).await.unwrap();
    assert_eq!(pool.get().await.unwrap().query_one("select 2", &[]).await.unwrap().get::<_, i32>(0), 2);
}

#[cfg(feature = "sqlx-0_8")]
#[tokio::test]
async fn sqlx_of_the_version_before() {
    use sqlx_0_8::ConnectOptions as _;
    let sidecar = Sidecar::healthy();
    let dsn = sidecar.dsn();
    let opts = postgres_ratls::sqlx_0_8::pg_connect_opts_ra_tls(&dsn, sidecar.verifier(), sidecar.options()).await.unwrap();
    let mut connection = opts.connect().await.unwrap();
    assert_eq!(sqlx_0_8::query_scalar::<_, i32>("select 6 * 7").fetch_one(&mut connection).await.unwrap(), 42);
    assert!(attestation(&opts).unwrap().verified);
    let pool = sqlx_0_8::PgPool::connect_with(opts).await.unwrap();
    assert_eq!(sqlx_0_8::query_scalar::<_, i32>("select 1").fetch_one(&pool).await.unwrap(), 1);
}

#[tokio::test]
async fn a_query_is_cancelled() {
    let sidecar = Sidecar::healthy();
    let client = std::sync::Arc::new(client(&sidecar).await);
    let pid: i32 = client.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let watched = client.clone();
    let asleep = tokio::spawn(async move { watched.batch_execute("select pg_sleep(60)").await });
    let (plain, connection) =
        tokio_postgres::connect(&sidecar.dsn().replace(&sidecar.port.to_string(), &cluster().port.to_string()), NoTls)
            .await
            .unwrap();
    tokio::spawn(connection);
    let active = "select 1 from pg_stat_activity where pid = $1 and state = 'active'";
    while plain.query_opt(active, &[&pid]).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    client.cancel_token().cancel_query().await.unwrap();
    let error = asleep.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::QUERY_CANCELED));
    assert_eq!(client.query_one("select 1", &[]).await.unwrap().get::<_, i32>(0), 1);
}

#[tokio::test]
async fn the_name_is_asked_for_and_the_address_dialled() {
    let sidecar = Sidecar::healthy();
    let dsn = sidecar.dsn().replace("host=", "host=db.example hostaddr=");
    let opts = pg_connect_opts_ra_tls(&dsn, sidecar.verifier(), sidecar.options()).await.unwrap();
    opts.connect().await.unwrap().close().await.unwrap();
    for seen in sidecar.wait_closed(1) {
        assert_eq!((seen["sni"].as_str(), seen["alpn"].as_str()), (Some("db.example"), Some("postgresql")));
    }
}

#[tokio::test]
async fn what_the_attestation_takes_the_place_of_is_overridden() {
    let sidecar = Sidecar::healthy();
    for given in
        ["sslmode=disable", "sslmode=verify-full sslrootcert=/nonexistent", "channel_binding=require", "gssencmode=require"]
    {
        let dsn = format!("{} {given} application_name=till options='-c geqo=off -c work_mem=7MB'", sidecar.dsn());
        let opts = pg_connect_opts_ra_tls(&dsn, sidecar.verifier(), sidecar.options()).await.unwrap();
        let mut one = opts.connect().await.unwrap();
        let (client, connection) = connect(&dsn, sidecar.verifier(), sidecar.options()).await.unwrap();
        tokio::spawn(connection);
        for (setting, value) in [("application_name", "till"), ("geqo", "off"), ("work_mem", "7MB")] {
            let show = format!("show {setting}");
            assert_eq!(
                sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(show.clone())).fetch_one(&mut one).await.unwrap(),
                value,
                "{given}"
            );
            assert_eq!(client.query_one(&show, &[]).await.unwrap().get::<_, &str>(0), value, "{given}");
        }
    }
}

#[tokio::test]
async fn a_password_that_nobody_knows_is_a_placeholder() {
    let sidecar = Sidecar::healthy();
    let dsn = format!("host=127.0.0.1 port={} user=postgres dbname=postgres passfile=/nonexistent", sidecar.port);
    let error = connect(&dsn, sidecar.verifier(), sidecar.options()).await.err().unwrap();
    assert!(error.ra_tls().is_none(), "the server is accepted, its answer is its own");
    let told = error.source().unwrap().to_string();
    assert!(told.contains("password authentication failed"), "{told}");
}

#[tokio::test]
async fn a_server_that_is_killed_is_the_drivers_ordinary_error() {
    let mut sidecar = Sidecar::healthy();
    let client = client(&sidecar).await;
    let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap();
    let mut connection = opts.connect().await.unwrap();
    sidecar.process.kill();
    client.query_one("select 1", &[]).await.unwrap_err();
    sqlx::query("select 1").execute(&mut connection).await.unwrap_err();
    assert!(attestation(&client).unwrap().verified, "the verdict stays readable");
    // On the tunnel that runs, a further connection finds nobody: the reason is told, typed.
    opts.connect().await.unwrap_err();
    assert_eq!(last_error(&opts).unwrap().unwrap().code(), Code::ConnectFailed);
    let port = sidecar.port;
    let error = connect(&sidecar.dsn(), NoopVerifier::new(), sidecar.options()).await.err().unwrap();
    assert_eq!(error.ra_tls().unwrap().code(), Code::ConnectFailed);
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
}

#[tokio::test]
async fn evidence_is_saved_and_verified_again() {
    let sidecar = Sidecar::healthy();
    let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap();
    let client = client(&sidecar).await;
    let (first, second) = (sidecar.files.join("opts.json"), sidecar.files.join("client.json"));
    save_evidence(&opts, &first).unwrap();
    save_evidence(&client, &second).unwrap();
    for path in [&first, &second] {
        let evidence: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for name in ["certificate", "quote", "collateral", "trust_anchor", "verified_at"] {
            assert!(!evidence[name].is_null(), "{name}");
        }
    }
    assert_eq!(save_evidence(&opts, &first).unwrap_err().code(), Code::ArgumentInvalid, "nothing is overwritten");
    let foreign = sqlx::postgres::PgConnectOptions::new_without_pgpass().socket("/tmp");
    for error in [attestation(&foreign).unwrap_err(), save_evidence(&foreign, "/dev/null").unwrap_err()] {
        assert_eq!(error.code(), Code::ArgumentInvalid);
    }
}

#[tokio::test]
async fn the_application_is_pinned() {
    let sidecar = Sidecar::healthy();
    let certificate = std::fs::read(sidecar.files.join("cert.der")).unwrap();
    let shown = ra_tls_verify::inspect_certificate(&certificate).unwrap();
    let pinned: RaTlsOptions = shown.pins().unwrap().into();
    let (client, connection) = connect(&sidecar.dsn(), sidecar.verifier(), pinned.clone()).await.unwrap();
    tokio::spawn(connection);
    let verdict = attestation(&client).unwrap();
    assert!(verdict.identity_pinned && verdict.compose_hash.is_some());
    assert_eq!(pinned.pins.as_ref().unwrap()["compose_hash"], [verdict.compose_hash.unwrap()]);
    drop(client);

    let mut other = pinned.clone();
    other.pins.as_mut().unwrap().insert("compose_hash".into(), vec!["00".repeat(32)]);
    let error = connect(&sidecar.dsn(), sidecar.verifier(), other).await.err().unwrap();
    assert!(matches!(error.ra_tls(), Some(Error::Refused(_))), "{error}");
    let mut alone = pinned;
    alone.allowed_mrtds = vec![ANY.into()];
    let error = connect(&sidecar.dsn(), sidecar.verifier(), alone).await.err().unwrap();
    assert_eq!(error.ra_tls().unwrap().code(), Code::PinsIncomplete);
}

type Answer = fn() -> Result<Claims, Rejection>;

struct Own(Answer);

impl RaTlsVerifier for Own {
    fn verify(&self, quote: &[u8], options: &VerifyOptions) -> Result<Claims, Rejection> {
        assert!(quote.len() > 600 && options.allowed_mrtds.len() == 1);
        (self.0)()
    }
}

#[tokio::test]
async fn own_verifiers() {
    let sidecar = Sidecar::healthy();
    let dsn = sidecar.dsn();
    let cases: [(Answer, Code); 5] = [
        (|| Err(Rejection::Refused("no".into())), Code::UserVerifierRefused),
        (|| Err(std::io::Error::other("no").into()), Code::UserVerifier),
        (|| panic!("a mistake of the verifier's"), Code::UserVerifier),
        (|| Ok(Claims::from_json("{}")), Code::UserVerifierClaims),
        (|| Ok(Claims::new("OutOfDate")), Code::TcbStatus),
    ];
    let tried = cases.len();
    for (answer, code) in cases {
        let error = pg_connect_opts_ra_tls(&dsn, Verifier::own(Own(answer)), sidecar.options()).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
    sidecar.assert_nothing_sent(tried);
    let verifier = Verifier::own(Own(|| Ok(Claims::new("OK").advisory_ids(["INTEL-SA-00001"]))));
    let opts = pg_connect_opts_ra_tls(&dsn, &verifier, sidecar.options()).await.unwrap();
    PgConnection::connect_with(&opts).await.unwrap();
    let verdict = attestation(&opts).unwrap();
    assert_eq!((verdict.verifier.as_deref(), verdict.advisory_ids), (Some("custom"), Some(vec!["INTEL-SA-00001".to_owned()])));
}

struct Awaiting;

impl postgres_ratls::AsyncRaTlsVerifier for Awaiting {
    async fn verify(&self, _quote: &[u8], _options: &VerifyOptions) -> Result<Claims, Rejection> {
        tokio::task::yield_now().await;
        Ok(Claims::new("OK"))
    }
}

#[tokio::test]
async fn an_own_verifier_may_await() {
    let sidecar = Sidecar::healthy();
    let verifier = Verifier::own_async(Awaiting, tokio::runtime::Handle::current());
    let (client, connection) = connect(&sidecar.dsn(), &verifier, sidecar.options()).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.query_one("select 1", &[]).await.unwrap().get::<_, i32>(0), 1);
}

#[tokio::test]
async fn a_simulator_is_accepted_when_asked_for() {
    let sidecar = Sidecar::with_fault("no_quote");
    let options = RaTlsOptions { allow_simulator: true, ..Default::default() };
    let (client, connection) = connect(&sidecar.dsn(), sidecar.verifier(), options).await.unwrap();
    tokio::spawn(connection);
    let verdict = attestation(&client).unwrap();
    assert!(verdict.accepted && !verdict.verified);
}

#[tokio::test]
async fn noop_accepts_unverified() {
    let sidecar = Sidecar::healthy();
    let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), NoopVerifier::new(), RaTlsOptions::default()).await.unwrap();
    PgConnection::connect_with(&opts).await.unwrap();
    assert!(!attestation(&opts).unwrap().verified);
}

#[tokio::test]
async fn dropping_the_future_ends_the_attestation() {
    let sidecar = Sidecar::start(&["--behaviour", "silent"]);
    let (dsn, verifier, options) = (sidecar.dsn(), sidecar.verifier(), sidecar.options());
    let pending = tokio::spawn(async move { pg_connect_opts_ra_tls(&dsn, verifier, options).await });
    tokio::time::timeout(Duration::from_millis(300), async {
        while !pending.is_finished() {
            tokio::task::yield_now().await
        }
    })
    .await
    .unwrap_err();
    pending.abort();
    assert_eq!(sidecar.wait_closed(1)[0]["closed"], "the client gave up");
}

#[tokio::test]
async fn another_failure_of_the_driver_is_told_as_it_is() {
    let sidecar = Sidecar::healthy();
    let dsn = sidecar.dsn().replace("dbname=postgres", "dbname=nowhere");
    match connect(&dsn, sidecar.verifier(), sidecar.options()).await {
        Err(ConnectError::Driver(error)) => assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::UNDEFINED_DATABASE)),
        other => panic!("{other:?}", other = other.map(|_| "connected")),
    }
}

/// What an example says, run with these arguments and nothing of ours in its environment but `variables`.
fn run_example(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let programs = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let done = std::process::Command::new(programs.join(name))
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap_or_else(|error| panic!("{name}, which cargo test builds: {error}"));
    assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test]
async fn the_examples_run_as_they_stand() {
    let sidecar = Sidecar::healthy();
    client(&sidecar)
        .await
        .batch_execute(
            "create table if not exists orders (id int primary key, total numeric(10, 2));
             insert into orders values (1, 19.90) on conflict do nothing",
        )
        .await
        .unwrap();
    let (collateral, root) = (sidecar.files.join("collateral.json"), sidecar.files.join("root.pem"));
    let files = [collateral.to_str().unwrap(), sidecar.mr_td.as_str(), root.to_str().unwrap()];
    let (url, port) = (sidecar.url(), sidecar.port.to_string());
    // Everything may come from the environment, and nothing there leads around the tunnel.
    let variables = [
        ("PGHOST", "db.example"),
        ("PGHOSTADDR", "127.0.0.1"),
        ("PGPORT", port.as_str()),
        ("PGUSER", "postgres"),
        ("PGDATABASE", "postgres"),
        ("PGPASSWORD", cluster().password.as_str()),
        ("PGSSLMODE", "verify-full"),
        ("PGSSLROOTCERT", "/nonexistent"),
        ("PGCHANNELBINDING", "require"),
        ("PGREQUIREPEER", "nobody"),
        ("PGSSLNEGOTIATION", "direct"),
    ];
    for name in ["quickstart", "quickstart_tokio_postgres"] {
        for (dsn, variables) in [(url.as_str(), &[][..]), ("", &variables[..])] {
            let said = run_example(name, &[&[dsn], &files[..]].concat(), variables);
            assert!(said.contains("order 1: 19.90") && said.contains(&sidecar.mr_td), "{said}");
        }
    }
}
