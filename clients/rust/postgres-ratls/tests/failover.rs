//! A cluster whose leader moves: pools follow the record in DNS that says who leads.

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{Cluster, Sidecar, Simulated};
use postgres_ratls::{
    Code, Error, Leader, LeaderSettings, RaTlsOptions, attestation, connect, connect_via_manifest, last_error,
    pg_config_via_manifest, pg_connect_opts_via_manifest,
};
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use tokio_postgres::NoTls;

const CHANGES: usize = 10;
const WRITERS: u32 = 6;
/// Of each leader, before the next one.
const WRITES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(60);

/// The name server of a cluster.
struct Names {
    process: Simulated,
    epoch: u32,
}

impl Names {
    fn start() -> Names {
        Names { process: Simulated::start(&["cluster"]), epoch: 0 }
    }

    fn text(&self, name: &str) -> &str {
        self.process.listening[name].as_str().unwrap()
    }

    /// From now on this server leads.
    fn lead(&mut self, sidecar: &Sidecar) {
        self.epoch += 1;
        let (url, instance) = (format!("https://127.0.0.1:{}", sidecar.port), format!("{:040x}", sidecar.port));
        self.process.tell(&json!({"publish": {"url": url, "epoch": self.epoch, "instance": instance}}));
    }

    fn lookup(&self) -> LeaderSettings {
        let refresh = Some(Duration::from_millis(20));
        LeaderSettings { dns_servers: Some(vec![self.text("dns").to_owned()]), refresh, ..Default::default() }
    }

    fn options(&self, sidecar: &Sidecar) -> RaTlsOptions {
        let leader_drain = Some(Duration::from_millis(500));
        RaTlsOptions { lookup: Some(self.lookup()), leader_drain, ..sidecar.options() }
    }
}

/// A database, and the server in front of it.
struct Site {
    front: Sidecar,
    base: Cluster,
}

impl Site {
    async fn start() -> Site {
        let base = Cluster::start("trust");
        let site = Site { front: Sidecar::before(&base, &[]), base };
        site.plain().await.batch_execute("create table written (n int primary key)").await.unwrap();
        site
    }

    /// A connection to the database itself.
    async fn plain(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.base.dsn(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    fn port(&self) -> i32 {
        self.base.port.try_into().unwrap()
    }
}

/// A host that does not count.
const TEMPLATE: &str = "postgresql://postgres@nobody.example:1/postgres";

/// A write that was acknowledged: what, by whom, asked and answered when.
#[derive(Clone, Copy)]
struct Write {
    number: i32,
    port: i32,
    asked: Instant,
    answered: Instant,
}

/// Writers on a pool, until it is ended.
struct Load {
    written: Arc<Mutex<Vec<Write>>>,
    failures: Arc<Mutex<Vec<sqlx::Error>>>,
    ended: Arc<AtomicBool>,
    writers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn on(pool: &sqlx::PgPool) -> Load {
        let (written, failures, ended) = (Arc::default(), Arc::default(), Arc::<AtomicBool>::default());
        let mut load = Load { written, failures, ended, writers: Vec::new() };
        let next = Arc::new(AtomicI32::new(0));
        for _ in 0..WRITERS {
            let (pool, next) = (pool.clone(), next.clone());
            let (written, failures, ended) = (load.written.clone(), load.failures.clone(), load.ended.clone());
            load.writers.push(tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let (number, asked) = (next.fetch_add(1, Ordering::Relaxed), Instant::now());
                    match write(&pool, number).await {
                        Ok(port) => written.lock().unwrap().push(Write { number, port, asked, answered: Instant::now() }),
                        Err(error) => failures.lock().unwrap().push(error),
                    }
                }
            }));
        }
        load
    }

    /// Wait until a server has acknowledged so many writes more.
    async fn written(&self, port: i32, count: usize) {
        let so = || self.written.lock().unwrap().iter().filter(|write| write.port == port).count();
        let (goal, deadline) = (so() + count, Instant::now() + PATIENCE);
        while so() < goal {
            assert!(Instant::now() < deadline, "no writes at {port}: {:?}", self.failures.lock().unwrap().last());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn end(self) -> (Vec<Write>, Vec<sqlx::Error>) {
        self.ended.store(true, Ordering::Relaxed);
        for writer in self.writers {
            writer.await.unwrap();
        }
        (std::mem::take(&mut *self.written.lock().unwrap()), std::mem::take(&mut *self.failures.lock().unwrap()))
    }
}

async fn write(pool: &sqlx::PgPool, number: i32) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar("insert into written values ($1) returning current_setting('port')::int")
        .bind(number)
        .fetch_one(pool)
        .await
}

/// What a driver says of a connection that ended, or could not be made.
fn is_ordinary(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(told) => matches!(told.code().as_deref(), Some("57P01" | "08001")),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_under_load_while_the_leader_changes_ten_times() {
    let (mut names, sites) = (Names::start(), [Site::start().await, Site::start().await]);
    names.lead(&sites[0].front);
    let (domain, signer) = (names.text("domain").to_owned(), names.text("signer").to_owned());
    let (verifier, options) = (sites[0].front.verifier(), names.options(&sites[0].front));
    let opts = pg_connect_opts_via_manifest(&domain, TEMPLATE, &signer, verifier, options).await.unwrap();
    let pool = PgPoolOptions::new().max_connections(WRITERS).connect_with(opts.clone()).await.unwrap();
    let load = Load::on(&pool);
    load.written(sites[0].port(), WRITES).await;
    let mut terms = Vec::new();
    for change in 1..=CHANGES {
        let site = &sites[change % 2];
        names.lead(&site.front);
        load.written(site.port(), 1).await;
        let known = Instant::now();
        load.written(site.port(), WRITES).await;
        terms.push((site.port(), known, Instant::now())); // the next record is not there yet
    }
    let (written, failures) = load.end().await;
    assert_eq!(attestation(&opts).unwrap().mr_td.as_ref(), Some(&sites[0].front.mr_td));
    pool.close().await;

    for (port, known, over) in terms {
        let wrong = written.iter().filter(|write| write.asked > known && write.answered < over && write.port != port).count();
        assert_eq!(wrong, 0, "a query went to a leader that was known to be superseded");
    }
    for site in &sites {
        let rows = site.plain().await.query("select n from written", &[]).await.unwrap();
        let there: BTreeSet<i32> = rows.iter().map(|row| row.get(0)).collect();
        let lost = written.iter().filter(|write| write.port == site.port() && !there.contains(&write.number)).count();
        assert_eq!(lost, 0, "a write that was acknowledged is lost");
    }
    assert!(failures.iter().all(is_ordinary), "{failures:?}");
    let mut answers: Vec<Instant> = written.iter().map(|write| write.answered).collect();
    answers.sort_unstable();
    let longest = answers.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    println!("{} writes, {} failures, longest interruption {longest:?}", written.len(), failures.len());
}

/// Ask for the server's port until it is this one, or there is an error.
async fn ask_until<F: Future<Output = Result<tokio_postgres::Row, tokio_postgres::Error>>>(
    port: i32,
    ask: impl Fn() -> F,
) -> Result<(), tokio_postgres::Error> {
    let deadline = Instant::now() + PATIENCE;
    while ask().await?.get::<_, i32>(0) != port {
        assert!(Instant::now() < deadline, "the old leader goes on");
    }
    Ok(())
}

#[tokio::test]
async fn clients_and_pools_of_tokio_postgres_follow_the_leader() {
    let (mut names, sites) = (Names::start(), [Site::start().await, Site::start().await]);
    names.lead(&sites[0].front);
    let (domain, signer) = (names.text("domain").to_owned(), names.text("signer").to_owned());
    let (verifier, options) = (sites[0].front.verifier(), names.options(&sites[0].front));
    let config = pg_config_via_manifest(&domain, TEMPLATE, &signer, &verifier, options.clone()).await.unwrap();
    let manager = deadpool_postgres::Manager::new(config.clone(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2).build().unwrap();
    let port = "select current_setting('port')::int";
    let asked = pool.get().await.unwrap();
    assert_eq!(asked.query_one(port, &[]).await.unwrap().get::<_, i32>(0), sites[0].port());

    names.lead(&sites[1].front);
    let refused = ask_until(sites[1].port(), || async { asked.query_one(port, &[]).await }).await.unwrap_err();
    assert!(refused.is_closed() || refused.code().is_some_and(|code| code.code() == "57P01"), "{refused:?}");
    drop(asked);
    let deadline = Instant::now() + PATIENCE;
    // The pool may hand out a connection whose end it has not heard of yet.
    while ask_until(sites[1].port(), || async { pool.get().await.unwrap().query_one(port, &[]).await }).await.is_err() {
        assert!(Instant::now() < deadline, "the pool does not get over it");
    }

    let (client, connection) = connect_via_manifest(&domain, TEMPLATE, &signer, &verifier, options.clone()).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.query_one(port, &[]).await.unwrap().get::<_, i32>(0), sites[1].port());
    assert!(
        attestation(&client).unwrap().verified
            && last_error(&config).unwrap().is_none_or(|error| error.code() != Code::DebugMode)
    );

    // A leader of one's own, for every function.
    let leader = Leader::with_settings(&domain, &signer, &names.lookup()).unwrap();
    let found = leader.find().await.unwrap();
    assert_eq!((found.epoch, u64::from(found.port)), (2, sites[1].front.port));
    let options = RaTlsOptions { leader: Some(leader), ..sites[1].front.options() };
    let (client, connection) = connect(TEMPLATE, &verifier, options.clone()).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.query_one(port, &[]).await.unwrap().get::<_, i32>(0), sites[1].port());
    let error = connect_via_manifest(&domain, TEMPLATE, &signer, &verifier, options).await.err().unwrap();
    assert_eq!(error.ra_tls().unwrap().code(), Code::ArgumentInvalid, "two leaders");
}

#[tokio::test]
async fn a_leader_whose_evidence_is_refused_is_refused_whatever_the_record_says() {
    let (mut names, debug) = (Names::start(), Sidecar::with_fault("debug"));
    names.lead(&debug);
    let (domain, signer) = (names.text("domain").to_owned(), names.text("signer").to_owned());
    let options = names.options(&debug);
    let open = |signer: String, domain: &'static str| pg_connect_opts_via_manifest_of(domain, signer, &debug, options.clone());
    assert_eq!(domain, "cluster.example");
    let error = open(signer.clone(), "cluster.example").await.unwrap_err();
    assert_eq!((error.code(), error.sqlstate()), (Code::DebugMode, "08004"));
    debug.assert_nothing_sent(1);
    let error = open("00".repeat(20), "cluster.example").await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)) && error.code() == Code::LeaderSignature, "{error}");
    let error = open(signer.clone(), "nobody.example").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && error.code() == Code::LeaderLookup, "{error}");
    let error = open("0x00".into(), "cluster.example").await.unwrap_err();
    assert!(matches!(error, Error::Usage(_)), "{error}");
}

async fn pg_connect_opts_via_manifest_of(
    domain: &str,
    signer: String,
    sidecar: &Sidecar,
    options: RaTlsOptions,
) -> Result<sqlx::postgres::PgConnectOptions, Error> {
    pg_connect_opts_via_manifest(domain, TEMPLATE, &signer, sidecar.verifier(), options).await
}
