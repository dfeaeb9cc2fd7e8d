//! What came out, and the table that shows it.

use std::fmt::Display;
use std::fs;
use std::time::Duration;

use crate::Result;

/// What was measured of one program in one case.
pub(crate) struct Figures {
    /// From the write of a low reading to the complete alert.
    pub(crate) latencies: Vec<Duration>,
    /// Alerts that never came.
    pub(crate) missing: usize,
    /// Resident memory at the end, in bytes.
    pub(crate) resident: u64,
    /// Share of one processor while nobody rises, 0 to 1.
    pub(crate) busy_share: f64,
    /// From start to readiness, of each start.
    pub(crate) ready: Vec<Duration>,
}

/// The percentiles that are shown, and among them those whose ratio is.
const SHOWN: [usize; 4] = [50, 90, 99, 100];

/// Says first what is measured and where.
pub(crate) fn begin() -> Result<()> {
    say("From the write of the first low reading to the complete alert at the receiver; every mat at 10 readings/s.");
    say("Times in ms. cpu: share of one processor while nobody rises. ready: from start to READY=1, median.");
    say(format_args!("Linux {}, load {}", kernel()?, load()?));
    say(format_args!(
        "\n{:<15} {:<9} {:>6} {:>7} {:>7} {:>7} {:>7} {:>9} {:>7} {:>7}",
        "", "", "rises", "p50", "p90", "p99", "max", "memory", "cpu", "ready"
    ));
    Ok(())
}

/// Shows one case: the floor, the gateway, and how many times the floor's time it takes.
pub(crate) fn show(name: &str, figures: &[(&str, Figures)]) {
    for (index, (program, figures)) in figures.iter().enumerate() {
        row(if index == 0 { name } else { "" }, program, figures);
    }
    if let [(_, floor), (_, daemon)] = figures {
        let ratios = SHOWN.map(|percent| {
            let [floor, daemon] = [floor, daemon].map(|each| percentile(&each.latencies, percent).as_secs_f64());
            format!("{:>6.2}x", daemon / floor)
        });
        say(format_args!("{:<15} {:<9} {:>6} {}", "", "ratio", "", ratios.join(" ")));
    }
}

/// Says last what could have disturbed.
pub(crate) fn end() -> Result<()> {
    say(format_args!("\nLoad at the end {}", load()?));
    Ok(())
}

fn row(name: &str, program: &str, figures: &Figures) {
    let times = SHOWN.map(|percent| format!("{:>7.3}", milliseconds(percentile(&figures.latencies, percent))));
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory")]
    let megabytes = figures.resident as f64 / 1e6;
    let (rises, times) = (figures.latencies.len(), times.join(" "));
    let (busy, ready) = (figures.busy_share * 100.0, milliseconds(percentile(&figures.ready, 50)));
    say(format_args!("{name:<15} {program:<9} {rises:>6} {times} {megabytes:>6.1} MB {busy:>5.1} % {ready:>7.1}"));
    if figures.missing > 0 {
        say(format_args!("{:<15} {program}: {} alerts never arrived", "", figures.missing));
    }
}

/// Returns the least time that so many percent of the times do not exceed; zero of none.
fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    let rank = (times.len() * percent).div_ceil(100);
    times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn kernel() -> Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned())
}

fn load() -> Result<String> {
    Ok(fs::read_to_string("/proc/loadavg")?.split(' ').take(2).collect::<Vec<_>>().join(" "))
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
pub(crate) fn say(text: impl Display) {
    println!("{text}");
}

#[expect(clippy::print_stderr, reason = "the one place where a failure is told")]
pub(crate) fn complain(error: impl Display) {
    eprintln!("latency: {error}");
}
