//! Finds a running daemon without touching anything of its own, and asks it how it is.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

/// The socket of the daemon that runs as a service.
const SERVICE_SOCKET: &str = "/run/nattvakt/control.sock";

/// The socket of another one, beside its store.
const SOCKET: &str = "control.sock";

/// How long the daemon may take for an answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// A daemon that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Daemon {
    /// Its process.
    pub(super) pid: u32,
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

/// Finds the daemon that has a store, by the kernel's list of locks. Takes no lock itself: even for an instant that could
/// keep a daemon that starts now from its store.
pub(super) fn find(store: &Path) -> Option<Daemon> {
    let folder = fs::metadata(store).ok()?;
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let pid = holder(&locks, folder.dev(), folder.ino())?;
    Some(Daemon { pid, who: who(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default()) })
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

/// As much of what the daemon says of itself as the doctor tells.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct Said {
    /// What is wrong, in words.
    pub(super) problems: Vec<String>,
    /// Each bed.
    pub(super) beds: Vec<SaidOfBed>,
    /// Whether it trusts the clock.
    pub(super) clock: Option<String>,
    /// What it says of its store.
    pub(super) store: Option<SaidOfStore>,
}

/// What the daemon says of a bed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct SaidOfBed {
    /// Its id.
    pub(super) bed: String,
    /// How its mat is.
    pub(super) mat: String,
    /// When it was last read.
    pub(super) last_reading: Option<jiff::Timestamp>,
}

/// What the daemon says of its store.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct SaidOfStore {
    /// Alerts that no dispatch has accepted.
    pub(super) waiting: u64,
}

/// Asks the daemon how it is; nothing where no socket answers, or not us. Blocks, for some seconds at most.
pub(super) fn ask(store: &Path) -> Option<Said> {
    [Path::new(SERVICE_SOCKET), &store.join(SOCKET)].into_iter().find_map(ask_at)
}

fn ask_at(path: &Path) -> Option<Said> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    stream.set_write_timeout(Some(ANSWER_WITHIN)).ok()?;
    stream.write_all(b"{\"do\":\"status\"}\n").ok()?;
    let mut line = String::new();
    BufReader::new(stream.take(ANSWER_BYTES_MAX)).read_line(&mut line).ok()?;
    said(&line)
}

/// Reads an answer; nothing where it is a refusal. PURE.
fn said(line: &str) -> Option<Said> {
    let answer: serde_json::Value = serde_json::from_str(line).ok()?;
    (answer.get("is")?.as_str()? == "status").then(|| serde_json::from_value(answer).ok()).flatten()
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
    fn a_lock_of_our_own_is_found_and_a_free_store_is_not() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(find(folder.path()), None);
        let file = fs::File::open(folder.path()).unwrap();
        let _lock = nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock).unwrap();
        let found = find(folder.path()).unwrap();
        assert_eq!(found.pid, std::process::id());
        assert_eq!(found.who.unwrap().uid, nix::unistd::Uid::effective().as_raw());
    }

    #[test]
    fn only_an_answer_is_taken_for_one() {
        let line = r#"{"is":"status","well":false,"problems":["x"],"clock":"untrusted","later":{"y":1},
                       "beds":[{"bed":"bed-1","mat":"silent","last-reading":"2026-01-15T23:12:04.120Z"}],
                       "store":{"waiting":3}}"#;
        let heard = said(line).unwrap();
        assert_eq!((heard.beds[0].mat.as_str(), heard.store.unwrap().waiting), ("silent", 3));
        assert_eq!(said(r#"{"is":"error","reason":"rights","text":"no"}"#), None);
        assert_eq!(said("HTTP/1.1 400"), None);
    }
}
