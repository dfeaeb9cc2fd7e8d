//! The configuration and the files that it names, as the service's user sees them. Reads no secret's content but to check it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, User, getgrouplist};

use super::daemon::{Daemon, Who};
use super::line::Line;
use crate::cli::many;
use crate::config::{Config, ConfigError, Severity, Sound};
use crate::dispatch::Way;
use crate::sensor::Sensor;

/// The user that the package makes for the service.
const USER: &str = "nattvakt";

/// Says how the configuration is.
pub(super) fn configuration(loaded: &Result<Sound, ConfigError>, file: &Path) -> Line {
    let shown = file.display();
    match loaded {
        Ok(sound) => {
            let (beds, ways) = (many(sound.config.beds.len(), "bed"), many(sound.config.channels.len(), "channel"));
            let says = format!("{shown} is sound: {beds}, {ways} to dispatch");
            match sound.report.warnings() {
                0 => Line::good("config", says),
                count => {
                    let help = format!("`sudo nattvakt check {shown}` shows them, and what the file means");
                    Line::warning("config", format!("{says}, {}", many(count, "warning")), help)
                }
            }
        }
        Err(ConfigError::Unsound { report, .. }) => {
            let mistakes = report.findings().iter().filter(|finding| finding.severity == Severity::Error);
            let first = mistakes.clone().next().map(|finding| report.line(finding)).unwrap_or_default();
            let more = match mistakes.count() {
                0 | 1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            Line::wrong(
                "config",
                format!("{first}{more}"),
                format!("`sudo nattvakt check {shown}` shows all with a way out"),
            )
        }
        Err(ConfigError::Missing { .. }) => Line::wrong(
            "config",
            format!("{shown} is not there"),
            "`sudo nattvakt init` writes one, or name it: `sudo nattvakt doctor FILE`",
        ),
        Err(error @ ConfigError::Unreadable { .. }) => {
            Line::wrong("config", error.to_string(), "run it as root: `sudo nattvakt doctor`")
        }
    }
}

/// Says where the daemon that runs goes by another configuration than the file.
pub(super) fn in_use(sound: &Sound) -> Option<Line> {
    let used = super::daemon::configuration(&sound.config.store.path)?;
    let help = "`sudo systemctl reload nattvakt` takes the file up, without a gap in the watch";
    (used != sound.text).then(|| Line::warning("config", "the daemon goes by an earlier version of the file", help))
}

fn counted(wanted: usize) -> String {
    if wanted == 1 { "the file".to_owned() } else { format!("all {wanted} files and ports") }
}

/// Says whether the service's user may read what the file names, and open the ports.
pub(super) fn rights(file: &Path, config: &Config, daemon: Option<&Daemon>) -> Line {
    let Some((name, who)) = service_user(daemon) else {
        let says = "the user of the service is not known: no daemon runs, and there is no user nattvakt";
        return Line::skipped("rights", says);
    };
    let wanted = wanted(file, config);
    let closed: Vec<&(PathBuf, bool)> =
        wanted.iter().filter(|(path, write)| path.exists() && !may(path, *write, &who)).collect();
    match closed.as_slice() {
        [] => Line::good("rights", format!("the service's user {name} may read {}", counted(wanted.len()))),
        [(path, write), rest @ ..] => {
            let shown = path.display();
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            if *write {
                let help =
                    format!("`sudo usermod --append --groups dialout {name}`, then `sudo systemctl restart nattvakt`");
                Line::wrong("rights", format!("the service's user {name} may not open {shown}{more}"), help)
            } else {
                let help = format!(
                    "`chgrp {name} {shown}; chmod u=rw,g=r,o= {shown}`, and its folders must let {name} through"
                );
                Line::wrong("rights", format!("the service's user {name} may not read {shown}{more}"), help)
            }
        }
    }
}

/// Every file that is named, and whether it must be opened for writing.
fn wanted(file: &Path, config: &Config) -> Vec<(PathBuf, bool)> {
    let mut wanted = vec![(file.to_owned(), false)];
    let mut read = |path: &Option<PathBuf>| wanted.extend(path.iter().map(|path| (path.clone(), false)));
    for channel in &config.channels {
        let Way::Https(https) = &channel.way;
        [&https.token_file, &https.signing_key_file, &https.tls.ca, &https.tls.client_cert, &https.tls.client_key]
            .into_iter()
            .for_each(&mut read);
    }
    if let Some(broker) = &config.broker {
        read(&broker.password_file);
        if let Some(files) = &broker.tls {
            [&files.ca, &files.client_cert, &files.client_key].into_iter().for_each(&mut read);
        }
    }
    let ports = config.beds.iter().filter_map(|bed| match &bed.sensor {
        Sensor::Serial(serial) => Some((serial.port.clone(), true)),
        Sensor::Mqtt(_) => None,
    });
    wanted.extend(ports);
    wanted
}

/// Returns whom the service runs as: the daemon that runs, else the package's user.
fn service_user(daemon: Option<&Daemon>) -> Option<(String, Who)> {
    if let Some(who) = daemon.and_then(|daemon| daemon.who.clone()) {
        let user = User::from_uid(who.uid.into()).ok().flatten();
        return Some((user.map_or_else(|| who.uid.to_string(), |user| user.name), who));
    }
    let user = User::from_name(USER).ok().flatten()?;
    let name = std::ffi::CString::new(user.name.as_str()).ok()?;
    let groups = getgrouplist(&name, user.gid).unwrap_or_default();
    // The unit gives it this group besides.
    let dialout = nix::unistd::Group::from_name("dialout").ok().flatten().map(|group| group.gid);
    let gids = groups.into_iter().chain(dialout).chain([user.gid]).map(Gid::as_raw).collect();
    Some((user.name, Who { uid: user.uid.as_raw(), gids }))
}

/// Tells whether somebody may read a file, or open a port; every folder on the way must let them through.
fn may(path: &Path, write: bool, who: &Who) -> bool {
    let Ok(real) = path.canonicalize() else { return true };
    let folders = real.ancestors().skip(1).all(|folder| allows(folder, 0o1, who));
    folders && allows(&real, if write { 0o6 } else { 0o4 }, who)
}

fn allows(path: &Path, wanted: u32, who: &Who) -> bool {
    fs::metadata(path).is_ok_and(|meta| granted(meta.mode(), meta.uid(), meta.gid(), who) & wanted == wanted)
}

/// Returns what a file's mode grants, as three bits. PURE.
fn granted(mode: u32, uid: u32, gid: u32, who: &Who) -> u32 {
    if who.uid == 0 {
        return 0o7;
    }
    let shift = if who.uid == uid {
        6
    } else if who.gids.contains(&gid) {
        3
    } else {
        0
    };
    mode >> shift & 0o7
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_kernels_rule_of_owner_group_and_others() {
        let who = Who { uid: 990, gids: vec![990, 20] };
        assert_eq!(granted(0o640, 0, 990, &who), 0o4);
        assert_eq!(granted(0o600, 0, 0, &who), 0);
        assert_eq!(granted(0o406, 990, 0, &who), 0o4, "the owner's bits count alone");
        assert_eq!(granted(0o660, 0, 20, &who), 0o6);
        assert_eq!(granted(0o000, 1, 1, &Who { uid: 0, gids: vec![] }), 0o7);
    }

    #[test]
    fn a_folder_on_the_way_closes_what_lies_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "x").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let stranger = Who { uid: 4_000_000, gids: vec![] };
        mode(&file, 0o644);
        mode(folder.path(), 0o755);
        assert!(may(&file, false, &stranger) && !may(&file, true, &stranger));
        mode(folder.path(), 0o700);
        assert!(!may(&file, false, &stranger));
    }
}
