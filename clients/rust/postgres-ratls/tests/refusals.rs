//! Refusals: the documented sentences in Rust's spelling, and not one byte at the server.

mod common;

use common::Sidecar;
use postgres_ratls::{Code, DcapVerifier, Error, RaTlsOptions, connect, last_error, pg_config_ra_tls, pg_connect_opts_ra_tls};
use sqlx::ConnectOptions;
use tokio_postgres::NoTls;

const DOCUMENTED: [(&str, Code, &str); 5] = [
    (
        "no_quote",
        Code::QuoteMissing,
        "upstream cert has no TDX attestation extension; set allow_simulator: true for non-TEE targets",
    ),
    (
        "debug",
        Code::DebugMode,
        "TDX TD is in debug mode — connection refused. Debug TDs have no confidentiality guarantees. Set allow_debug_mode: true to override \
         (not recommended for production).",
    ),
    (
        "out_of_date",
        Code::TcbStatus,
        "Unacceptable TCB status: \"OutOfDate\". Acceptable statuses: OK, SWHardeningNeeded. Update the platform firmware/microcode or check \
         Intel's advisory.",
    ),
    (
        "other_mrtd",
        Code::MrtdNotAllowed,
        "MRTD \"0001020304…2e2f\" is not in the allowlist. Update allowed_mrtds if you intentionally upgraded the CVM image.",
    ),
    ("other_key", Code::KeyBinding, "quote report_data does not bind the TLS certificate's public key"),
];

/// The MRTD of the healthy server.
async fn approved() -> RaTlsOptions {
    Sidecar::healthy().options()
}

#[tokio::test]
async fn the_documented_refusals() {
    let options = approved().await;
    for (fault, code, message) in DOCUMENTED {
        let sidecar = Sidecar::with_fault(fault);
        let error = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), options.clone()).await.unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (code, message));
        assert!(matches!(error, Error::Refused(_)) && error.sqlstate() == "08004");
        let told = connect(&sidecar.dsn(), sidecar.verifier(), options.clone()).await.err().unwrap();
        assert_eq!(told.ra_tls(), Some(&error));
        let config = pg_config_ra_tls(&sidecar.url(), sidecar.verifier(), options.clone()).await;
        assert_eq!(config.unwrap_err(), error);
        sidecar.assert_nothing_sent(3);
    }
}

/// The tunnel runs when the server presents other evidence: the driver is told, and the typed failure is at hand.
#[tokio::test]
async fn the_documented_refusals_of_later_connections() {
    for (fault, code, message) in DOCUMENTED {
        let mut sidecar = Sidecar::healthy();
        let (verifier, options) = (sidecar.verifier(), sidecar.options());
        let opts = pg_connect_opts_ra_tls(&sidecar.dsn(), &verifier, options.clone()).await.unwrap();
        // The connection that was attested up front.
        sqlx::Connection::close(opts.connect().await.unwrap()).await.unwrap();
        let before = sidecar.wait_closed(1).len();
        sidecar.present(fault);
        let error = opts.connect().await.unwrap_err();
        let told = error.as_database_error().unwrap();
        assert_eq!((told.code().as_deref(), told.message()), (Some("08004"), message));
        assert_eq!(last_error(&opts).unwrap().unwrap().code(), code);
        let typed = connect(&sidecar.dsn(), &verifier, options.clone()).await.err().unwrap();
        assert_eq!(typed.ra_tls().map(|error| (error.code(), error.message())), Some((code, message)));
        for seen in &sidecar.wait_closed(before + 2)[before..] {
            assert_eq!((seen["application_bytes"].as_u64(), seen["upstream_opened"].as_bool()), (Some(0), Some(false)));
        }
    }
}

#[tokio::test]
async fn a_pool_tells_why() {
    let mut sidecar = Sidecar::healthy();
    let config = pg_config_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap();
    let (client, connection) = config.connect(NoTls).await.unwrap();
    drop((client, connection));
    sidecar.wait_closed(1);
    sidecar.present("debug");
    let manager = deadpool_postgres::Manager::new(config.clone(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).build().unwrap();
    let error = pool.get().await.err().unwrap();
    let deadpool_postgres::PoolError::Backend(error) = error else { panic!("{error}") };
    assert_eq!(error.code().map(|code| code.code()), Some("08004"));
    assert_eq!(error.as_db_error().unwrap().message(), DOCUMENTED[1].2);
    assert_eq!(last_error(&config).unwrap().unwrap().code(), Code::DebugMode);
}

#[tokio::test]
async fn a_silent_handshake() {
    let sidecar = Sidecar::start(&["--behaviour", "silent"]);
    let error = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::HandshakeTimeout, "upstream TLS handshake timed out after 5000ms"));
    assert!(matches!(error, Error::Unavailable(_)) && error.sqlstate() == "08001");
    let dsn = format!("{} connect_timeout=2", sidecar.dsn());
    let error = connect(&dsn, sidecar.verifier(), sidecar.options()).await.err().unwrap();
    assert!(error.to_string().contains("2000ms"), "{error}");
    sidecar.assert_nothing_sent(2);
}

#[tokio::test]
async fn no_handshake() {
    for behaviour in ["close-handshake", "plain"] {
        let sidecar = Sidecar::start(&["--behaviour", behaviour]);
        let error = pg_connect_opts_ra_tls(&sidecar.dsn(), sidecar.verifier(), sidecar.options()).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)) && error.code().name().starts_with("HANDSHAKE_"), "{error:?}");
        sidecar.assert_nothing_sent(1);
    }
}

#[tokio::test]
async fn no_collateral_is_fetched_for_a_chain_that_is_not_intels() {
    let sidecar = Sidecar::healthy();
    let error = pg_connect_opts_ra_tls(&sidecar.dsn(), DcapVerifier::new(), sidecar.options()).await.unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
    assert_eq!(error.stage(), "dcap");
    sidecar.assert_nothing_sent(1);
}

#[tokio::test]
async fn a_simulator_is_not_what_was_pinned() {
    let sidecar = Sidecar::with_fault("no_quote");
    let options = RaTlsOptions { allow_simulator: true, ..sidecar.options() };
    let error = connect(&sidecar.dsn(), sidecar.verifier(), options).await.err().unwrap();
    assert_eq!(error.ra_tls().unwrap().code(), Code::QuoteMissing);
    sidecar.assert_nothing_sent(1);
}

#[tokio::test]
async fn wrong_options_are_told_before_anything_is_dialled() {
    let sidecar = Sidecar::healthy();
    let given = |options: RaTlsOptions| (options, sidecar.dsn());
    let default = RaTlsOptions::default;
    for ((options, dsn), code) in [
        (given(RaTlsOptions { allowed_mrtds: vec![], ..default() }), Code::OptionEmptyList),
        (given(RaTlsOptions { allowed_mrtds: vec!["ab".into()], ..default() }), Code::OptionValue),
        (given(RaTlsOptions { allowed_mrtds: vec!["any".into(), sidecar.mr_td.clone()], ..default() }), Code::OptionValue),
        (given(RaTlsOptions { timeout_ms: Some(0), ..default() }), Code::OptionValue),
        (given(RaTlsOptions { acceptable_tcb_statuses: Some(vec![]), ..default() }), Code::OptionEmptyList),
        ((default(), "host=a,b".to_owned()), Code::DsnInvalid),
        ((default(), format!("{} colour=red", sidecar.dsn())), Code::DsnInvalid),
    ] {
        let error = pg_connect_opts_ra_tls(&dsn, sidecar.verifier(), options.clone()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(matches!(error, Error::Usage(_)));
        let error = connect(&dsn, sidecar.verifier(), options).await.err().unwrap();
        assert_eq!(error.ra_tls().unwrap().code(), code);
    }
    sidecar.process.wait_for(|events| (events.len() == 1).then_some(()));
}
