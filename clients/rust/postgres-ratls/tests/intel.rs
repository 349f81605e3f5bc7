//! The documented snippet with `IntelApiVerifier`, against the stand-in for Intel Trust Authority.

mod common;

use common::{Sidecar, Simulated};
use postgres_ratls::{
    Code, DcapVerifier, Error, IntelApiVerifier, NoopVerifier, RaTlsOptions, Verifier, VerifyResult, attestation, connect,
    pg_connect_opts_ra_tls,
};

fn verifier_for(standin: &Simulated) -> IntelApiVerifier {
    let text =
        |name: &str| standin.listening["authorities"].as_object().unwrap().values().next().unwrap()[name].as_str().unwrap();
    let builder = IntelApiVerifier::builder(Some(text("api_key"))).base_url(text("api_url")).portal_url(text("portal_url"));
    builder.ca_file(text("ca_file")).unwrap().build().unwrap()
}

async fn run_snippet(dsn: &str, mr_td: &str, verifier: impl Into<Verifier>) -> Result<(i32, VerifyResult), Error> {
    let options = RaTlsOptions { allowed_mrtds: vec![mr_td.to_owned()], ..Default::default() };
    let opts = pg_connect_opts_ra_tls(dsn, verifier, options).await?;
    let pool = sqlx::PgPool::connect_with(opts.clone()).await.unwrap();
    let answer = sqlx::query_scalar("select 40 + 2").fetch_one(&pool).await.unwrap();
    pool.close().await;
    Ok((answer, attestation(&opts)?))
}

#[tokio::test]
async fn snippet_runs() {
    let (standin, sidecar) = (Simulated::start(&["intel", "--now", "clock"]), Sidecar::healthy());
    let verifier = verifier_for(&standin);
    let (answer, verdict) = run_snippet(&sidecar.dsn(), &sidecar.mr_td, &verifier).await.unwrap();
    assert_eq!((answer, verdict.verifier.as_deref(), verdict.tcb_status.as_deref()), (42, Some("intel"), Some("OK")));
    assert!(verdict.verified && verdict.mr_td.as_deref() == Some(&sidecar.mr_td));

    let (client, connection) = connect(&sidecar.dsn(), &verifier, sidecar.options()).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(attestation(&client).unwrap().verifier.as_deref(), Some("intel"));

    let both = Verifier::all([sidecar.verifier().into(), (&verifier).into()]).unwrap();
    assert_eq!(run_snippet(&sidecar.dsn(), &sidecar.mr_td, both).await.unwrap().0, 42);
}

#[tokio::test]
async fn token_for_another_quote_is_refused_before_the_first_byte() {
    let (standin, sidecar) = (Simulated::start(&["intel", "--now", "clock", "--scenario", "N40"]), Sidecar::healthy());
    let refusal = run_snippet(&sidecar.dsn(), &sidecar.mr_td, verifier_for(&standin)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::IntelTokenBinding);
    sidecar.assert_nothing_sent(1);

    // A refusal is final: the other verifier is not asked.
    let first = Verifier::first([verifier_for(&standin).into(), sidecar.verifier().into()]).unwrap();
    let refusal = run_snippet(&sidecar.dsn(), &sidecar.mr_td, first).await.unwrap_err();
    assert_eq!(refusal.code(), Code::IntelTokenBinding);
}

#[tokio::test]
async fn first_asks_the_next_where_the_service_cannot_be_reached() {
    let sidecar = Sidecar::healthy();
    let gone =
        IntelApiVerifier::builder(Some("a2V5")).base_url("https://127.0.0.1:1").portal_url("https://127.0.0.1:1").attempts(1);
    let gone = gone.build().unwrap();
    let failure = run_snippet(&sidecar.dsn(), &sidecar.mr_td, &gone).await.unwrap_err();
    assert_eq!(failure.code(), Code::IntelNetwork);
    let first = Verifier::first([gone.into(), sidecar.verifier().into()]).unwrap();
    assert_eq!(run_snippet(&sidecar.dsn(), &sidecar.mr_td, first).await.unwrap().1.tcb_status.as_deref(), Some("OK"));
}

#[test]
fn missing_key_says_where_to_get_one() {
    if std::env::var_os("INTEL_TRUST_AUTHORITY_API_KEY").is_some() {
        return;
    }
    let error = IntelApiVerifier::new(None).unwrap_err();
    assert_eq!(error.code(), Code::IntelApiKeyMissing);
    let expected = "Intel Trust Authority API key required. Pass api_key or set INTEL_TRUST_AUTHORITY_API_KEY. \
                    Register at https://portal.trustauthority.intel.com";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn key_is_never_shown() {
    let builder = IntelApiVerifier::builder(Some("c2VjcmV0")).proxy("http://user:c2VjcmV0@proxy");
    assert!(!format!("{builder:?}").contains("c2VjcmV0"));
}

#[test]
fn combination_with_a_verifier_that_checks_nothing_is_an_error() {
    for made in [Verifier::all([NoopVerifier::new().into(), DcapVerifier::new().into()]), Verifier::first([])] {
        assert_eq!(made.unwrap_err().code(), Code::ArgumentInvalid);
    }
}
