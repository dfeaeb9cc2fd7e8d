//! Damage at random, by seed, in every file of the store: it always opens, takes alerts, says what happened, and has every
//! alert that can be read.
//!
//! `NATTVAKT_DAMAGE` sets how many cases are tried; from 100 on it is also counted what would be left without the log.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::RngCore;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::super::frames::Frame;
use super::super::log::Log;
use super::*;

/// Alerts 1 to 40 are delivered, the others wait; the last 20 lie in the log only.
const DELIVERED: u64 = 40;
const WAITING: u64 = 400;
const IN_LOG_ONLY: u64 = 20;
const LAST: u64 = DELIVERED + WAITING + IN_LOG_ONLY;

fn cases() -> u32 {
    std::env::var("NATTVAKT_DAMAGE").map_or(50, |cases| cases.parse().unwrap())
}

/// Makes a store as a home has it in the middle of an outage.
async fn make(path: &Path) {
    for part in 0..4 {
        let (store, _) = open(path).await;
        let first = part * (DELIVERED + WAITING) / 4 + 1;
        let state = Some(("bed-1", vec![7; 700]));
        let receipts: Vec<_> = (first..first + (DELIVERED + WAITING) / 4)
            .map(|sequence| store.append(&alert(sequence), state.clone()))
            .collect();
        for receipt in receipts {
            within(receipt).await.unwrap();
        }
        (first..first + 100).for_each(|sequence| store.journal(&alert(sequence).event));
        (1..=DELIVERED).filter(|_| part == 2).for_each(|sequence| store.delivered(delivered(sequence)));
        close(store).await;
    }
    let mut ledger = open_ledger(path);
    (LAST - IN_LOG_ONLY + 1..=LAST).for_each(|sequence| keep(&mut ledger, &alert(sequence)));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
    fs::create_dir_all(to.join("store/blobs")).unwrap();
}

struct Dice(TestRng);

impl Dice {
    fn of(case: u32) -> Self {
        let seed: [u8; 32] = std::array::from_fn(|index| case.to_le_bytes()[index % 4] ^ u8::try_from(index).unwrap());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }

    fn below(&mut self, below: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(below.max(1)).unwrap()).unwrap()
    }
}

/// Damages a file and says how.
fn damage(file: &Path, dice: &mut Dice) -> String {
    let mut bytes = fs::read(file).unwrap();
    let (at, kind) = (dice.below(bytes.len()), dice.below(8));
    let page = at / 4096 * 4096..(at / 4096 * 4096 + 4096).min(bytes.len());
    match kind {
        _ if bytes.is_empty() => bytes = vec![0xff; 100],
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => (0..20).for_each(|_| {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
        }),
        2 => bytes[page].fill(0),
        3 => dice.0.fill_bytes(&mut bytes[page]),
        // Torn: the second half of a page has what lay elsewhere.
        4 => {
            let from = dice.below(bytes.len() / 512) * 512;
            let (to, half) = (page.start + page.len() / 2, page.len() / 2);
            let half = half.min(bytes.len() - from).min(bytes.len() - to);
            bytes.copy_within(from..from + half, to);
        }
        5 => bytes.truncate(at),
        6 => dice.0.fill_bytes(&mut bytes),
        _ => bytes.clear(),
    }
    fs::write(file, bytes).unwrap();
    format!("damage {kind} at {at} of {}", file.display())
}

/// The alerts that wait of which the log still has a sound frame.
fn readable_in_log(path: &Path) -> BTreeSet<u64> {
    let Ok(log) = Log::open(path.join("outbox")) else { return BTreeSet::new() };
    let frames = log.closed().flat_map(|number| log.read(number).frames);
    let sequence = |(_, frame)| match frame {
        Frame::Alert { sequence, .. } => Some(sequence),
        Frame::State { .. } | Frame::Done(_) => None,
    };
    frames.filter_map(sequence).filter(|sequence| *sequence > DELIVERED).collect()
}

/// Opens and returns what waits once all that was put aside has been read.
async fn opened(path: &Path, what: &str) -> (BTreeSet<u64>, Health) {
    let (store, _) = open(path).await;
    if path.join("store.corrupt-1").exists() {
        until(&store, |health| health.notes.iter().any(|note| note.contains("taken over from the"))).await;
    }
    within(store.append(&alert(10_000), None)).await.unwrap();
    let mut all: BTreeSet<u64> = backlog(&store, 256).await.into_iter().collect();
    assert!(all.remove(&10_000), "{what}");
    let health = store.health().borrow().clone();
    close(store).await;
    (all, health)
}

#[derive(Debug, Default)]
struct Tally {
    cases: u32,
    put_aside: u32,
    told: u32,
    lost: usize,
    came_twice: usize,
    /// The same damage to one file, tried without the log: alerts that waited, and how many of them were lost with
    /// nothing but a new store in place of a damaged one, and with what was salvaged from that.
    without_log: usize,
    lost_without_log: usize,
    lost_with_salvage: usize,
}

impl Tally {
    async fn try_case(&mut self, template: &Path, case: u32) {
        let (folder, mut dice) = (tempfile::tempdir().unwrap(), Dice::of(case));
        copy(template, folder.path());
        let all = files(folder.path());
        let data: Vec<PathBuf> = all.iter().filter(|file| file.ends_with("store/db")).cloned().collect();
        let several = case % 5 == 4;
        let count = if several { 3 } else { 1 };
        let what: Vec<String> = (0..count)
            .map(|_| {
                let file = if dice.below(3) == 0 { &data[0] } else { &all[dice.below(all.len())] };
                damage(file, &mut dice)
            })
            .collect();
        let what = format!("case {case}: {}", what.join(", "));
        let (wrecked, in_log) = (tempfile::tempdir().unwrap(), readable_in_log(folder.path()));
        copy(folder.path(), wrecked.path());

        let (found, health) = opened(folder.path(), &what).await;
        let waiting: BTreeSet<u64> = (DELIVERED + 1..=LAST).collect();
        let lost: Vec<_> = waiting.difference(&found).collect();
        self.cases += 1;
        self.put_aside += u32::from(folder.path().join("store.corrupt-1").exists());
        self.told += u32::from(!health.notes.is_empty());
        self.lost += lost.len();
        self.came_twice += found.difference(&waiting).count();
        assert!(in_log.is_subset(&found), "{what}: what the log has must be found; {:?}", health.notes);
        let lay_twice = |sequence: &u64| *sequence <= LAST - IN_LOG_ONLY;
        assert!(several || !lost.iter().any(|sequence| lay_twice(sequence)), "{what}: {lost:?}; {:?}", health.notes);
        // Zeros at the end of the log say nothing: so looks what was never written.
        let tellable = !what.contains("damage 2");
        assert!(lost.is_empty() || !health.notes.is_empty() || !tellable, "{what}: a loss that nobody is told of");
        if cases() >= 100 && !several {
            self.try_without_log(wrecked.path(), &what).await;
        }
    }

    async fn try_without_log(&mut self, path: &Path, what: &str) {
        fs::remove_dir_all(path.join("outbox")).unwrap();
        let (found, _) = opened(path, what).await;
        let waiting = DELIVERED + 1..=LAST - IN_LOG_ONLY;
        let lost = waiting.filter(|sequence| !found.contains(sequence)).count();
        let all = usize::try_from(WAITING).unwrap();
        self.without_log += all;
        self.lost_without_log += if path.join("store.corrupt-1").exists() { all } else { lost };
        self.lost_with_salvage += lost;
    }
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the figures are for docs/reliability.md")]
async fn whatever_is_damaged_the_store_opens_and_has_every_alert_that_can_be_read() {
    let template = tempfile::tempdir().unwrap();
    make(template.path()).await;
    let mut tally = Tally::default();
    for case in 0..cases() {
        tally.try_case(template.path(), case).await;
    }
    eprintln!("{tally:#?}");
}
