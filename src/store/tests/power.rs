//! The power goes at any instant: what was acknowledged is there, and no number is used twice.
//!
//! A child process opens the store, appends, delivers and keeps states under load, on an ext4 of its own; its journal and
//! page cache are thrown away at a random instant (`EXT4_IOC_SHUTDOWN`), it is mounted again, and the store is opened. That
//! models a lost page cache; it does not model a card that lies about what it has written.
//!
//! `NATTVAKT_POWER_CUTS` sets how many cuts are made, one after the other on one store that grows old with them. Where no
//! such disk can be had (it needs root), the child is killed instead, and the test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use proptest::prelude::RngCore;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::ext4::Disk;
use super::not_tried::not_tried;
use super::*;

/// Tells the child which folder to use; without it the child's test does nothing.
const CHILD_FOLDER: &str = "NATTVAKT_POWER_TEST_FOLDER";

fn cuts() -> u32 {
    std::env::var("NATTVAKT_POWER_CUTS").map_or(50, |cuts| cuts.parse().unwrap())
}

/// Not a test of its own: what is cut off. Says what it does before it does it, and what it knows to be kept.
#[tokio::test]
async fn child_writes_under_load() {
    let Some(folder) = std::env::var_os(CHILD_FOLDER) else { return };
    let say = |words: String| {
        let mut out = std::io::stdout();
        writeln!(out, "\npower: {words}").and_then(|()| out.flush()).unwrap();
    };
    let (store, recovered) = start(Path::new(&folder));
    let recovered = recovered.await.unwrap();
    let first = recovered.sequence.0;
    say(format!("first {first}"));
    for sequence in first.. {
        say(format!("used {sequence}"));
        let state = Some(("bed-1", sequence.to_be_bytes().to_vec()));
        let receipts = [store.append(&alert(sequence), state), store.keep("bed-2", vec![1; 900])];
        store.journal(&alert(sequence).event);
        for receipt in receipts {
            receipt.await.unwrap();
        }
        say(format!("kept {sequence}"));
        if sequence % 3 == 0 {
            say(format!("delivered {sequence}"));
            store.delivered(delivered(sequence));
        }
        if sequence % 16 == 0 {
            // The engine gets what the log has.
            within(store.backlog(Some(Sequence(sequence)), 1)).await.unwrap();
        }
    }
}

/// What the child has said over all its lives.
#[derive(Default)]
struct Said {
    used: BTreeSet<u64>,
    kept: BTreeSet<u64>,
    delivered: BTreeSet<u64>,
    firsts: Vec<u64>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((_, words)) = line.split_once("power: ") else { return };
        let Some((word, number)) = words.split_once(' ') else { return };
        // The last line may have been cut off in the middle of its number.
        let Ok(number) = number.parse() else { return };
        match word {
            "first" => {
                assert!(self.used.last() < Some(&number), "{number} may have been used before");
                self.firsts.push(number);
            }
            "used" => drop(self.used.insert(number)),
            "kept" => drop(self.kept.insert(number)),
            "delivered" => drop(self.delivered.insert(number)),
            _ => {}
        }
    }

    /// Checks what is there after a cut; returns what waits.
    async fn check(&mut self, path: &Path, what: &str) {
        let (store, recovered) = open(path).await;
        assert_eq!(recovered.found, Found::Known, "{what}: {:?}", recovered.notes);
        assert!(self.used.last() < Some(&recovered.sequence.0), "{what}: a number would be used twice");
        let (mut found, mut last) = (BTreeMap::new(), None);
        loop {
            let page = within(store.backlog(last, 256)).await.unwrap();
            let Some(end) = page.last() else { break };
            last = Some(end.sequence);
            for one in page {
                assert_eq!(one, alert(one.sequence.0), "{what}");
                assert!(found.insert(one.sequence.0, one).is_none(), "{what}: one came twice");
            }
        }
        let missing: Vec<_> = self.kept.difference(&self.delivered).filter(|kept| !found.contains_key(kept)).collect();
        assert!(missing.is_empty(), "{what}: acknowledged and lost: {missing:?}; {:?}", recovered.notes);
        let unknown: Vec<_> = found.keys().filter(|sequence| !self.used.contains(sequence)).collect();
        assert!(unknown.is_empty(), "{what}: never given: {unknown:?}");
        if let Some(last) = self.kept.last() {
            let state = u64::from_be_bytes(recovered.states["bed-1"].as_slice().try_into().unwrap());
            assert!(state >= *last, "{what}: the state is older than its alert");
        }
        assert!(!path.join("store.corrupt-1").exists(), "{what}: {:?}", recovered.notes);
        // All are delivered now, so that the store does not only grow.
        for sequence in found.keys() {
            store.delivered(delivered(*sequence));
        }
        self.delivered.extend(found.keys());
        close(store).await;
    }
}

fn start_child(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::power::child_writes_under_load", "--nocapture"])
        .env(CHILD_FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "who reads the test's output must know what was tried")]
async fn what_was_acknowledged_survives_a_power_cut_at_any_instant() {
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::make(folder.path());
    if disk.is_none() {
        not_tried("no power is cut; the child is killed instead");
    }
    let path = folder.path().join("disk/nattvakt");
    let mut said = Said::default();
    // The first life is not cut short before it has begun.
    close(open(&path).await.0).await;
    if let Some(disk) = &disk {
        disk.sync();
    }
    for cut in 0..cuts() {
        let mut child = start_child(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // One in five is cut while it opens.
        let lines_before = usize::try_from(random.next_u64() % 150).unwrap();
        let micros = random.next_u64() % 3_000;
        let wait = if cut % 5 == 0 { micros * 20 } else { micros };
        if cut % 5 != 0 {
            lines.by_ref().filter(|line| line.contains("power: ")).take(lines_before).for_each(|l| said.hear(&l));
        }
        std::thread::sleep(Duration::from_micros(wait));
        if let Some(disk) = &disk {
            disk.cut();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        lines.for_each(|line| said.hear(&line));
        if let Some(disk) = &disk {
            disk.mount_again();
        }
        said.check(&path, &format!("cut {cut}, after {lines_before} lines and {wait} us")).await;
    }
    eprintln!("{} cuts, {} acknowledged, none lost, {} starts", cuts(), said.kept.len(), said.firsts.len());
}
