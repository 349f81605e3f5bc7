//! A PostgreSQL that ends the TLS itself, and wants to be asked for it first: it offers channel binding, which ends at the tunnel.

mod common;

use std::fs;
use std::path::PathBuf;

use common::{Simulated, new_folder, now, verifier_for};
use postgres_ratls::{Code, RaTlsOptions, attestation, connect, pg_connect_opts_ra_tls};
use sqlx::{ConnectOptions, Connection};

const HOW: &str = "select ssl::text || ' ' || version from pg_stat_ssl where pid = pg_backend_pid()";

struct Server {
    process: Simulated,
    files: PathBuf,
}

impl Server {
    fn start() -> Server {
        let files = new_folder();
        let process = Simulated::start(&["postgres", "--tls", "start", "--now", now(), "--out", files.to_str().unwrap()]);
        Server { process, files }
    }

    fn text(&self, name: &str) -> &str {
        self.process.listening[name].as_str().unwrap()
    }

    fn dsn(&self) -> String {
        let (port, password) = (self.process.listening["port"].as_u64().unwrap(), self.text("password"));
        format!("host=127.0.0.1 port={port} user=postgres password='{password}' dbname=postgres")
    }

    fn options(&self) -> RaTlsOptions {
        RaTlsOptions { allowed_mrtds: vec![self.text("mr_td").to_owned()], start_tls: true, ..Default::default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.files);
    }
}

#[tokio::test]
async fn a_server_that_ends_the_tls_itself() {
    let server = Server::start();
    let verifier = verifier_for(&server.files);
    let opts = pg_connect_opts_ra_tls(&server.dsn(), &verifier, server.options()).await.unwrap();
    let mut connection = opts.connect().await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, String>(HOW).fetch_one(&mut connection).await.unwrap(), "true TLSv1.3");
    connection.close().await.unwrap();

    let (client, connection) = connect(&server.dsn(), &verifier, server.options()).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(client.query_one(HOW, &[]).await.unwrap().get::<_, &str>(0), "true TLSv1.3");
    assert_eq!(attestation(&client).unwrap().mr_td.as_deref(), Some(server.text("mr_td")));
    client.cancel_token().cancel_query().await.unwrap();
    assert_eq!(client.query_one("select 1", &[]).await.unwrap().get::<_, i32>(0), 1);

    let unasked = RaTlsOptions { start_tls: false, ..server.options() };
    let error = pg_connect_opts_ra_tls(&server.dsn(), &verifier, unasked).await.unwrap_err();
    assert_eq!(error.code(), Code::HandshakeClosed);
}
