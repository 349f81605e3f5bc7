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
/// Bytes in use that may be more afterwards: four for each connection, where the smallest thing that could leak has 24.
const GROWTH_MAX: usize = 4 * (CONNECTS - WARM_UP);
/// Pages that may be more afterwards: what is in use may lie elsewhere.
const RESIDENT_GROWTH_MAX_KB: usize = 512;
/// The allocator keeps nothing back for its threads, which would count as in use, and grow for long.
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1");

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn in_use() -> usize {
    // SAFETY: it only counts.
    unsafe { libc::mallinfo2() }.uordblks
}

/// Without the pages that the allocator could give back.
fn resident_kb() -> usize {
    // SAFETY: it touches nothing that is in use.
    unsafe { libc::malloc_trim(0) };
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

/// What is in use when the last connection has been taken apart, which goes on a moment longer than the server sees it.
async fn least_in_use() -> usize {
    let mut least = in_use();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        least = least.min(in_use());
    }
    least
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

/// This program again, running the test of this name, under another allocator's settings.
fn run_with_tunables(test: &str) {
    let (name, value) = TUNABLES;
    let program = std::env::current_exe().unwrap();
    let done = std::process::Command::new(program).args(["--exact", test, "--nocapture"]).env(name, value).status().unwrap();
    assert!(done.success());
}

#[tokio::test]
async fn connecting_again_and_again_leaves_nothing_and_idle_tunnels_close() {
    if std::env::var(TUNABLES.0).as_deref() != Ok(TUNABLES.1) {
        return run_with_tunables("connecting_again_and_again_leaves_nothing_and_idle_tunnels_close");
    }
    // Passwords would cost most of the time, and leave nothing of ours.
    cluster_with("trust");
    let sidecar = Sidecar::healthy();
    let verifier = sidecar.verifier();
    connect_many(&sidecar, &verifier, WARM_UP).await;
    let (descriptors_before, in_use_before, resident_before) = (descriptors(), least_in_use().await, resident_kb());
    connect_many(&sidecar, &verifier, CONNECTS - WARM_UP).await;
    wait_until("descriptors stay open", || descriptors() <= descriptors_before).await;
    let grown = least_in_use().await.saturating_sub(in_use_before);
    let resident_grown = resident_kb().saturating_sub(resident_before);
    println!("{CONNECTS} connects: {grown} bytes and {resident_grown} kB of pages more than after the first {WARM_UP}");
    assert!(grown <= GROWTH_MAX, "{grown} bytes more");
    assert!(resident_grown <= RESIDENT_GROWTH_MAX_KB, "{resident_grown} kB more");

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
