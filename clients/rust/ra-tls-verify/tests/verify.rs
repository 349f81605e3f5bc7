//! The Rust API over the core: what the conformance cases do not say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ra_tls_verify::{
    ANY, Claims, Class, Code, DcapVerifier, Error, Leader, LeaderSettings, NoopVerifier, RaTlsVerifier, Rejection, ReportFetch,
    Tunnel, Upstream, Verifier, VerifyOptions, compose_hash, extract_tdx_quote, fetch_report, fetch_report_blocking,
    inspect_certificate, inspect_evidence, inspect_quote, inspect_report,
};

fn vector(name: &str) -> Vec<u8> {
    vector_of("common", name)
}

fn vector_of(group: &str, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors").join(group).join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A verifier for the vectors, and options for the time that they are of.
fn dcap() -> (DcapVerifier, VerifyOptions) {
    let verifier = DcapVerifier::new().with_collateral(vector("collateral-tdx.json")).with_trust_anchor(vector("root.pem"));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_315_200);
    (verifier, VerifyOptions { now: Some(now), ..Default::default() })
}

#[test]
fn a_certificate_is_verified() {
    let (verifier, options) = dcap();
    let result = verifier.verify_certificate_blocking(&vector("certificate.der"), &options).unwrap();
    assert_eq!(
        (result.accepted, result.verified, result.key_bound, result.tcb_status.as_deref()),
        (true, true, Some(true), Some("OK"))
    );
    assert_eq!(result.verified_at, options.now);
    assert!(result.collateral_expires_at > options.now && result.json.contains("\"accepted\":true"));
    let quote = extract_tdx_quote(&vector("certificate.der")).unwrap().unwrap();
    let inspected = inspect_quote(&quote).unwrap();
    assert_eq!((inspected.get("mr_td"), inspected.get("tcb_status"), inspected.get("nonsense")), (result.mr_td, None, None));
    assert_eq!(verifier.verify_blocking(&quote, &options).unwrap().key_bound, None);
}

#[tokio::test]
async fn the_asynchronous_functions_say_the_same() {
    let (verifier, options) = dcap();
    let certificate = vector("certificate.der");
    let expected = verifier.verify_certificate_blocking(&certificate, &options).unwrap();
    assert_eq!(verifier.verify_certificate(&certificate, &options).await.unwrap(), expected);
    let error = verifier.verify(b"", &options).await.unwrap_err();
    assert_eq!(error.code(), Code::EvidenceQuoteTruncated);
}

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let (verifier, options) = dcap();
    let mut future = Box::pin(verifier.verify(b"", &options));
    let polled = future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    let std::task::Poll::Ready(Err(error)) = polled else { panic!("{polled:?}") };
    assert_eq!((error.code(), error.class()), (Code::ArgumentInvalid, Class::Usage));
}

#[test]
fn verifiers_are_shared_by_threads() {
    fn assert_shareable<T: Send + Sync + Clone + 'static>() {}
    assert_shareable::<Verifier>();
    assert_shareable::<DcapVerifier>();
    assert_shareable::<Error>();
    let (verifier, options) = dcap();
    let (verifier, certificate) = (Arc::new(verifier), vector("certificate.der"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| verifier.verify_certificate_blocking(&certificate, &options).unwrap());
        }
    });
}

#[test]
fn any_bytes_are_answered() {
    let (verifier, options) = dcap();
    let certificate = vector("certificate.der");
    let quote = extract_tdx_quote(&certificate).unwrap().unwrap();
    let noop = NoopVerifier::new();
    for (length, bytes) in (0..quote.len()).step_by(61).map(|length| (length, &quote[..length])) {
        assert!(verifier.verify_blocking(bytes, &options).is_err(), "{length}");
        assert!(noop.verify_blocking(bytes, &options).is_err(), "{length}");
        let _ = inspect_quote(bytes);
    }
    for at in (0..certificate.len()).step_by(97) {
        let mut bytes = certificate.clone();
        bytes[at] ^= 0x55;
        let _ = (extract_tdx_quote(&bytes), inspect_certificate(&bytes), verifier.verify_certificate_blocking(&bytes, &options));
    }
    for text in ["", "{", "null", "\0", "{\"now\":1e999}", "{\"pins\":{}}", "{\"allowed_mr_td\":[\"\u{fffd}\"]}"] {
        assert!(VerifyOptions::from_policy(text).is_err(), "{text}");
    }
}

#[test]
fn settings_that_are_wrong_are_told_at_the_first_use() {
    let options = VerifyOptions::default();
    for (verifier, code) in [
        (DcapVerifier::new().with_pccs_url("ftp://pccs.example"), Code::OptionValue),
        (DcapVerifier::new().with_trust_anchor("no certificate"), Code::TrustAnchorInvalid),
    ] {
        for _ in 0..2 {
            assert_eq!(verifier.verify_blocking(b"", &options).unwrap_err().code(), code);
        }
    }
    let error = DcapVerifier::new().with_collateral("{").verify_blocking(b"", &options).unwrap_err();
    assert_eq!((error.class(), error.stage()), (Class::Unavailable, "collateral"));
    let error = DcapVerifier::new().with_collateral_file("/nonexistent").unwrap_err();
    assert_eq!((error.code(), error.details()["path"].as_str()), (Code::FileUnreadable, "/nonexistent"));
}

#[test]
fn options_survive_the_way_through_the_core() {
    let (one, other) = ("ab".repeat(48), "cd".repeat(48));
    let options = VerifyOptions {
        allowed_mrtds: vec![one.clone()],
        pins: Some(BTreeMap::from([("rtmr0".to_owned(), vec![one.clone(), other.clone()])])),
        acceptable_tcb_statuses: Some(vec!["OK".into(), "OutOfDate".into()]),
        allowed_advisory_ids: Some(vec!["INTEL-SA-00837".into()]),
        min_tcb_evaluation_data_number: Some(17),
        min_tee_tcb_svn: Some("00".repeat(16)),
        allow_debug_mode: true,
        cache_ttl_s: Some(0),
        timeout_ms: Some(5),
        max_age_s: Some(6),
        ..Default::default()
    };
    let svn = "00".repeat(16);
    let policy = format!(
        r#"{{"allowed_mr_td":["{one}"],"pins":{{"rtmr0":["{one}","{other}"]}},"acceptable_tcb_statuses":["OK","OutOfDate"],
            "allowed_advisory_ids":["INTEL-SA-00837"],"min_tcb_evaluation_data_number":17,"min_tee_tcb_svn":"{svn}",
            "allow_debug_mode":true,"cache_ttl_s":-1,"timeout_ms":5,"max_age_s":6}}"#
    );
    assert_eq!(VerifyOptions::from_policy(&policy).unwrap(), options);
    assert_eq!(VerifyOptions::from_policy("{}").unwrap(), VerifyOptions::default());
    assert_eq!(VerifyOptions::default().allowed_mrtds, [ANY]);
}

#[test]
fn messages_name_options_as_rust_spells_them() {
    let verifier = NoopVerifier::new();
    let options = VerifyOptions { allowed_mrtds: vec![], ..Default::default() };
    let error = verifier.verify_blocking(b"", &options).unwrap_err();
    assert_eq!(error.code(), Code::OptionEmptyList);
    assert!(error.message().starts_with("allowed_mrtds is given but empty"), "{error}");
    let error = verifier.verify_blocking(b"", &VerifyOptions { timeout_ms: Some(0), ..Default::default() }).unwrap_err();
    assert_eq!(error.message(), "timeout_ms has a value that is not valid: found \"0\", expected at least 1");
}

/// Counts how often it is asked, and is told with which options.
struct Counting(Arc<AtomicUsize>);

impl RaTlsVerifier for Counting {
    fn verify(&self, _quote: &[u8], options: &VerifyOptions) -> Result<Claims, Rejection> {
        self.0.fetch_add(1, Ordering::SeqCst);
        if options.allow_debug_mode {
            return Err(Rejection::Refused("no debugging".into()));
        }
        Ok(Claims::new("OK").text("fmspc", "00806f050000"))
    }
}

#[test]
fn an_own_verifier_is_told_the_options_and_its_verdicts_are_kept() {
    let asked = Arc::new(AtomicUsize::new(0));
    let verifier = Verifier::own(Counting(asked.clone()));
    let certificate = vector("certificate.der");
    let first = verifier.verify_certificate_blocking(&certificate, &VerifyOptions::default()).unwrap();
    let second = verifier.clone().verify_certificate_blocking(&certificate, &VerifyOptions::default()).unwrap();
    assert_eq!((first.from_cache, second.from_cache, asked.load(Ordering::SeqCst)), (false, true, 1));
    assert_eq!(first.fmspc.as_deref(), Some("00806f050000"));
    let debug = VerifyOptions { allow_debug_mode: true, ..Default::default() };
    let error = verifier.verify_certificate_blocking(&certificate, &debug).unwrap_err();
    assert_eq!((error.code(), error.sqlstate()), (Code::UserVerifierRefused, "08004"));
    drop(verifier);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while Arc::strong_count(&asked) > 1 {
        assert!(std::time::Instant::now() < deadline, "it is let go with its last handle and its last callback");
        std::thread::yield_now();
    }
}

/// Waits for longer than anybody's deadline.
struct Stuck(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl RaTlsVerifier for Stuck {
    fn verify(&self, _quote: &[u8], _options: &VerifyOptions) -> Result<Claims, Rejection> {
        let _ = self.0.lock().map(|receiver| receiver.recv());
        Ok(Claims::new("OK"))
    }
}

#[test]
fn the_deadline_holds_for_an_own_verifier() {
    let (end, receiver) = std::sync::mpsc::channel();
    let verifier = Verifier::own(Stuck(receiver.into()));
    let options = VerifyOptions { timeout_ms: Some(20), ..Default::default() };
    let error = verifier.verify_blocking(&vector("quote.bin"), &options).unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::Timeout, Class::Unavailable));
    drop(end);
}

#[test]
fn wrong_arguments_of_a_tunnel_are_told() {
    let verifier = NoopVerifier::new();
    let host = || Upstream { host: "127.0.0.1".into(), ..Default::default() };
    for upstream in [
        Upstream::default(),
        Upstream { host: "a\0b".into(), ..Default::default() },
        Upstream { server_name: Some("a\0b".into()), ..host() },
        Upstream { connect_timeout: Some(Duration::ZERO), ..host() },
        Upstream { handshake_timeout: Some(Duration::MAX), ..host() },
    ] {
        let error = Tunnel::open_blocking(&verifier, &upstream, &VerifyOptions::default()).unwrap_err();
        assert_eq!((error.code(), error.class()), (Code::ArgumentInvalid, Class::Usage), "{upstream:?}");
    }
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Tunnel::open_blocking(&verifier, &Upstream { port: unused, ..host() }, &VerifyOptions::default()).unwrap_err();
    assert_eq!((error.code(), error.stage()), (Code::ConnectFailed, "tunnel"));
}

#[tokio::test]
async fn evidence_tells_which_application_runs_and_what_would_pin_it() {
    let (verifier, options) = dcap();
    let evidence = vector_of("application", "getquote.evidence");
    let result = verifier.verify_evidence_blocking(&evidence, &options).unwrap();
    assert!(result.verified && result.app_id.is_some() && result.compose_hash_source.as_deref() == Some("event_log"));
    assert_eq!(verifier.verify_evidence(&evidence, &options).await.unwrap(), result);

    let inspected = inspect_evidence(&evidence).unwrap();
    assert_eq!((inspected.get("mr_td"), inspected.get("tcb_status")), (result.mr_td.clone(), None), "nothing is judged");
    let pins = inspected.pins().unwrap();
    assert_eq!(pins.allowed_mrtds, [result.mr_td.unwrap()]);
    assert_eq!(pins.pins.as_ref().unwrap()["compose_hash"], [result.compose_hash.unwrap()]);
    assert_eq!(VerifyOptions::from_policy(&inspected.policy().unwrap()).unwrap(), pins);
    let pinned = VerifyOptions { now: options.now, ..pins };
    assert!(verifier.verify_evidence_blocking(&evidence, &pinned).unwrap().identity_pinned);
    let other = VerifyOptions { pins: Some([("app_id".to_owned(), vec!["00".repeat(20)])].into()), ..pinned.clone() };
    assert_eq!(verifier.verify_evidence_blocking(&evidence, &other).unwrap_err().code(), Code::PinsIncomplete);
}

#[tokio::test]
async fn a_report_is_verified_and_is_monitoring_data() {
    let (verifier, options) = dcap();
    let report = vector_of("report", "encoding-A.report");
    let result = verifier.verify_report(&report, &options).await.unwrap();
    assert_eq!((result.verified, result.key_bound, result.report_encoding.as_deref()), (true, Some(false), Some("A")));
    assert_eq!(inspect_report(&report).unwrap().get("mr_td"), result.mr_td);
    let later = VerifyOptions { now: options.now.map(|now| now + Duration::from_secs(3600)), ..options };
    assert_eq!(verifier.verify_report_blocking(&report, &later).unwrap_err().class(), Class::Refused);
}

#[tokio::test]
async fn a_report_is_fetched_over_http_and_nothing_else() {
    for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1:8080", "http://"] {
        assert_eq!(fetch_report_blocking(url, &ReportFetch::default()).unwrap_err().code(), Code::ReportUrl, "{url}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/attestation", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 503 Wait\r\nContent-Length: 0\r\n\r\n"] {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let how = ReportFetch { proxy: Some(String::new()), ..Default::default() };
    assert_eq!(fetch_report(&url, &how).await.unwrap(), b"{}");
    let error = fetch_report(&url, &how).await.unwrap_err();
    assert_eq!((error.code(), error.class()), (Code::ReportHttpStatus, Class::Unavailable));
    answering.join().unwrap();
    let no_time = ReportFetch { timeout: Some(Duration::ZERO), ..how };
    assert_eq!(fetch_report(&url, &no_time).await.unwrap_err().code(), Code::ArgumentInvalid);
}

#[test]
fn a_compose_hash_is_the_files() {
    let file = br#"{"manifest_version":2,"name":"shop","runner":"docker-compose"}"#;
    let hash = compose_hash(file).unwrap();
    assert!(hash.len() == 64 && hash != compose_hash(&[&file[..], b"\n"].concat()).unwrap());
    assert_eq!(compose_hash(b"services: {}\n").unwrap_err().class(), Class::Usage);
}

#[test]
fn a_policy_file_is_read() {
    let path = std::env::temp_dir().join(format!("ra-tls-verify-{}.json", std::process::id()));
    std::fs::write(&path, r#"{"allow_debug_mode": true}"#).unwrap();
    let options = VerifyOptions::from_policy_file(&path);
    std::fs::write(&path, b"\xff").unwrap();
    let error = VerifyOptions::from_policy_file(&path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(options.unwrap(), VerifyOptions { allow_debug_mode: true, ..Default::default() });
    assert_eq!(error.class(), Class::Usage);
    assert_eq!(VerifyOptions::from_policy_file(&path).unwrap_err().code(), Code::FileUnreadable);
}

#[tokio::test]
async fn a_leader_that_cannot_be_found_is_told() {
    let signer = "ab".repeat(20);
    for (domain, signer) in [("", signer.as_str()), ("a b", &signer), ("db.example", "0x00"), ("db.example", "a\0b")] {
        assert_eq!(Leader::new(domain, signer).unwrap_err().class(), Class::Usage, "{domain:?} {signer:?}");
    }
    let wrong = LeaderSettings { dns_servers: Some(vec![]), ..Default::default() };
    assert_eq!(Leader::with_settings("db.example", &signer, &wrong).unwrap_err().class(), Class::Usage);
    // Where nobody listens.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = socket.local_addr().unwrap().to_string();
    let timeout = Some(Duration::from_millis(300));
    let settings = LeaderSettings { dns_servers: Some(vec![server]), timeout, ..Default::default() };
    let leader = Leader::with_settings("db.example", &signer, &settings).unwrap();
    assert_eq!((leader.find().await.unwrap_err().class(), leader.domain()), (Class::Unavailable, "db.example"));
    let upstream = Upstream { leader: Some(leader), ..Default::default() };
    let error = Tunnel::open(NoopVerifier::new(), &upstream, &VerifyOptions::default()).await.unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    let both = Upstream { host: "db.example".into(), ..upstream };
    let error = Tunnel::open(NoopVerifier::new(), &both, &VerifyOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), Code::ArgumentInvalid);
}

#[test]
fn codes_are_the_cores() {
    assert!(Code::ALL.len() > 100);
    for code in Code::ALL {
        assert_eq!(Code::from_name(code.name()), Some(*code));
    }
    let code = Code::MrtdNotAllowed;
    assert_eq!((code.name(), code.class(), Code::Internal as i32), ("MRTD_NOT_ALLOWED", Class::Refused, 1));
}
