//! What a gateway writes to its card: the whole program on an ext4 of its own, in real time.
//!
//! `NATTVAKT_WEAR` sets for how many minutes each of three homes is watched: an ordinary night, one with alarms, one
//! without dispatch. From 31 on the state is in it that is noted twice an hour while somebody is in bed. What comes of it
//! for nights, weeks and cards is printed with its arithmetic; the figures are for docs/reliability.md.

use std::time::{Duration, Instant};

use crate::disk::home_on;
use crate::dispatch::{Answer, Dispatch};
use crate::ext4::Disk;
use crate::rig::{Bed, Daemon, EMPTY, Home, Mat, OCCUPIED, channel, wait_for_all};

/// What waits for others in the store goes to the disk within a minute.
const A_MINUTE_LATER: Duration = Duration::from_secs(65);

const HOURS_A_NIGHT: f64 = 10.0;

/// One home on a disk of its own.
struct Card {
    home: Home,
    mat: Mat,
    dispatch: Dispatch,
    disk: Disk,
    daemon: Daemon,
    /// What was written until she was in bed, a minute after the first start.
    start: u64,
    written: u64,
}

impl Card {
    fn new(settles: Duration) -> Option<Self> {
        let (home, mat, dispatch, disk) = home_on(|home| Disk::make(&home.path("")))?;
        let channel = channel(dispatch.url(), "").replace("\"off\"", "\"1min\"");
        home.configure(&[Bed::serial("bed-1", mat.port())], &[channel]);
        disk.sync();
        let before = disk.bytes_written();
        mat.lies();
        let daemon = Daemon::start(&home);
        daemon.wait_decided("bed-1", "in-bed");
        let mut card = Self { home, mat, dispatch, disk, daemon, start: 0, written: before };
        card.lasts(OCCUPIED, settles);
        card.start = card.more();
        Some(card)
    }

    /// She lies or is away for so long, and breathes.
    fn lasts(&self, load: f64, time: Duration) {
        let end = Instant::now() + time;
        let mut breath = 0.0;
        while Instant::now() < end {
            breath = if breath > 2.0 { -2.0 } else { breath + 0.7 };
            self.mat.shows(&[load + breath]);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Returns how many bytes have reached the device since this was last asked.
    fn more(&mut self) -> u64 {
        self.disk.sync();
        let now = self.disk.bytes_written();
        now - std::mem::replace(&mut self.written, now)
    }

    /// She leaves and comes back `times` times, with so long between.
    fn gets_up(&mut self, times: usize, between: Duration) -> u64 {
        for _ in 0..times {
            self.mat.leaves();
            self.lasts(EMPTY, between);
            self.mat.lies();
            self.lasts(OCCUPIED, between);
        }
        wait_for_all(&self.dispatch, "bed-1", "rise", times);
        self.more()
    }

    fn end(self) {
        assert!(self.daemon.terminate().success());
        drop(self.home);
    }
}

#[test]
fn an_alarm_and_its_return_write_little() {
    let Some(mut card) = Card::new(Duration::ZERO) else { return };
    let written = card.start + card.gets_up(1, Duration::ZERO);
    card.end();
    assert!(written < 2 << 20, "{written} bytes from the first start to the return");
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "bytes of a week")]
fn what_a_night_writes_to_the_card_is_measured() {
    let Some(minutes) = std::env::var("NATTVAKT_WEAR").ok().map(|minutes| minutes.parse::<u32>().unwrap()) else {
        return;
    };
    let time = Duration::from_secs(60) * minutes;
    let times = |span: Duration| usize::try_from(time.as_secs() / span.as_secs()).unwrap();
    let home = |live: &dyn Fn(&mut Card) -> (usize, u64)| {
        let mut card = Card::new(A_MINUTE_LATER)?;
        let (count, written) = live(&mut card);
        let start = card.start;
        card.end();
        Some((start, count, written))
    };
    let quiet = || {
        home(&|card: &mut Card| {
            card.lasts(OCCUPIED, time);
            (0, card.more())
        })
    };
    let alarms = || {
        let count = times(A_MINUTE_LATER * 2);
        home(&|card: &mut Card| (count, card.gets_up(count, A_MINUTE_LATER)))
    };
    let outage = || {
        let count = times(Duration::from_secs(60));
        home(&|card: &mut Card| {
            card.dispatch.otherwise(Answer::status(503));
            (count, card.gets_up(count, Duration::from_secs(30)))
        })
    };
    let all = std::thread::scope(|scope| {
        let homes = [scope.spawn(quiet), scope.spawn(alarms), scope.spawn(outage)];
        homes.map(|home| home.join().unwrap())
    });
    let [Some((start, _, quiet)), Some((_, alarms, told)), Some((_, waiting, kept))] = all else { return };
    // Nothing is written but what is noted twice an hour.
    let hour = quiet as f64 / f64::from((minutes / 30).max(1)) * 2.0;
    let (alarm, minute) = (told as f64 / alarms as f64, kept as f64 / waiting as f64);
    let night = hour * HOURS_A_NIGHT;
    eprintln!("first start, and a minute in bed: {start} bytes");
    eprintln!("{minutes} min in bed: {quiet} bytes, {hour:.0} an hour");
    eprintln!("{alarms} alarms with returns, each a minute apart: {told} bytes, {alarm:.0} for both");
    eprintln!("{waiting} min without dispatch, an alarm and a return each: {kept} bytes, {minute:.0} a minute");
    let written = [
        ("an ordinary night (10 h in bed)", night, 1.0),
        ("a night with 20 alarms", night + 20.0 * alarm, 1.0),
        ("a week without network, an alarm a minute", minute * 60.0 * 168.0, 7.0),
    ];
    for (what, bytes, days) in written {
        // 8 GB that bear 500 rewrites, with a write amplification of 20.
        let years = 8e9 * 500.0 / 20.0 / (bytes / days) / 365.0;
        eprintln!("{what}: {:.2} MB; a card of 8 GB bears such days for {years:.0} years", bytes / 1e6);
    }
}
