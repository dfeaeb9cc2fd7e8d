//! A process that was started here: told to stop by its id, and what the kernel says of it.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Result;

/// How long a process may take to end once it was told to.
const LOOKS: u32 = 1_000;
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Units of the times in `/proc/PID/stat` a second; the same on every Linux (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;

/// Ends with its value at the latest.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        match command.spawn() {
            Ok(child) => Ok(Self(child)),
            Err(error) => Err(format!("cannot start {:?}: {error}", command.get_program()).into()),
        }
    }

    /// Tells whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(self.0.id().try_into()?), Signal::SIGTERM)?;
        for _ in 0..LOOKS {
            if self.has_ended()? {
                return Ok(());
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err("a program does not end on SIGTERM".into())
    }

    /// Returns its resident memory, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1_024)
    }

    /// Returns the processor time that it has used, in seconds.
    pub(crate) fn busy_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in parentheses, may hold blanks. After it utime and stime are the 12th and 13th field.
        let (_, rest) = stat.rsplit_once(')').ok_or("no name in stat")?;
        let fields = rest.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(fields.sum::<std::result::Result<f64, _>>()? / TICKS_A_SECOND)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only where it has ended.
        if self.0.kill().is_ok() {
            self.0.wait().ok();
        }
    }
}
