//! A week without dispatch on the real store: memory, file size, start-up time and bytes written, and what one alert costs.
//!
//! `NATTVAKT_BACKLOG` sets how many alerts wait; the figures are for docs/reliability.md.

#![expect(clippy::print_stderr, reason = "the figures are what this is for")]

use std::fs;

use super::ext4::Disk;
use super::*;

/// From this many alerts on it is asserted that they do not fill the memory: fewer say nothing.
const TELLING: u64 = 20_000;

/// The memory may grow by this much from a quarter of the backlog to all of it, in KiB.
const GROWTH_KIB_MAX: u64 = 16 * 1024;

fn alerts_waiting() -> u64 {
    std::env::var("NATTVAKT_BACKLOG").map_or(3_000, |count| count.parse().unwrap())
}

/// Returns a number of a file of the kernel's about this process.
fn number_of(file: &str, word: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap();
    let line = text.lines().find(|line| line.starts_with(word)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn resident_kib() -> u64 {
    number_of("/proc/self/status", "VmRSS:")
}

fn written_kib() -> u64 {
    number_of("/proc/self/io", "write_bytes:") / 1024
}

#[tokio::test]
async fn memory_stays_flat_while_a_backlog_waits_and_drains() {
    let (folder, count) = (tempfile::tempdir().unwrap(), alerts_waiting());
    let (store, _) = open(folder.path()).await;
    let (before, mut quarter) = (resident_kib(), 0);
    for batch in 0..count.div_ceil(100) {
        let receipts: Vec<_> = (batch * 100 + 1..=batch * 100 + 100).map(|n| store.append(&alert(n), None)).collect();
        for receipt in receipts {
            within(receipt).await.unwrap();
        }
        if batch == count.div_ceil(400) {
            quarter = resident_kib();
        }
    }
    let (full, bytes, written) = (resident_kib(), store.health().borrow().bytes_on_disk, written_kib());
    eprintln!(
        "{count} wait: {before} KiB before, {quarter} at a quarter, {full} with all; {bytes} bytes on disk; {written} KiB written"
    );
    close(store).await;

    let clock = Clock::new(ClockSource::Rtc);
    let started = clock.now().moment;
    let (store, recovered) = open(folder.path()).await;
    let opened = clock.now().moment.since(started);
    assert_eq!((recovered.alerts.len(), recovered.notes), (256, vec![]));
    let mut last = None;
    loop {
        let page = within(store.backlog(last, 256)).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some(end.sequence);
        for one in &page {
            store.delivered(delivered(one.sequence.0));
        }
    }
    let drained = resident_kib();
    close(store).await;
    let (store, recovered) = open(folder.path()).await;
    let left = store.health().borrow().bytes_on_disk;
    eprintln!("opened in {opened:?}; {drained} KiB while draining; {left} bytes on disk afterwards");
    assert_eq!(recovered.alerts.len(), 0);
    assert!(
        count < TELLING || full.max(drained) < quarter + GROWTH_KIB_MAX,
        "{quarter} KiB, then {full} and {drained}"
    );
    close(store).await;
}

#[tokio::test]
async fn what_an_alert_costs_at_the_device_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::make(folder.path()) else { return };
    let (store, _) = open(&disk.path().join("nattvakt")).await;
    let state = |number: u64| Some(("bed-1", vec![u8::try_from(number % 200).unwrap(); 1_500]));
    // The first begins a segment.
    within(store.append(&alert(1), state(1))).await.unwrap();
    let kept =
        written_over(&disk, 20, async |number| within(store.append(&alert(number + 2), state(number))).await.unwrap());
    let kept = kept.await;
    let whole = written_over(&disk, 20, async |number| {
        store.journal(&alert(number + 100).event);
        within(store.append(&alert(number + 100), state(number))).await.unwrap();
        store.delivered(delivered(number + 100));
        // As the minute does that is over.
        within(store.backlog(None, 1)).await.unwrap();
    });
    let whole = whole.await;
    let path = disk.path().join("nattvakt");
    let mark = written_over(&disk, 10, async |_| numbers::draw(&store, &path, 1_001).await).await;
    eprintln!(
        "at the device: {kept} bytes to make an alert safe, {whole} with what comes of it a minute later; {mark} to \
         raise the mark of the numbers"
    );
    assert!(kept < 64 * 1024 && whole < 256 * 1024 && mark < 256 * 1024, "{kept}, {whole}, {mark}");
    close(store).await;
}

/// Returns how many bytes reach the device for each of so many.
async fn written_over(disk: &Disk, times: u64, mut act: impl AsyncFnMut(u64)) -> u64 {
    disk.sync();
    let before = disk.bytes_written();
    for number in 0..times {
        act(number).await;
    }
    disk.sync();
    (disk.bytes_written() - before) / times
}
