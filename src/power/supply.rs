//! What Linux shows of power supplies: a folder each, a file a property.
//!
//! Only reads. What cannot be read, or says something unheard of, counts as not known.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use super::judge::{Kind, Status, Supply};

/// The most supplies that are looked at: no gateway has that many.
const SUPPLIES_MAX: usize = 32;

/// The most that is read of a property, in bytes: one word.
const WORD_BYTES_MAX: u64 = 64;

/// Reads all supplies of the machine itself, in the order of their names; none where there is no such folder.
pub(super) fn read(folder: &Path) -> Vec<Supply> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().take(SUPPLIES_MAX).filter_map(|path| supply(path)).collect()
}

fn supply(path: &Path) -> Option<Supply> {
    let word = |name: &str| word(&path.join(name));
    // The battery of a mouse or a mat, not the machine's.
    if word("scope").as_deref() == Some("Device") {
        return None;
    }
    let kind = match word("type")?.as_str() {
        "Battery" | "UPS" => Kind::Battery,
        _ => Kind::External,
    };
    if kind == Kind::Battery && word("present").as_deref() == Some("0") {
        return None;
    }
    let online = word("online").and_then(|online| online.parse::<u8>().ok()).map(|online| online > 0);
    let status = match word("status").as_deref() {
        Some("Discharging") => Status::Discharging,
        Some("Charging") => Status::Charging,
        Some("Full" | "Not charging") => Status::Resting,
        Some(_) | None => Status::Unknown,
    };
    let critical = || (word("capacity_level").as_deref() == Some("Critical")).then_some(0);
    let charge = word("capacity").and_then(|charge| charge.parse().ok()).or_else(critical);
    Some(Supply { kind, online, status, charge })
}

fn word(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(WORD_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(folder: &Path, name: &str, properties: &[(&str, &str)]) {
        fs::create_dir_all(folder.join(name)).unwrap();
        for (property, word) in properties {
            fs::write(folder.join(name).join(property), format!("{word}\n")).unwrap();
        }
    }

    #[test]
    fn supplies_are_read_as_linux_shows_them() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("none")), []);
        show(folder.path(), "ac", &[("type", "Mains"), ("online", "1")]);
        let battery = [("type", "Battery"), ("status", "Discharging"), ("capacity", "41"), ("present", "1")];
        show(folder.path(), "bat", &battery);
        show(folder.path(), "hid-mouse", &[("type", "Battery"), ("scope", "Device"), ("capacity", "3")]);
        show(folder.path(), "slot", &[("type", "Battery"), ("present", "0"), ("status", "Unknown")]);
        show(folder.path(), "ups", &[("type", "UPS"), ("capacity_level", "Critical"), ("online", "0")]);
        show(folder.path(), "usb", &[("type", "USB"), ("online", "2")]);
        let found = read(folder.path());
        let external = Supply { kind: Kind::External, online: Some(true), status: Status::Unknown, charge: None };
        let battery = Supply { kind: Kind::Battery, online: None, status: Status::Discharging, charge: Some(41) };
        let ups = Supply { kind: Kind::Battery, online: Some(false), status: Status::Unknown, charge: Some(0) };
        assert_eq!(found, [external.clone(), battery, ups, external]);
    }

    #[test]
    fn what_makes_no_sense_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        show(folder.path(), "empty", &[]);
        show(folder.path(), "odd", &[("type", "Battery"), ("status", "Pancake"), ("capacity", "-7"), ("online", "x")]);
        fs::write(folder.path().join("odd/scope"), [0xff, 0xfe]).unwrap();
        fs::write(folder.path().join("file"), "Mains").unwrap();
        let odd = Supply { kind: Kind::Battery, online: None, status: Status::Unknown, charge: None };
        assert_eq!(read(folder.path()), [odd]);
    }
}
