//! The service as systemd sees it. Asks systemctl, for some seconds at most; changes nothing.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::line::Line;
use crate::clock;

/// How long systemctl may take.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How often it is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The most of its answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The properties of the unit that are looked at.
const PROPERTIES: &str = "LoadState,ActiveState,SubState,UnitFileState,WatchdogUSec,NRestarts,StatusText,MainPID,Result,\
                          ExecMainStatus,NeedDaemonReload";

/// What systemctl said of the unit.
pub(super) type Properties = BTreeMap<String, String>;

/// Asks for the unit; the error says why nothing is known. Blocks.
pub(super) fn ask() -> Result<Properties, String> {
    let mut command = Command::new("systemctl");
    command.args(["show", "nattvakt.service", "--no-pager", "--property", PROPERTIES]);
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|_| "there is no systemctl here".to_owned())?;
    let end = clock::moment() + ANSWER_WITHIN;
    let ended = loop {
        match child.try_wait() {
            Ok(None) if clock::moment() < end => std::thread::sleep(LOOK_EVERY),
            Ok(Some(status)) => break status.success(),
            Ok(None) | Err(_) => {
                drop(child.kill());
                break false;
            }
        }
    };
    drop(child.wait());
    let mut text = String::new();
    let read = child.stdout.take().map(|out| out.take(ANSWER_BYTES_MAX).read_to_string(&mut text));
    match (ended, read) {
        (true, Some(Ok(_))) => Ok(properties(&text)),
        _ => Err("systemd does not answer here".to_owned()),
    }
}

fn properties(text: &str) -> Properties {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Judges the unit, in one line or two. `running`: a daemon has the store, be it a service or not. PURE.
pub(super) fn judge(asked: &Result<Properties, String>, running: Option<u32>) -> Vec<Line> {
    let properties = match asked {
        Ok(properties) if !properties.is_empty() => properties,
        Ok(_) => return vec![Line::skipped("unit", "systemd does not answer here")],
        Err(why) => return vec![Line::skipped("unit", why.as_str())],
    };
    let of = |key: &str| properties.get(key).map_or("", String::as_str);
    if of("LoadState") != "loaded" {
        let help =
            "install the package, or copy nattvakt.service to /etc/systemd/system and `sudo systemctl daemon-reload`";
        return vec![Line::warning(
            "unit",
            "nattvakt is not installed as a service: nothing starts it after a power cut",
            help,
        )];
    }
    let mut lines = vec![active(&of, running)];
    if of("ActiveState") == "active" {
        lines.push(watchdog(of("WatchdogUSec")));
    }
    lines
}

fn active<'a>(of: &impl Fn(&str) -> &'a str, running: Option<u32>) -> Line {
    let status = match of("StatusText") {
        "" => String::new(),
        text => format!("; it says: {text}"),
    };
    match of("ActiveState") {
        "active" | "reloading" if of("UnitFileState") == "disabled" => {
            let says = format!("running, but it will not start after a power cut{status}");
            Line::warning("unit", says, "`sudo systemctl enable nattvakt`")
        }
        "active" | "reloading" if of("NeedDaemonReload") == "yes" => Line::warning(
            "unit",
            "running, but the unit file has changed since",
            "`sudo systemctl daemon-reload`, then `sudo systemctl restart nattvakt`",
        ),
        "active" | "reloading" if !matches!(of("NRestarts"), "0" | "") => {
            let says = format!("running, after {} restarts{status}", of("NRestarts"));
            Line::warning("unit", says, "`sudo journalctl -u nattvakt -p warning` shows what ended it")
        }
        "active" | "reloading" => Line::good("unit", format!("running{status}")),
        "activating" => {
            let help = "`sudo journalctl -u nattvakt -n 30` shows what it waits for or what ends it";
            Line::warning("unit", format!("starting ({}){status}", of("SubState")), help)
        }
        "failed" => {
            let says = format!("has failed: {}, exit code {}", of("Result"), of("ExecMainStatus"));
            Line::wrong(
                "unit",
                says,
                "`sudo journalctl -u nattvakt -n 30` shows why; exit code 2 is the configuration: `sudo nattvakt check`",
            )
        }
        _ if running.is_some() => Line::warning(
            "unit",
            "the service is stopped, and another nattvakt runs in its place",
            "nothing starts that one after a power cut: end it, and `sudo systemctl start nattvakt`",
        ),
        other => Line::wrong(
            "unit",
            format!("not running ({other}): nobody watches"),
            "`sudo systemctl enable --now nattvakt`",
        ),
    }
}

fn watchdog(span: &str) -> Line {
    match span {
        "" | "0" | "infinity" => {
            let help = "take nattvakt.service as it is delivered: `WatchdogSec=60s`";
            Line::warning("watchdog", "off: a daemon that hangs is not started anew", help)
        }
        span => Line::good("watchdog", format!("a daemon that hangs for {span} is started anew")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Verdict;
    use super::*;

    fn verdicts(text: &str, running: Option<u32>) -> Vec<Verdict> {
        judge(&Ok(properties(text)), running).iter().map(|line| line.verdict).collect()
    }

    #[test]
    fn a_unit_that_runs_is_good_and_each_way_of_not_running_is_told() {
        let well = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNRestarts=0\nWatchdogUSec=1min\n\
                    StatusText=2 beds watched = all\n";
        assert_eq!(verdicts(well, Some(1)), [Verdict::Good, Verdict::Good]);
        assert!(judge(&Ok(properties(well)), None)[0].says.contains("2 beds watched = all"));
        for (change, verdict) in [
            (("UnitFileState=enabled", "UnitFileState=disabled"), Verdict::Warning),
            (("NRestarts=0", "NRestarts=7"), Verdict::Warning),
            (("ActiveState=active", "ActiveState=failed"), Verdict::Wrong),
            (("ActiveState=active", "ActiveState=inactive"), Verdict::Wrong),
            (("LoadState=loaded", "LoadState=not-found"), Verdict::Warning),
        ] {
            assert_eq!(verdicts(&well.replace(change.0, change.1), None)[0], verdict, "{change:?}");
        }
        assert_eq!(verdicts(&well.replace("1min", "0"), None)[1], Verdict::Warning);
        let stopped = well.replace("=active", "=inactive");
        assert_eq!(verdicts(&stopped, Some(7)), [Verdict::Warning]);
        assert_eq!(judge(&Err("no systemctl".to_owned()), None)[0].verdict, Verdict::Skipped);
    }
}
