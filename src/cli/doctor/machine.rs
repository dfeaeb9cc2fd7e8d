//! The box itself: clock and time zone, disk and store, memory. Changes nothing.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nix::sys::statvfs::{FsFlags, statvfs};

use super::daemon::Daemon;
use super::line::Line;
use crate::cli::many;
use crate::clock::{Clock, ClockSource};
use crate::control::Status;
use crate::control::status::StoreState;
use crate::model::health::ClockHealth;

const MIB: u64 = 1024 * 1024;

/// With less the store is soon full.
const FREE_WARN: u64 = 64 * MIB;

/// With less it can no longer be relied on: the storage engine needs room to write anew.
const FREE_WRONG: u64 = 16 * MIB;

/// With fewer free inodes no file of the store can be made.
const INODES_MIN: u64 = 64;

/// With less memory the system ends programs.
const MEMORY_WARN: u64 = 32 * MIB;

/// Looks at clock and time zone.
pub(super) fn clock(source: ClockSource, zone: &TimeZone, clock: &Clock, said: Option<&Status>) -> Line {
    // The floor first: what is read later is later.
    let floor = clock.for_certificates().utc;
    let now = clock.now();
    let local = now.utc.to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("UTC");
    let shown = format!("{} ({name})", local.strftime("%a %-d %b %Y %H:%M:%S %Z"));
    let behind = floor > now.utc;
    let distrusted = said.is_some_and(|said| said.clock == ClockHealth::Untrusted);
    judge_clock(source, clock.good_time().is_some(), behind, distrusted, &shown)
}

/// Judges the clock. PURE.
fn judge_clock(source: ClockSource, synchronised: bool, behind: bool, distrusted: bool, shown: &str) -> Line {
    const WAYS: &str = "`timedatectl` shows the time service, `systemctl status systemd-timesyncd` what it says; without a \
                        network and with a battery-backed clock write `clock = \"rtc\"` in [gateway]";
    if behind {
        return Line::wrong("clock", format!("it is {shown}, which is before this program was made"), WAYS);
    }
    if distrusted {
        let says = format!("it is {shown}, and the daemon does not trust the clock: every bed is watched all day");
        return Line::wrong("clock", says, WAYS);
    }
    match (source, synchronised) {
        (_, true) => Line::good("clock", format!("kept by a time service; it is {shown}")),
        (ClockSource::Rtc, false) => {
            Line::good("clock", format!("taken as it is (`clock = \"rtc\"`); it is {shown}: compare it with a watch"))
        }
        (ClockSource::Ntp, false) => {
            let says = format!(
                "no time service keeps it just now; it is {shown}. Until one has, every bed is watched all day"
            );
            Line::warning("clock", says, WAYS)
        }
    }
}

/// Counts of the file system have 32 bits on 32-bit ARM, where a card of more than 4 GB would not fit their product.
fn wide(count: impl Into<u64>) -> u64 {
    count.into()
}

/// Looks at the disk below the store. Blocks.
pub(super) fn disk(store: &Path) -> Line {
    let there = store.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match statvfs(there) {
        Err(error) => Line::wrong("disk", format!("{}: {error}", there.display()), "is it mounted?"),
        Ok(stat) => judge_disk(&Disk {
            path: there.display().to_string(),
            free: wide(stat.blocks_available()).saturating_mul(wide(stat.fragment_size())),
            size: wide(stat.blocks()).saturating_mul(wide(stat.fragment_size())),
            // Some file systems count none.
            inodes: (stat.files() > 0).then(|| wide(stat.files_available())),
            read_only: stat.flags().contains(FsFlags::ST_RDONLY),
            in_memory: nix::sys::statfs::statfs(there)
                .is_ok_and(|stat| stat.filesystem_type() == nix::sys::statfs::TMPFS_MAGIC),
        }),
    }
}

/// As much of a disk as matters.
struct Disk {
    path: String,
    free: u64,
    size: u64,
    inodes: Option<u64>,
    read_only: bool,
    in_memory: bool,
}

/// Judges the disk. PURE.
fn judge_disk(disk: &Disk) -> Line {
    let (path, free) = (&disk.path, disk.free / MIB);
    let room = format!("{free} MiB of {} MiB are free at {path}", disk.size / MIB);
    let find = format!(
        "make room: `du -xh {path} | sort -h | tail` shows what is large; often it is the log: `sudo journalctl --vacuum-size=50M`"
    );
    if disk.read_only {
        let help = "a worn or damaged card is often set to read-only by the system: `sudo dmesg | grep -i error`; replace the card";
        Line::wrong("disk", format!("{path} can only be read: no alert can be kept"), help)
    } else if disk.free < FREE_WRONG {
        Line::wrong("disk", format!("only {room}"), find)
    } else if disk.inodes.is_some_and(|inodes| inodes < INODES_MIN) {
        Line::wrong("disk", format!("no room for more files at {path}, though {free} MiB are free"), find)
    } else if disk.in_memory {
        let help = "set `path` in [store] to a folder on the card or disk";
        Line::wrong("disk", format!("{path} lies in memory: every alert that waits is lost with the power"), help)
    } else if disk.free < FREE_WARN {
        Line::warning("disk", format!("only {room}"), find)
    } else {
        Line::good("disk", room)
    }
}

/// The most files of a store that are counted.
const FILES_MAX: usize = 10_000;

/// Looks at the store from outside: never opens it, never takes its lock. Blocks.
pub(super) fn store(path: &Path, daemon: Option<&Daemon>, said: Option<&Status>) -> Line {
    if !path.exists() {
        let says = format!("{} is not there yet: it is made at the first start", path.display());
        return if daemon.is_none() {
            Line::good("store", says)
        } else {
            Line::wrong("store", says, "restart nattvakt")
        };
    }
    let Ok(entries) = fs::read_dir(path) else {
        let says = format!("{} may not be read by you", path.display());
        return Line::warning("store", says, "run it as root: `sudo nattvakt doctor`");
    };
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let damaged = names.iter().filter(|name| name.starts_with("store.corrupt-")).count();
    let mut left = FILES_MAX;
    let size = size(path, &mut left) / 1024;
    let user = match (daemon, said) {
        (Some(daemon), Some(said)) => {
            // What the store itself counts may be a minute behind.
            let waiting = said.channels.iter().map(|channel| channel.waiting).max().unwrap_or_default();
            format!("in use by the daemon, process {}; alerts that wait for dispatch: {waiting}", daemon.pid)
        }
        (Some(daemon), None) => format!("in use by the daemon, process {}", daemon.pid),
        (None, _) => "not in use".to_owned(),
    };
    let says = format!("{}: {user}; {size} KiB", path.display());
    if said.is_some_and(|said| said.store.state == StoreState::Faulty) {
        let help = "see `disk`; alerts go out all the same, and do not survive a power cut";
        return Line::wrong("store", format!("{says}. Alerts do NOT reach the disk"), help);
    }
    if damaged > 0 {
        let says = format!("{says}. It was found damaged and begun anew: {} beside it", many(damaged, "damaged store"));
        let help = "was it a power cut, or is the card worn (`sudo dmesg | grep -i error`)? What could be read was taken over; \
                    remove store.corrupt-* when nobody wants to look into it any more";
        return Line::warning("store", says, help);
    }
    Line::good("store", says)
}

fn size(path: &Path, left: &mut usize) -> u64 {
    let Ok(entries) = fs::read_dir(path) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let Ok(meta) = entry.metadata() else { continue };
        bytes += if meta.is_dir() { size(&entry.path(), left) } else { meta.len() };
    }
    bytes
}

/// Looks at the memory of the box and of the daemon.
pub(super) fn memory(daemon: Option<&Daemon>) -> Line {
    let of_box = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let of_daemon = daemon.and_then(|daemon| fs::read_to_string(format!("/proc/{}/status", daemon.pid)).ok());
    judge_memory(&of_box, of_daemon.as_deref())
}

/// Judges the memory by what the kernel says. PURE.
fn judge_memory(of_box: &str, of_daemon: Option<&str>) -> Line {
    let Some(available) = kib(of_box, "MemAvailable:") else {
        return Line::skipped("memory", "the system does not tell how much is free");
    };
    let total = kib(of_box, "MemTotal:").unwrap_or_default();
    let used = of_daemon.and_then(|status| kib(status, "VmRSS:"));
    let used = used.map(|used| format!("; the daemon uses {} MiB", used / MIB)).unwrap_or_default();
    let says = format!("{} MiB of {} MiB are free{used}", available / MIB, total / MIB);
    if available < MEMORY_WARN {
        Line::warning("memory", says, "`ps -e -o rss,comm --sort=-rss | head` shows who uses it")
    } else {
        Line::good("memory", says)
    }
}

/// Reads a size that the kernel gives in KiB, in bytes.
fn kib(text: &str, field: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
    rest.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Tells how long ago something was, in words.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    #[test]
    fn a_clock_is_good_that_a_time_service_keeps() {
        let verdict = |source, synchronised, behind, distrusted| {
            judge_clock(source, synchronised, behind, distrusted, "now").verdict
        };
        assert_eq!(verdict(ClockSource::Ntp, true, false, false), Verdict::Good);
        assert_eq!(verdict(ClockSource::Rtc, false, false, false), Verdict::Good);
        assert_eq!(verdict(ClockSource::Ntp, false, false, false), Verdict::Warning);
        assert_eq!(verdict(ClockSource::Ntp, false, true, false), Verdict::Wrong);
        assert_eq!(verdict(ClockSource::Ntp, false, false, true), Verdict::Wrong);
    }

    #[test]
    fn a_disk_is_judged_by_its_room() {
        let disk = |free| Disk {
            path: "/srv".to_owned(),
            free: free * MIB,
            size: 1000 * MIB,
            inodes: Some(500),
            read_only: false,
            in_memory: false,
        };
        assert_eq!(judge_disk(&disk(500)).verdict, Verdict::Good);
        assert_eq!(judge_disk(&disk(50)).verdict, Verdict::Warning);
        assert_eq!(judge_disk(&disk(5)).verdict, Verdict::Wrong);
        assert_eq!(judge_disk(&Disk { inodes: Some(3), ..disk(500) }).verdict, Verdict::Wrong);
        assert_eq!(judge_disk(&Disk { inodes: None, ..disk(500) }).verdict, Verdict::Good);
        assert_eq!(judge_disk(&Disk { read_only: true, ..disk(500) }).verdict, Verdict::Wrong);
        assert_eq!(judge_disk(&Disk { in_memory: true, ..disk(500) }).verdict, Verdict::Wrong);
    }

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let text = |available: u32| format!("MemTotal:  512000 kB\nMemAvailable:   {available} kB\n");
        let line = judge_memory(&text(102_400), Some("VmRSS:\t   10240 kB\n"));
        assert_eq!(line, Line::good("memory", "100 MiB of 500 MiB are free; the daemon uses 10 MiB"));
        assert_eq!(judge_memory(&text(10_240), None).verdict, Verdict::Warning);
        assert_eq!(judge_memory("", None).verdict, Verdict::Skipped);
    }

    #[test]
    fn a_store_that_was_found_damaged_is_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(store(folder.path(), None, None).verdict, Verdict::Good);
        fs::create_dir(folder.path().join("store.corrupt-1")).unwrap();
        assert_eq!(store(folder.path(), None, None).verdict, Verdict::Warning);
        assert_eq!(store(&folder.path().join("none"), None, None).verdict, Verdict::Good);
    }
}
