//! What the tests share: a PostgreSQL, and evidence in front of it, both the simulator's.

#![allow(dead_code, missing_docs, reason = "each test program uses what it needs")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use postgres_ratls::{DcapVerifier, RaTlsOptions};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// A program of the simulator that says what happens in JSON lines, and ends with its standard input.
pub struct Simulated {
    process: Child,
    input: Option<ChildStdin>,
    events: Arc<(Mutex<Vec<Value>>, Condvar)>,
    pub listening: Value,
}

impl Simulated {
    pub fn start(arguments: &[&str]) -> Simulated {
        let python = std::env::var_os("RATLS_PYTHON").unwrap_or_else(|| root().join("build/venv/bin/python").into());
        let mut process = Command::new(&python)
            .args(["-m", "simulator"])
            .args(arguments)
            .env("PYTHONPATH", root().join("tests"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", Path::new(&python).display()));
        let events = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (heard, output) = (events.clone(), process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                heard.0.lock().unwrap().push(serde_json::from_str(&line).unwrap());
                heard.1.notify_all();
            }
            heard.0.lock().unwrap().push(json!({"event": "ended"}));
            heard.1.notify_all();
        });
        let input = process.stdin.take();
        let mut simulated = Simulated { process, input, events, listening: Value::Null };
        simulated.listening = simulated.wait_for(|events| events.first().filter(|event| event["event"] == "listening").cloned());
        simulated
    }

    /// Wait until what was said holds what is looked for.
    pub fn wait_for<T>(&self, look: impl Fn(&[Value]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut events = self.events.0.lock().unwrap();
        loop {
            if let Some(found) = look(&events) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let ended = events.last().is_some_and(|event| event["event"] == "ended");
            assert!(!left.is_zero() && !ended, "the simulator said only {events:?}");
            events = self.events.1.wait_timeout(events, left).unwrap().0;
        }
    }

    /// Carry out a command.
    pub fn tell(&mut self, command: &Value) {
        let done = |events: &[Value]| events.iter().filter(|event| event["event"] == "done").count();
        let before = done(&self.events.0.lock().unwrap());
        writeln!(self.input.as_mut().unwrap(), "{command}").unwrap();
        self.wait_for(|events| (done(events) > before).then_some(()));
    }

    /// Keep nothing of what was said so far.
    pub fn forget(&self) {
        self.events.0.lock().unwrap().clear();
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// A real PostgreSQL; it ends with its standard input, which we hold.
pub struct Cluster {
    _process: Simulated,
    pub port: u64,
    pub password: String,
    socket: String,
}

impl Cluster {
    pub fn start(authentication: &str) -> Cluster {
        let process = Simulated::start(&["postgres", "--authentication", authentication]);
        let text = |name: &str| process.listening[name].as_str().unwrap().to_owned();
        Cluster {
            port: process.listening["port"].as_u64().unwrap(),
            password: text("password"),
            socket: text("socket"),
            _process: process,
        }
    }

    /// A connection string to it as key=value, without any TLS.
    pub fn dsn(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres password='{}' dbname=postgres", self.port, self.password)
    }
}

/// The one for all tests of the program.
pub fn cluster() -> &'static Cluster {
    cluster_with("scram-sha-256")
}

/// The one that is there already, or a new one that demands this of everybody.
pub fn cluster_with(authentication: &str) -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(authentication))
}

/// The time for which everything is minted.
pub fn now() -> &'static str {
    static NOW: OnceLock<String> = OnceLock::new();
    NOW.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string())
}

/// A folder for the evidence of one server.
pub fn new_folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("postgres-ratls-{}-{number}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    folder
}

/// The verifier for the evidence in such a folder.
pub fn verifier_for(files: &Path) -> DcapVerifier {
    let verifier = DcapVerifier::new().with_collateral_file(files.join("collateral.json")).unwrap();
    verifier.with_trust_anchor_file(files.join("root.pem")).unwrap()
}

/// A sidecar in front of the PostgreSQL.
pub struct Sidecar {
    pub process: Simulated,
    pub port: u64,
    pub mr_td: String,
    pub files: PathBuf,
}

impl Sidecar {
    pub fn healthy() -> Sidecar {
        Sidecar::start(&[])
    }

    pub fn with_fault(fault: &str) -> Sidecar {
        Sidecar::start(&["--fault", fault])
    }

    pub fn start(options: &[&str]) -> Sidecar {
        Sidecar::before(cluster(), options)
    }

    pub fn before(cluster: &Cluster, options: &[&str]) -> Sidecar {
        let files = new_folder();
        let mut arguments =
            vec!["sidecar", "--commands", "--upstream", &cluster.socket, "--now", now(), "--out", files.to_str().unwrap()];
        arguments.extend(options);
        let process = Simulated::start(&arguments);
        let mr_td = process.listening["mr_td"].as_str().unwrap().to_owned();
        Sidecar { port: process.listening["port"].as_u64().unwrap(), mr_td, files, process }
    }

    /// A connection string to it as key=value.
    pub fn dsn(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres password='{}' dbname=postgres", self.port, cluster().password)
    }

    pub fn url(&self) -> String {
        let password = cluster().password.replace(' ', "%20");
        format!("postgresql://postgres:{password}@127.0.0.1:{}/postgres", self.port)
    }

    pub fn verifier(&self) -> DcapVerifier {
        verifier_for(&self.files)
    }

    pub fn options(&self) -> RaTlsOptions {
        RaTlsOptions { allowed_mrtds: vec![self.mr_td.clone()], ..Default::default() }
    }

    /// The connections that ended, at least so many.
    pub fn wait_closed(&self, count: usize) -> Vec<Value> {
        self.process.wait_for(|events| {
            let closed: Vec<Value> =
                events.iter().filter(|event| event["event"] == "closed").map(|event| event["connection"].clone()).collect();
            (closed.len() >= count).then_some(closed)
        })
    }

    /// What ended, not one byte of which reached the server.
    pub fn assert_nothing_sent(&self, count: usize) {
        for seen in self.wait_closed(count) {
            assert_eq!((&seen["application_bytes"], &seen["upstream_opened"]), (&json!(0), &json!(false)), "{seen}");
        }
    }

    /// Present another certificate from now on.
    pub fn present(&mut self, fault: &str) {
        self.process.tell(&json!({"mint": {"fault": fault}}));
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.files);
    }
}
