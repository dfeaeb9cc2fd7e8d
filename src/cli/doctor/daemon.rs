//! Finds a running daemon without touching anything of its own, and asks it how it is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::{self, Looks};
use crate::control::protocol::{Step, TestStep};
use crate::control::{Answer, Client, ClientError, NAME, Request, SERVICE_SOCKET, Status};
use crate::model::AlertId;
use crate::store;

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Daemon {
    /// Its process.
    pub(in crate::cli) pid: u32,
    /// Who it is: user, groups.
    pub(super) who: Option<Who>,
}

/// Whom the kernel takes a process for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    /// The user.
    pub(super) uid: u32,
    /// Every group.
    pub(super) gids: Vec<u32>,
}

/// Finds the daemon that has a store: by the kernel's list of locks, else by its socket, for a daemon whose disk is full or
/// broken has let its store go. Takes no lock itself: even for an instant that could keep a daemon that starts now from its
/// store.
pub(in crate::cli) fn find(store: &Path) -> Option<Daemon> {
    let pid = of_lock(store).or_else(|| of_socket(store))?;
    Some(Daemon { pid, who: who(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()) })
}

fn of_lock(store: &Path) -> Option<u32> {
    let folder = fs::metadata(store).ok()?;
    let locks = fs::read_to_string("/proc/locks").ok()?;
    holder(&locks, folder.dev(), folder.ino())
}

fn of_socket(store: &Path) -> Option<u32> {
    // Other stores belong to other daemons than the service, if its configuration does not name them.
    let service = store == store::Settings::default().path || is_of_service(store);
    connect(store, service).ok()?.process()
}

fn is_of_service(store: &Path) -> bool {
    let service = Client::connect(Path::new(SERVICE_SOCKET));
    let answer = service.and_then(|mut service| service.ask_once(&Request::Configuration {}));
    let Ok(Answer::Configuration { text }) = answer else { return false };
    let sound = config::parse(&text, "the daemon's configuration", Looks::Elsewhere);
    sound.is_ok_and(|sound| sound.config.store.path == store)
}

/// Finds who holds an flock on a file in the kernel's list. PURE.
fn holder(locks: &str, device: u64, inode: u64) -> Option<u32> {
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    let place = format!("{major:02x}:{minor:02x}:{inode}");
    let of_line = |line: &str| {
        // `1: FLOCK  ADVISORY  WRITE 2021 fe:00:1234 0 EOF`; a line that waits has `->` behind the number.
        let mut words = line.split_whitespace().skip(1);
        (words.next() == Some("FLOCK")).then_some(())?;
        let pid = words.nth(2)?.parse().ok()?;
        (words.next() == Some(place.as_str())).then_some(pid)
    };
    locks.lines().find_map(of_line)
}

/// Reads user and groups out of `/proc/PID/status`. PURE.
fn who(status: &str) -> Option<Who> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::split_whitespace);
    let second = |name: &str| field(name)?.nth(1)?.parse::<u32>().ok();
    let mut gids: Vec<u32> = field("Groups:")?.filter_map(|gid| gid.parse().ok()).collect();
    gids.extend(second("Gid:"));
    Some(Who { uid: second("Uid:")?, gids })
}

/// Asks the daemon how it is; nothing where no socket answers, or not us. Blocks, for some seconds at most.
pub(super) fn ask(store: &Path) -> Option<Status> {
    ask_at(store, true)
}

/// As [`ask`]; `service`: it may be the system's service, whose socket is in a place of its own.
pub(in crate::cli) fn ask_at(store: &Path, service: bool) -> Option<Status> {
    let answer = connect(store, service).ok()?.ask_once(&Request::Status {}).ok()?;
    if let Answer::Status(status) = answer { Some(*status) } else { None }
}

/// Asks the daemon by which configuration it goes.
pub(super) fn configuration(store: &Path) -> Option<String> {
    let answer = connect(store, true).ok()?.ask_once(&Request::Configuration {}).ok()?;
    if let Answer::Configuration { text } = answer { Some(text) } else { None }
}

/// Has the daemon send a test to dispatch, and returns how that came out. Blocks, for as long as given and some seconds.
pub(super) fn test(store: &Path, within_s: u32) -> Result<Tested, ClientError> {
    let mut daemon = connect(store, true)?;
    daemon.ask(&Request::TestAlert { bed: None, within_s })?;
    let mut tested = Tested { id: None, took_ms: 0, accepted: Vec::new(), delivered: false, problems: Vec::new() };
    let mut raised = None;
    loop {
        let answer = daemon.answer()?;
        let Answer::Test(TestStep { at, step }) = answer else { return Err(ClientError::unexpected(&answer)) };
        match step {
            Step::Raised { alert, .. } => (tested.id, raised) = (Some(alert), Some(at)),
            Step::Accepted { channel, .. } => {
                tested.took_ms = raised.map_or(0, |raised| at.duration_since(raised).as_millis());
                tested.accepted.push(channel);
            }
            Step::Stored {} | Step::NotStored { .. } | Step::Waiting { .. } => {}
            Step::Delivered {} => return Ok(Tested { delivered: true, ..tested }),
            Step::NotDelivered { problems } => return Ok(Tested { problems, ..tested }),
        }
    }
}

/// How a test that the daemon sent came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tested {
    /// Its id.
    pub(super) id: Option<AlertId>,
    /// How long after it was raised the last one had accepted it, in milliseconds.
    pub(super) took_ms: i128,
    /// Who has accepted it.
    pub(super) accepted: Vec<String>,
    /// Whether it has reached all that it must.
    pub(super) delivered: bool,
    /// Why it was not delivered in time.
    pub(super) problems: Vec<String>,
}

fn connect(store: &Path, service: bool) -> Result<Client, ClientError> {
    let beside = Client::connect(&store.join(NAME));
    if service { beside.or_else(|_| Client::connect(Path::new(SERVICE_SOCKET))) } else { beside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_list_tells_who_has_the_store() {
        let locks = "1: POSIX  ADVISORY  WRITE 40 fe:01:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 2021 fe:01:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 9 fe:01:78 0 EOF\n";
        let device = nix::sys::stat::makedev(0xfe, 1);
        assert_eq!(holder(locks, device, 77), Some(2021));
        assert_eq!(holder(locks, device, 79), None);
        assert_eq!(holder("rubbish\n\n", device, 77), None);
    }

    #[test]
    fn a_daemon_that_has_let_its_store_go_is_found_by_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        let _listens = std::os::unix::net::UnixListener::bind(folder.path().join(NAME)).unwrap();
        assert_eq!(find(folder.path()).unwrap().pid, std::process::id());
    }

    #[test]
    fn a_lock_of_our_own_is_found_and_a_free_store_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find(folder.path()), None);
        let file = fs::File::open(folder.path()).unwrap();
        let _lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock).unwrap();
        let found = find(folder.path()).unwrap();
        assert_eq!(found.pid, std::process::id());
        assert_eq!(found.who.unwrap().uid, nix::unistd::Uid::effective().as_raw());
    }
}
