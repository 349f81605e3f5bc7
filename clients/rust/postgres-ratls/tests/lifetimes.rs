//! Connecting again and again leaves nothing; idle tunnels close. One test: it looks at the whole process.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::{Sidecar, cluster_with};
use postgres_ratls::{Code, attestation, close_idle_tunnels, connect, pg_connect_opts_ra_tls};
use sqlx::{ConnectOptions, Connection};

const CONNECTS: usize = 1000;
/// What the first connections allocate for good is not counted.
const WARM_UP: usize = 100;
const BATCH: usize = 50;
/// The allocator's own drift. A leak of one verdict with its certificate would be twice this.
const GROWTH_MAX_KB: usize = 3000;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kb() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Connect so many times, and wait until the server and the tunnel have let go of it all.
async fn connect_many(sidecar: &Sidecar, verifier: &postgres_ratls::DcapVerifier, times: usize) {
    for _ in 0..times / BATCH {
        for number in 0..BATCH {
            connect_once(sidecar, verifier, number).await;
        }
        sidecar.wait_closed(BATCH);
        sidecar.process.forget();
    }
}

/// Poll until a condition holds.
async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn connect_once(sidecar: &Sidecar, verifier: &postgres_ratls::DcapVerifier, number: usize) {
    let dsn = sidecar.dsn();
    if number % 2 == 0 {
        let opts = pg_connect_opts_ra_tls(&dsn, verifier, sidecar.options()).await.unwrap();
        let mut connection = opts.connect().await.unwrap();
        sqlx::query("select 1").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let (client, connection) = connect(&dsn, verifier, sidecar.options()).await.unwrap();
        let carried = tokio::spawn(connection);
        client.batch_execute("select 1").await.unwrap();
        drop(client);
        carried.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn connecting_again_and_again_leaves_nothing_and_idle_tunnels_close() {
    // Passwords would cost most of the time, and leave nothing of ours.
    cluster_with("trust");
    let sidecar = Sidecar::healthy();
    let verifier = sidecar.verifier();
    connect_many(&sidecar, &verifier, WARM_UP).await;
    let (descriptors_before, resident_before) = (descriptors(), resident_kb());
    connect_many(&sidecar, &verifier, CONNECTS - WARM_UP).await;
    wait_until("descriptors stay open", || descriptors() <= descriptors_before).await;
    let grown = resident_kb().saturating_sub(resident_before);
    println!("{CONNECTS} connects: {grown} kB more than after the first {WARM_UP}");
    assert!(grown <= GROWTH_MAX_KB, "{grown} kB more");

    let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), &verifier, sidecar.options()).await.unwrap();
    let folder = opts.get_socket().unwrap().clone();
    let in_use = opts.connect().await.unwrap();
    assert_eq!(close_idle_tunnels(Duration::ZERO), 0, "it has a connection");
    assert!(folder.exists() && attestation(&opts).is_ok());
    in_use.close().await.unwrap();
    assert_eq!(close_idle_tunnels(Duration::from_secs(3600)), 0, "it has not been idle for so long");
    wait_until("the tunnel is never idle", || close_idle_tunnels(Duration::ZERO) == 1).await;
    assert!(!folder.exists());
    assert_eq!(attestation(&opts).unwrap_err().code(), Code::ArgumentInvalid);
    opts.connect().await.unwrap_err();
    connect_once(&sidecar, &verifier, 0).await;
}
