//! What happens in one night, drawn by seed: what the residents do, and what befalls everything else. Nothing here knows
//! the gateway.

use std::time::Duration;

use crate::dispatch::queue::HELD_MAX;
use crate::dispatch::{Delivery, Order};
use crate::model::Moment;
use crate::simulate::rng::Rng;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// Things happen for so long …
pub(super) const NIGHT: Duration = Duration::from_secs(7 * 3600);

/// … and then all is well for so long: longer than any wait of a channel that was wrong, twice.
const CALM: Duration = Duration::from_secs(90 * 60);

/// The beds: a mat with a level at a port, and a contact behind a broker.
pub(super) const BEDS: usize = 2;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happening {
    Lies(usize),
    Leaves(usize),
    Mat(usize, Way),
    /// The broker is there or away.
    Broker(bool),
    Disk(Disk),
    Service(usize, Service),
    /// So far the wall clock is off, and whether a time service keeps it.
    Clock(i64, bool),
    Stops(Stop),
    Starts,
}

/// How a mat can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Heard,
    Silent,
    Unplugged,
}

/// How the disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    Sound,
    Slow,
    Hangs,
    Fails,
}

/// How a channel's other end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Well,
    Slow,
    Refuses,
    BlackHole,
    Busy,
    WebPage,
    Wrong,
    /// Takes what comes, and its answers are lost.
    Deaf,
    /// Takes some and refuses others, always the same.
    Picky,
}

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Kill,
    /// The machine boots anew, without a clock of its own.
    PowerCut,
    Term,
}

/// What a kill lies in wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    Raised,
    Departed,
    Arrived,
    Answered,
    Writing,
    Written,
    Started,
}

/// A kill that comes so soon after its cue, once something has come after `from`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ambush {
    pub(super) from: Moment,
    pub(super) cue: Cue,
    pub(super) after: Duration,
    pub(super) down: Duration,
    pub(super) stop: Stop,
}

/// A night.
pub(super) struct Script {
    pub(super) delivery: Delivery,
    pub(super) channels: usize,
    /// The most alerts in the queue's memory.
    pub(super) held_max: usize,
    pub(super) confirm: Option<Duration>,
    /// In order of time.
    pub(super) happenings: Vec<(Moment, Happening)>,
    pub(super) ambushes: Vec<Ambush>,
    pub(super) ends: Moment,
}

pub(super) fn at(after: Duration) -> Moment {
    Moment::default() + after
}

struct Writer {
    rng: Rng,
    happenings: Vec<(Moment, Happening)>,
}

impl Script {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::stream(seed, "night");
        let order = if rng.chance(0.3) { Order::All } else { Order::Fallback };
        let channels = rng.pick(&[(5.0, 1), (3.0, 2), (1.0, 3)]).unwrap();
        let held_max = rng.pick(&[(3.0, HELD_MAX), (1.0, 40)]).unwrap();
        let confirm = rng.pick(&[(1.0, None), (1.0, Some(SECOND * 3)), (1.0, Some(Duration::ZERO))]).unwrap();
        let delivery = Delivery { order, ..Delivery::default() };
        let mut writer = Writer { rng, happenings: Vec::new() };
        (0..BEDS).for_each(|bed| writer.resident(bed));
        writer.ways_in();
        (0..channels).for_each(|channel| writer.service(channel));
        writer.disk();
        writer.clock();
        writer.stops();
        let ambushes = writer.ambushes();
        let mut happenings = writer.happenings;
        happenings.sort_by_key(|(moment, _)| *moment);
        Self { delivery, channels, held_max, confirm, happenings, ambushes, ends: at(NIGHT + CALM) }
    }
}

impl Writer {
    fn add(&mut self, after: Duration, happening: Happening) {
        self.happenings.push((at(after), happening));
    }

    fn within(&mut self, low: f64, high: f64) -> Duration {
        Duration::from_secs_f64(self.rng.between(low, high))
    }

    /// A span somewhere in the night: most are short, some are long.
    fn span(&mut self) -> (Duration, Duration) {
        let begins = self.within(60.0, NIGHT.as_secs_f64() - 60.0);
        let (low, high) = self.rng.pick(&[(3.0, (1.0, 30.0)), (3.0, (30.0, 600.0)), (1.0, (600.0, 9_000.0))]).unwrap();
        (begins, (begins + self.within(low, high)).min(NIGHT))
    }

    fn times(&mut self) -> usize {
        self.rng.pick(&[(3.0, 0), (3.0, 1), (2.0, 3), (1.0, 6)]).unwrap()
    }

    /// In bed and out again, at last in bed.
    fn resident(&mut self, bed: usize) {
        let mut now = self.within(20.0, 1_200.0);
        loop {
            self.add(now, Happening::Lies(bed));
            let low = self.rng.pick(&[(2.0, 70.0), (1.0, 20.0)]).unwrap();
            now += Duration::from_secs_f64(low + self.rng.wait(1_500.0));
            if now + SECOND * 3_600 > NIGHT {
                return;
            }
            self.add(now, Happening::Leaves(bed));
            let away = self.rng.pick(&[(5.0, (60.0, 400.0)), (2.0, (14.0, 60.0)), (1.0, (1_000.0, 3_500.0))]).unwrap();
            now += self.within(away.0, away.1);
        }
    }

    fn ways_in(&mut self) {
        for bed in 0..BEDS {
            for _ in 0..self.times() {
                let way = self.rng.pick(&[(1.0, Way::Silent), (1.0, Way::Unplugged)]).unwrap();
                let (begins, ends) = self.span();
                self.add(begins, Happening::Mat(bed, way));
                self.add(ends, Happening::Mat(bed, Way::Heard));
            }
        }
        for _ in 0..self.times() {
            let (begins, ends) = self.span();
            self.add(begins, Happening::Broker(false));
            self.add(ends, Happening::Broker(true));
        }
    }

    fn service(&mut self, channel: usize) {
        use Service::{BlackHole, Busy, Deaf, Picky, Refuses, Slow, WebPage, Wrong};
        for _ in 0..self.times() * 2 {
            let all = [Slow, Refuses, BlackHole, Busy, WebPage, Wrong, Deaf, Picky];
            let service = self.rng.pick(&all.map(|service| (1.0, service))).unwrap();
            let (begins, ends) = self.span();
            self.add(begins, Happening::Service(channel, service));
            self.add(ends, Happening::Service(channel, Service::Well));
        }
    }

    fn disk(&mut self) {
        for _ in 0..self.times() {
            let disk = self.rng.pick(&[(1.0, Disk::Slow), (1.0, Disk::Hangs), (1.0, Disk::Fails)]).unwrap();
            let (begins, ends) = self.span();
            self.add(begins, Happening::Disk(disk));
            self.add(ends, Happening::Disk(Disk::Sound));
        }
    }

    fn clock(&mut self) {
        for _ in 0..self.times() {
            let (begins, ends) = self.span();
            let off = self.rng.between(-30_000.0, 30_000.0);
            #[expect(clippy::cast_possible_truncation, reason = "hours in seconds")]
            self.add(begins, Happening::Clock(off as i64, false));
            self.add(ends, Happening::Clock(0, true));
        }
        self.add(NIGHT, Happening::Clock(0, true));
    }

    fn stops(&mut self) {
        for _ in 0..self.times() {
            let (begins, ends) = self.span();
            let stop = self.stop();
            self.add(begins, Happening::Stops(stop));
            self.add(ends.min(begins + SECOND * 900), Happening::Starts);
        }
        self.add(NIGHT, Happening::Starts);
    }

    fn stop(&mut self) -> Stop {
        self.rng.pick(&[(2.0, Stop::Kill), (2.0, Stop::PowerCut), (1.0, Stop::Term)]).unwrap()
    }

    fn ambushes(&mut self) -> Vec<Ambush> {
        use Cue::{Answered, Arrived, Departed, Raised, Started, Writing, Written};
        let mut all: Vec<_> = (0..self.times() * 2)
            .map(|_| {
                let cues = [Raised, Departed, Arrived, Answered, Writing, Written, Started];
                let delays = [0, 1, 5, 30, 1_000, 10_000].map(|millis| (1.0, Duration::from_millis(millis)));
                Ambush {
                    from: at(self.within(0.0, NIGHT.as_secs_f64() - 600.0)),
                    cue: self.rng.pick(&cues.map(|cue| (1.0, cue))).unwrap(),
                    after: self.rng.pick(&delays).unwrap(),
                    down: self.within(0.5, 200.0),
                    stop: self.stop(),
                }
            })
            .collect();
        all.sort_by_key(|ambush| std::cmp::Reverse(ambush.from));
        all
    }
}
