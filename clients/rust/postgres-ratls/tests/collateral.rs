//! Collateral that is fetched when it is needed: from a PCCS, kept for all processes of the user.

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Sidecar, Simulated, now};
use postgres_ratls::{Code, CollateralRequest, DcapVerifier, Platform, attestation, connect};

/// A verifier that fetches from this service and keeps what it got here.
fn fetching(sidecar: &Sidecar, url: &str, cache: &Path) -> DcapVerifier {
    let verifier = DcapVerifier::new().with_pccs_url(url).with_proxy("").with_cache_dir(cache);
    verifier.with_trust_anchor_file(sidecar.files.join("root.pem")).unwrap()
}

async fn connects(sidecar: &Sidecar, verifier: &DcapVerifier) -> Result<(), postgres_ratls::ConnectError> {
    let (client, connection) = connect(&sidecar.dsn(), verifier, sidecar.options()).await?;
    tokio::spawn(connection);
    assert_eq!(attestation(&client).unwrap().tcb_status.as_deref(), Some("OK"));
    client.batch_execute("select 1").await.map_err(postgres_ratls::ConnectError::Driver)
}

#[tokio::test]
async fn collateral_is_fetched_and_kept() {
    let (sidecar, service) = (Sidecar::healthy(), Simulated::start(&["pccs", "--now", now()]));
    let text = |name: &str| service.listening[name].as_str().unwrap();
    let cache = sidecar.files.join("cache");
    let verifier = fetching(&sidecar, text("url"), &cache);
    assert_eq!(
        connects(&sidecar, &verifier).await.unwrap_err().ra_tls().unwrap().class(),
        postgres_ratls::Class::Unavailable,
        "an unknown CA"
    );
    let verifier = verifier.with_ca_file(text("ca_file")).unwrap();
    connects(&sidecar, &verifier).await.unwrap();

    let certificate = Platform::Certificate(std::fs::read(sidecar.files.join("cert.der")).unwrap());
    let request = CollateralRequest::default();
    let fresh = verifier.clone().with_cache_dir("");
    fresh.warm(&certificate, &request).await.unwrap();
    let bundle = fresh.fetch_collateral(&certificate, &request).await.unwrap();
    let check = fresh.check_collateral(&certificate, &request).await.unwrap();
    assert!(check.json.contains("\"standard\"") && check.json.contains("\"early\""));

    // From now on there is what was kept: on disk for every process of the user, in memory for this verifier.
    drop(service);
    let elsewhere = verifier.clone().with_http_connect_timeout(Duration::from_secs(1));
    connects(&sidecar, &elsewhere).await.unwrap();
    connects(&sidecar, &fresh).await.unwrap();
    connects(&sidecar, &sidecar.verifier().with_collateral(bundle)).await.unwrap();
    let nothing = elsewhere.with_cache_dir("");
    assert_eq!(connects(&sidecar, &nothing).await.unwrap_err().ra_tls().unwrap().code(), Code::CollateralNetwork);
    assert_eq!(nothing.warm(&certificate, &request).await.unwrap_err().code(), Code::CollateralNetwork);
}

#[test]
fn wrong_settings_are_told() {
    let platform = |fmspc: &str| Platform::Fmspc { fmspc: fmspc.into(), ca: Default::default(), sgx: false };
    let request = CollateralRequest::default();
    postgres_ratls::NoopVerifier::new().warm_blocking(&platform("00806f050000"), &request).unwrap();
    for verifier in [
        DcapVerifier::new().with_pccs_url("ftp://127.0.0.1"),
        DcapVerifier::new().with_pccs_url(""),
        (0..9).fold(DcapVerifier::new(), |verifier, _| verifier.with_pccs_url("http://127.0.0.1:1")),
        DcapVerifier::new().with_attempt_timeout(Duration::ZERO),
    ] {
        let error = verifier.warm_blocking(&platform("00806f050000"), &request).unwrap_err();
        assert_eq!(error.class(), postgres_ratls::Class::Usage, "{error}");
    }
    let unknown = DcapVerifier::new().with_cache_dir("").warm_blocking(&platform("zz"), &request).unwrap_err();
    assert_eq!(unknown.class(), postgres_ratls::Class::Usage);
}
