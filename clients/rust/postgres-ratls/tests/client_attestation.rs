//! Servers that demand to know their client: its certificate from the dstack guest agent, whose quote they verify.

mod common;

use common::{Sidecar, Simulated, new_folder, now};
use postgres_ratls::{Code, RaTlsOptions, attestation, connect, pg_connect_opts_ra_tls};
use serde_json::json;
use sqlx::{ConnectOptions, Connection};

/// A guest agent, and its socket.
struct Agent {
    process: Simulated,
    folder: std::path::PathBuf,
}

impl Agent {
    fn start() -> Agent {
        let folder = new_folder();
        let process = Simulated::start(&["agent", "--now", now(), "--socket", folder.join("dstack.sock").to_str().unwrap()]);
        Agent { process, folder }
    }

    fn options(&self, sidecar: &Sidecar) -> RaTlsOptions {
        RaTlsOptions { dstack_socket: Some(self.folder.join("dstack.sock")), ..sidecar.options() }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn a_server_that_demands_it_is_shown_the_clients_certificate() {
    let (sidecar, agent) = (Sidecar::start(&["--client-certificate", "attested"]), Agent::start());
    for wanted in [None, Some(true)] {
        let options = RaTlsOptions { client_attestation: wanted, ..agent.options(&sidecar) };
        let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), options.clone()).await.unwrap();
        let mut connection = opts.connect().await.unwrap();
        assert_eq!(sqlx::query_scalar::<_, i32>("select 42").fetch_one(&mut connection).await.unwrap(), 42);
        connection.close().await.unwrap();
        let (client, connection) = connect(&sidecar.dsn(), sidecar.verifier(), options).await.unwrap();
        tokio::spawn(connection);
        assert!(attestation(&client).unwrap().verified);
    }
    assert!(sidecar.wait_closed(2).iter().all(|seen| !seen["client_certificate"].is_null()));
}

#[tokio::test]
async fn a_client_that_may_not_show_it_is_told_so() {
    let (sidecar, agent) = (Sidecar::start(&["--client-certificate", "attested"]), Agent::start());
    let options = RaTlsOptions { client_attestation: Some(false), ..agent.options(&sidecar) };
    let error = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), options).await.unwrap_err();
    assert_eq!((error.code(), error.sqlstate()), (Code::ClientCertificateRequired, "08004"));
    assert!(error.to_string().contains("client_attestation"), "{error}");
    sidecar.assert_nothing_sent(1);
}

#[tokio::test]
async fn without_an_agent_nothing_is_dialled_where_one_must_be_there() {
    let sidecar = Sidecar::healthy();
    let nowhere = sidecar.files.join("nowhere.sock");
    let options = RaTlsOptions { client_attestation: Some(true), dstack_socket: Some(nowhere.clone()), ..sidecar.options() };
    let error = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), options).await.unwrap_err();
    assert_eq!(error.code(), Code::DstackUnavailable);
    assert!(error.to_string().contains(nowhere.to_str().unwrap()), "{error}");
    sidecar.process.wait_for(|events| (events.len() == 1).then_some(()));
}

#[tokio::test]
async fn an_agent_that_fails_speaks_for_itself() {
    let (sidecar, mut agent) = (Sidecar::healthy(), Agent::start());
    agent.process.tell(&json!({"manner": "error"}));
    let options = RaTlsOptions { client_attestation: Some(true), ..agent.options(&sidecar) };
    let error = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), options).await.unwrap_err();
    assert_eq!(error.code(), Code::DstackError);
    assert!(error.to_string().contains("the QGS is not there"), "{error}");
}
