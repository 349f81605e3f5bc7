//! Tunnels close when they have been idle for the time that is set, and never while they have a connection. One test: the time is
//! the process's.

mod common;

use std::time::{Duration, Instant};

use common::Sidecar;
use postgres_ratls::{Code, IDLE_TUNNEL_TIME, attestation, pg_connect_opts_ra_tls, set_idle_tunnel_time};
use sqlx::{ConnectOptions, Connection};

async fn wait_gone(folder: &std::path::Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while folder.exists() {
        assert!(Instant::now() < deadline, "the tunnel stays");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn idle_tunnels_close_by_themselves_and_used_ones_do_not() {
    let (used, idle) = (Sidecar::healthy(), Sidecar::healthy());
    let used_opts = pg_connect_opts_ra_tls(&used.dsn(), used.verifier(), used.options()).await.unwrap();
    let mut connection = used_opts.connect().await.unwrap();
    let idle_opts = pg_connect_opts_ra_tls(&idle.dsn(), idle.verifier(), idle.options()).await.unwrap();
    let folders = [&used_opts, &idle_opts].map(|opts| opts.get_socket().unwrap().clone());
    assert!(folders.iter().all(|folder| folder.exists()) && IDLE_TUNNEL_TIME == Duration::from_secs(86400));

    set_idle_tunnel_time(Duration::from_millis(50));
    wait_gone(&folders[1]).await;
    assert_eq!(attestation(&idle_opts).unwrap_err().code(), Code::ArgumentInvalid);
    sqlx::query("select 1").execute(&mut connection).await.unwrap();
    assert!(folders[0].exists() && attestation(&used_opts).is_ok());

    connection.close().await.unwrap();
    wait_gone(&folders[0]).await;
    set_idle_tunnel_time(Duration::MAX);
    let again = pg_connect_opts_ra_tls(&used.dsn(), used.verifier(), used.options()).await.unwrap();
    again.connect().await.unwrap().close().await.unwrap();
}
