//! Runs one command in a thread of its own, for a limited time. Never through a shell.

use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::sync::oneshot;

use super::Trigger;
use crate::clock;
use crate::model::BedId;

/// How often it is looked whether the command has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs a command and says what became of it. It is told by its environment what it is for, has no input, and what it
/// says goes nowhere. When its time is over, it and all that it started are killed; when it ends, what it has left running.
pub(super) async fn run(
    command: Vec<String>,
    trigger: Trigger,
    bed: Option<BedId>,
    limit: Duration,
) -> Result<(), String> {
    let (tell, told) = oneshot::channel();
    let work = move || drop(tell.send(run_blocking(&command, trigger, bed, limit)));
    let thread = std::thread::Builder::new().name("action".to_owned()).spawn(work);
    drop(thread.map_err(|error| format!("no thread for it: {error}"))?);
    told.await.unwrap_or_else(|_| Err("failed inside the program".to_owned()))
}

fn run_blocking(command: &[String], trigger: Trigger, bed: Option<BedId>, limit: Duration) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("there is no program")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It must not speak to the service manager in our name.
    for ours in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(ours);
    }
    command
        .env("NATTVAKT_EVENT", trigger.as_str())
        .env("NATTVAKT_BED", bed.map_or(String::new(), |bed| bed.to_string()));
    let mut child = command.process_group(0).spawn().map_err(|error| format!("cannot be run: {error}"))?;
    let status = wait(&mut child, limit)?;
    if status.success() { Ok(()) } else { Err(format!("ended with {status}")) }
}

/// Waits until the command has ended or its time is over, and kills what is left of it and of all that it started.
fn wait(child: &mut Child, limit: Duration) -> Result<ExitStatus, String> {
    let end = clock::moment() + limit;
    let ended = loop {
        if has_ended(child) {
            break true;
        }
        if clock::moment() >= end {
            break false;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    // Before it is reaped: until then nobody else can be given the number of its group.
    if let Ok(group) = i32::try_from(child.id()) {
        // Gone already is as good as killed.
        let _gone = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    let status = child.wait().map_err(|error| format!("nobody knows how it ended: {error}"))?;
    if ended { Ok(status) } else { Err(format!("was killed: it had not ended within {} s", limit.as_secs())) }
}

/// Tells whether a child has ended; leaves it to be reaped.
fn has_ended(child: &Child) -> bool {
    let Ok(pid) = i32::try_from(child.id()) else { return true };
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(Pid::from_raw(pid)), look), Ok(WaitStatus::StillAlive))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, limit: Duration) -> Result<(), String> {
        let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        run(command, Trigger::Edge, "bed-1".parse().ok(), limit).await
    }

    #[tokio::test]
    async fn it_knows_what_it_is_for() {
        let told = r#"[ "$NATTVAKT_EVENT $NATTVAKT_BED" = "edge bed-1" ]"#;
        assert_eq!(shell(told, Duration::from_secs(30)).await, Ok(()));
    }

    #[tokio::test]
    async fn what_became_of_it_is_told() {
        let failed = shell("exit 3", Duration::from_secs(30)).await.unwrap_err();
        assert!(failed.contains('3'), "{failed}");
        let missing = run(vec!["/no/such/program".to_owned()], Trigger::Edge, None, Duration::from_secs(30)).await;
        assert!(missing.unwrap_err().contains("cannot be run"));
    }

    #[tokio::test]
    async fn when_its_time_is_over_it_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", note.display());
        let killed = shell(&script, Duration::from_millis(500)).await.unwrap_err();
        assert!(killed.contains("killed"), "{killed}");
        until_dead(&note);
    }

    #[tokio::test]
    async fn what_it_leaves_running_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}", note.display());
        assert_eq!(shell(&script, Duration::from_secs(30)).await, Ok(()));
        until_dead(&note);
    }

    /// Waits until the process whose number was noted runs no more.
    fn until_dead(note: &std::path::Path) {
        let pid = std::fs::read_to_string(note).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // Where nobody reaps it a zombie stays.
        while !state().is_empty() && !state().contains(") Z ") {
            std::thread::yield_now();
        }
    }
}
