//! The process's tunnels. Drivers' options are plain values that nobody tells us the end of, so tunnels outlive them: kept here,
//! one handle for each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ra_tls_verify::{Code, Error, Leader, LeaderSettings, Tunnel, Verifier};

use crate::options::RaTlsOptions;
use crate::surroundings::Environment;
use crate::target::Target;

/// Tunnels without a connection that are kept; of more, those idle the longest are closed.
pub const IDLE_TUNNELS_MAX: usize = 16;

/// How long a tunnel is kept without a connection, unless [`set_idle_tunnel_time`] says otherwise: a day, so that a pool which was
/// idle for a night still connects in the morning.
pub const IDLE_TUNNEL_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Tunnels are looked at so many times within the time for which they are kept, which they may exceed by two such looks.
const LOOKS: u32 = 8;
const LOOK_PERIOD_MIN: Duration = Duration::from_millis(10);
const LOOK_PERIOD_MAX: Duration = Duration::from_secs(3 * 60 * 60);

/// What a driver is told: folder and port.
type Place = (PathBuf, u16);

struct Kept {
    tunnel: Arc<Tunnel>,
    /// Connections that had come when it was last looked at.
    seen: u64,
    /// Whether it had a connection then.
    busy: bool,
    idle_since: Instant,
}

impl Kept {
    fn new(tunnel: Tunnel) -> Kept {
        Kept { tunnel: Arc::new(tunnel), seen: 0, busy: false, idle_since: Instant::now() }
    }

    /// How long it has had no connection, as far as was looked; `None` while it has one.
    fn idle(&mut self) -> Option<Duration> {
        let stats = self.tunnel.stats().unwrap_or_default();
        // One that was busy at the last look may have been so until just now.
        if self.busy || stats.connections_now > 0 || stats.connections_total != self.seen {
            self.seen = stats.connections_total;
            self.idle_since = Instant::now();
        }
        self.busy = stats.connections_now > 0;
        (!self.busy).then(|| self.idle_since.elapsed())
    }
}

struct Shared {
    tunnels: BTreeMap<Place, Kept>,
    close_after: Duration,
    /// A thread looks for tunnels that are idle.
    watched: bool,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared { tunnels: BTreeMap::new(), close_after: IDLE_TUNNEL_TIME, watched: false });
/// The time for which tunnels are kept changed.
static TIME_CHANGED: Condvar = Condvar::new();

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn take_idle(&mut self, after: Duration) -> Vec<Kept> {
        take_out(&mut self.tunnels, |kept| kept.idle().is_some_and(|idle| idle >= after))
    }

    fn look_period(&self) -> Duration {
        (self.close_after / LOOKS).clamp(LOOK_PERIOD_MIN, LOOK_PERIOD_MAX)
    }

    /// Where no thread can be had, tunnels are looked at when options are asked for.
    fn watch(&mut self) {
        if !self.watched {
            self.watched = std::thread::Builder::new().name("ratls-idle".to_owned()).spawn(close_when_idle).is_ok();
        }
    }
}

/// Close tunnels that are idle, until there is none left to look at.
fn close_when_idle() {
    loop {
        let mut held = shared();
        if held.tunnels.is_empty() {
            held.watched = false;
            return;
        }
        let period = held.look_period();
        let (mut held, _) = TIME_CHANGED.wait_timeout(held, period).unwrap_or_else(PoisonError::into_inner);
        let after = held.close_after;
        let closed = held.take_idle(after);
        drop(held);
        drop(closed);
    }
}

/// Keep shared tunnels for this long without a connection, instead of [`IDLE_TUNNEL_TIME`]; `Duration::MAX`: for ever. One that has
/// a connection is never closed. Options that rest on a tunnel that was closed lead nowhere: ask for new ones.
pub fn set_idle_tunnel_time(after: Duration) {
    shared().close_after = after;
    TIME_CHANGED.notify_all();
}

/// Take out what fits. It is dropped, and so closed, by the caller: closing may wait, and the lock must not.
fn take_out(tunnels: &mut BTreeMap<Place, Kept>, mut fits: impl FnMut(&mut Kept) -> bool) -> Vec<Kept> {
    let places: Vec<Place> = tunnels.iter_mut().filter_map(|(place, kept)| fits(kept).then(|| place.clone())).collect();
    places.iter().filter_map(|place| tunnels.remove(place)).collect()
}

/// Close the shared tunnels that have had no connection for this long, and say how many. Options that rest on one of them lead
/// nowhere afterwards: ask for new ones.
///
/// A tunnel without a connection costs a thread and a few descriptors; up to [`IDLE_TUNNELS_MAX`] are kept, for
/// [`IDLE_TUNNEL_TIME`].
pub fn close_idle_tunnels(after: Duration) -> usize {
    let closed = shared().take_idle(after);
    closed.len()
}

/// Keep a tunnel; a further handle of one that is kept already is given up.
fn keep(tunnel: Tunnel) -> Arc<Tunnel> {
    let place = (tunnel.directory().to_owned(), tunnel.port());
    let mut surplus = Vec::new();
    let mut held = shared();
    let kept = match held.tunnels.get_mut(&place) {
        Some(kept) => {
            surplus.push(Kept::new(tunnel));
            kept.idle_since = Instant::now();
            kept.tunnel.clone()
        }
        None => {
            let idle: Vec<Duration> = held.tunnels.values_mut().filter_map(Kept::idle).collect();
            if idle.len() >= IDLE_TUNNELS_MAX {
                let longest = idle.iter().max().copied().unwrap_or_default();
                surplus.extend(held.take_idle(longest));
            }
            held.tunnels.entry(place).or_insert_with(|| Kept::new(tunnel)).tunnel.clone()
        }
    };
    let after = held.close_after;
    surplus.extend(held.take_idle(after));
    held.watch();
    drop(held);
    if !surplus.is_empty() {
        close_elsewhere(surplus);
    }
    kept
}

/// Closing waits for threads of the tunnel: not in a task.
fn close_elsewhere(surplus: Vec<Kept>) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(|| drop(surplus))),
        Err(_) => drop(surplus),
    }
}

/// The shared tunnel of a driver's options.
pub(crate) fn find(directory: &Path, port: u16) -> Result<Arc<Tunnel>, Error> {
    let held = shared();
    let kept = held.tunnels.get(&(directory.to_owned(), port)).map(|kept| kept.tunnel.clone());
    kept.ok_or_else(not_ours)
}

pub(crate) fn not_ours() -> Error {
    argument_invalid("options", "it was not made by postgres_ratls, or its tunnel was closed")
}

/// The shared tunnel to where a connection string, or a leader's record, leads.
pub(crate) async fn open(dsn: &str, verifier: Verifier, options: RaTlsOptions) -> Result<(Target, Arc<Tunnel>), Error> {
    if options.lookup.is_some() {
        return Err(argument_invalid("lookup", "it is for the functions that find a leader by its cluster's domain and signer"));
    }
    let (dsn, leader) = (dsn.to_owned(), options.leader.clone());
    // Reads files.
    let mut target = blocking(move || crate::target::resolve(&dsn, &Environment::of_process(), leader.as_ref())).await?;
    options.apply_to(&mut target.upstream);
    let tunnel = Tunnel::open(verifier, &target.upstream, &options.into_verify()).await?;
    Ok((target, keep(tunnel)))
}

/// The options of [`open`] for a cluster: with its leader.
pub(crate) fn with_leader(domain: &str, signer: &str, mut options: RaTlsOptions) -> Result<RaTlsOptions, Error> {
    if options.leader.is_some() {
        return Err(argument_invalid("leader", "domain and signer say which one it is"));
    }
    options.leader = Some(leader_of(domain, signer, options.lookup.take().unwrap_or_default())?);
    Ok(options)
}

/// The same leader for the same cluster, as long as the process runs: it remembers how far the cluster was.
fn leader_of(domain: &str, signer: &str, settings: LeaderSettings) -> Result<Leader, Error> {
    static LEADERS: Mutex<Vec<(String, String, LeaderSettings, Leader)>> = Mutex::new(Vec::new());
    let mut leaders = LEADERS.lock().unwrap_or_else(PoisonError::into_inner);
    let known = leaders.iter().find(|known| (known.0.as_str(), known.1.as_str(), &known.2) == (domain, signer, &settings));
    if let Some((.., leader)) = known {
        return Ok(leader.clone());
    }
    let leader = Leader::with_settings(domain, signer, &settings)?;
    leaders.push((domain.to_owned(), signer.to_owned(), settings, leader.clone()));
    Ok(leader)
}

fn argument_invalid(argument: &str, what: &str) -> Error {
    Error::of_code(Code::ArgumentInvalid, &[("argument", argument), ("what", what)])
}

pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let internal = |what: &str| Error::of_code(Code::Internal, &[("what", what)]);
    let runtime = tokio::runtime::Handle::try_current().map_err(|_| internal("there is no Tokio runtime here"))?;
    runtime.spawn_blocking(call).await.unwrap_or_else(|failed| Err(internal(&failed.to_string())))
}
