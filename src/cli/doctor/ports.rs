//! Serial ports as the system sees them: what drives them, who holds them. Opens none.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// The most processes that are looked at.
const PROCESSES_MAX: usize = 4096;

/// A process that has a port open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its number.
    pub(crate) pid: u32,
    /// Its name.
    pub(crate) name: String,
}

/// Returns what drives a port, such as `ftdi_sio`, where the system tells.
pub(crate) fn driver(port: &Path) -> Option<String> {
    let device = port.canonicalize().ok()?;
    let link = fs::read_link(Path::new("/sys/class/tty").join(device.file_name()?).join("device/driver")).ok()?;
    Some(link.file_name()?.to_string_lossy().into_owned())
}

/// Returns who has a port open. Without root only our own processes are seen.
pub(crate) fn holders(port: &Path) -> Vec<Holder> {
    let Ok(device) = fs::metadata(port).map(|meta| meta.rdev()) else { return Vec::new() };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    let others = numbers.filter(|pid| *pid != std::process::id());
    let holds = |pid: &u32| {
        let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        // Looks at the link and not through it: a file behind it may hang.
        open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| {
            path.starts_with("/dev")
                && fs::metadata(&path).is_ok_and(|meta| meta.file_type().is_char_device() && meta.rdev() == device)
        })
    };
    others.take(PROCESSES_MAX).filter(holds).map(|pid| Holder { pid, name: name(pid) }).collect()
}

fn name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "?".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::simulated::SimulatedLine;

    #[test]
    fn who_has_a_port_open_is_found() {
        let line = SimulatedLine::open().unwrap();
        assert_eq!(holders(line.port()), []);
        let mut child = std::process::Command::new("/bin/sleep")
            .arg("1000")
            .stdin(fs::File::open(line.port()).unwrap())
            .spawn()
            .unwrap();
        let found = holders(line.port());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.iter().map(|holder| holder.pid).collect::<Vec<_>>(), [child.id()]);
        assert_eq!(holders(Path::new("/dev/no-such-port")), []);
    }
}
