//! A town of gateways after the same power cut, and after an outage of dispatch itself: how many requests a second reach
//! dispatch. A simulation with the real queue and the real policy; everything else is drawn by seed.
//!
//! In small with the other tests. In full, with the figures on stdout: `tests/long storm`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::Outcome;
use super::policy;
use super::queue::{Attempt, Queue, Ticket};
use super::settings::Delivery;
use crate::model::{Alert, AlertId, Event, GatewayFault, Kind, MatFault, Moment, Now, Priority, Sequence};

const SECOND: Duration = Duration::from_secs(1);

/// How long dispatch takes to answer.
const ANSWERS_AFTER: Duration = Duration::from_millis(100);

const HEARTBEAT: Duration = Duration::from_secs(60);

/// How long the simulation runs.
const SECONDS: usize = 600;

/// A small generator (SplitMix64): the same seed gives the same town.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn uniform(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap()
    }

    fn within(&mut self, span: Duration) -> Duration {
        span.mul_f64(f64::from(self.uniform()) / f64::from(u32::MAX))
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.next() % count == 0
    }
}

/// What befalls the town.
#[derive(Debug, Clone, Copy)]
struct Scene {
    /// The gateways lose power and boot; otherwise they run all the time, and dispatch is away.
    power_cut: bool,
    /// What is no alarm is spread, as the policy has it.
    spread: bool,
    /// From then on dispatch is there.
    dispatch_from: Duration,
    /// How many requests dispatch takes in a second; to the others it says 503.
    capacity: u32,
}

struct Gateway {
    queue: Queue,
    calm: Moment,
    beat: Moment,
    wake: Option<Moment>,
    sequence: u64,
}

/// What happens next, to which gateway.
enum Happens {
    Boots,
    Wakes,
    Answer { ticket: Ticket, accepted: bool, alarm: bool },
    BeatAnswered(bool),
}

/// Requests a second, and when the last alarm and the last alert were accepted.
#[derive(Debug)]
struct Figures {
    requests: Vec<u32>,
    refused: u32,
    alarms_done: Duration,
    all_done: Duration,
    waiting: usize,
}

struct Town {
    scene: Scene,
    rng: Rng,
    gateways: Vec<Gateway>,
    events: BinaryHeap<Reverse<(Moment, usize, usize)>>,
    happenings: Vec<Option<Happens>>,
    figures: Figures,
}

fn now(moment: Moment) -> Now {
    let start = Now::recorded("2026-01-15T03:00:00Z".parse().unwrap());
    Now {
        moment,
        utc: start.utc.saturating_add(jiff::SignedDuration::from_nanos(moment.as_nanos())).unwrap(),
        trusted: true,
    }
}

fn since_start(moment: Moment) -> Duration {
    moment.since(Moment::default())
}

impl Town {
    fn new(count: usize, seed: u64, scene: Scene) -> Self {
        let gateway = |_| Gateway {
            queue: Queue::new(Delivery::default(), ["dispatch"]),
            calm: Moment::default(),
            beat: Moment::default(),
            wake: None,
            sequence: 0,
        };
        let requests = vec![0; SECONDS + 60];
        let (done, waiting) = (Duration::ZERO, 0);
        let mut town = Self {
            scene,
            rng: Rng(seed),
            gateways: (0..count).map(gateway).collect(),
            events: BinaryHeap::new(),
            happenings: Vec::new(),
            figures: Figures { requests, refused: 0, alarms_done: done, all_done: done, waiting },
        };
        for index in 0..count {
            // Boxes of one kind boot alike; without a power cut each has its own rhythm.
            let spread = if scene.power_cut { SECOND * 3 } else { HEARTBEAT };
            let at = Moment::default() + town.rng.within(spread);
            town.plan(at, index, Happens::Boots);
        }
        town
    }

    fn plan(&mut self, at: Moment, gateway: usize, happens: Happens) {
        self.events.push(Reverse((at, self.happenings.len(), gateway)));
        self.happenings.push(Some(happens));
    }

    fn run(mut self) -> Figures {
        let end = Moment::default() + SECOND * u32::try_from(SECONDS).unwrap();
        while let Some(Reverse((at, number, gateway))) = self.events.pop() {
            if at > end {
                break;
            }
            match self.happenings[number].take() {
                Some(Happens::Boots) => self.boot(gateway, at),
                Some(Happens::Answer { ticket, accepted, alarm }) => {
                    self.answer(gateway, ticket, (accepted, alarm), at);
                }
                Some(Happens::BeatAnswered(accepted)) => self.beat_answered(gateway, accepted, at),
                // It was called earlier meanwhile.
                Some(Happens::Wakes) if self.gateways[gateway].wake != Some(at) => continue,
                Some(Happens::Wakes) => self.gateways[gateway].wake = None,
                None => {}
            }
            self.pump(gateway, at);
        }
        self.figures.waiting = self.gateways.iter().map(|gateway| gateway.queue.waiting()).sum();
        self.figures
    }

    fn raise(&mut self, gateway: usize, kind: Kind, at: Moment, recovered: bool) {
        let id = AlertId::from_entropy(u128::from(self.rng.next()) << 64 | u128::from(self.rng.next()));
        let home = &mut self.gateways[gateway];
        home.sequence += 1;
        let (sequence, priority, now) = (Sequence(home.sequence), kind.priority(), now(at));
        let may_wait = self.scene.power_cut && policy::may_be_spread(&kind, priority);
        let bed = kind.is_ended_by_return().then(|| "bed-1".parse().unwrap());
        let event = Event { bed, ..Event::of_gateway(kind, &now) };
        let alert = Alert { id, sequence, event, priority, text: String::new(), closes: Vec::new() };
        if recovered {
            home.queue.recovered(vec![alert], &now, home.calm);
        } else if may_wait && at < home.calm {
            home.queue.raise_later(alert, &now, home.calm);
        } else {
            home.queue.raise(alert, &now);
        }
    }

    /// What a gateway has to tell when it is there again; one home in fifty has an alarm.
    fn boot(&mut self, gateway: usize, at: Moment) {
        let spread = policy::spread(self.rng.uniform());
        let calm = if self.scene.spread && self.scene.power_cut { at + spread } else { at };
        (self.gateways[gateway].calm, self.gateways[gateway].beat) = (calm, calm);
        if self.scene.power_cut {
            self.raise(gateway, Kind::GatewayFault(GatewayFault::Broker), at, true);
            self.raise(gateway, Kind::Started { count: 1 }, at, false);
            self.raise(gateway, Kind::SensorFault(MatFault::Silent), at, false);
        } else {
            // An outage of the night: a few things happened in each home while nobody could be told.
            self.raise(gateway, Kind::Edge, at, false);
            self.raise(gateway, Kind::SensorFault(MatFault::Silent), at, false);
            self.raise(gateway, Kind::SensorRestored(MatFault::Silent), at, false);
        }
        if self.rng.one_in(50) {
            self.raise(gateway, Kind::Rise, at, false);
        }
    }

    fn pump(&mut self, gateway: usize, at: Moment) {
        while let Some(Attempt { ticket, priority, .. }) = self.gateways[gateway].queue.next_attempt(at) {
            let (accepted, alarm) = (self.request(at), priority == Priority::Alarm);
            self.plan(at + ANSWERS_AFTER, gateway, Happens::Answer { ticket, accepted, alarm });
        }
        if self.gateways[gateway].beat <= at {
            let accepted = self.request(at);
            self.gateways[gateway].beat = at + policy::heartbeat(HEARTBEAT, self.rng.uniform());
            self.plan(at + ANSWERS_AFTER, gateway, Happens::BeatAnswered(accepted));
        }
        while self.gateways[gateway].queue.next_report().is_some() {}
        let home = &mut self.gateways[gateway];
        let wake = home.queue.next_deadline(at).into_iter().chain([home.beat]).min().unwrap();
        if home.wake.is_none_or(|planned| wake < planned) {
            home.wake = Some(wake);
            self.plan(wake, gateway, Happens::Wakes);
        }
    }

    /// Counts a request; tells whether dispatch takes it.
    fn request(&mut self, at: Moment) -> bool {
        let second = usize::try_from(since_start(at).as_secs()).unwrap();
        let count = &mut self.figures.requests[second];
        *count += 1;
        let accepted = since_start(at) >= self.scene.dispatch_from && *count <= self.scene.capacity;
        self.figures.refused += u32::from(!accepted && since_start(at) >= self.scene.dispatch_from);
        accepted
    }

    fn answer(&mut self, gateway: usize, ticket: Ticket, (accepted, alarm): (bool, bool), at: Moment) {
        let outcome = if accepted { Outcome::Accepted { reference: None } } else { Outcome::try_again("503") };
        let random = self.rng.uniform();
        self.gateways[gateway].queue.on_outcome(ticket, outcome, &now(at), random);
        if accepted {
            self.figures.all_done = since_start(at);
            if alarm {
                self.figures.alarms_done = since_start(at);
            }
        }
    }

    fn beat_answered(&mut self, gateway: usize, accepted: bool, at: Moment) {
        let outcome = if accepted { Outcome::Accepted { reference: None } } else { Outcome::try_again("503") };
        let random = self.rng.uniform();
        let home = &mut self.gateways[gateway];
        home.queue.on_heartbeat(0, &outcome, at);
        if !accepted && !home.queue.is_down(0) {
            home.beat = home.beat.min(at + policy::heartbeat_again(HEARTBEAT, random));
        }
    }
}

impl Figures {
    fn peak(&self) -> u32 {
        self.requests.iter().copied().max().unwrap_or_default()
    }
}

/// Power is back for the whole town at one moment.
const CUT: Scene = Scene { power_cut: true, spread: true, dispatch_from: Duration::ZERO, capacity: u32::MAX };

fn town(count: usize, scene: Scene) -> Figures {
    Town::new(count, 1, scene).run()
}

#[test]
fn after_a_power_cut_what_is_no_alarm_is_spread() {
    let count = 500;
    let spread = town(count, CUT);
    let together = town(count, Scene { spread: false, ..CUT });
    assert_eq!((spread.waiting, together.waiting), (0, 0), "all has arrived");
    assert!(spread.peak() * 3 < together.peak(), "{} and {}", spread.peak(), together.peak());
    assert!(spread.alarms_done < Duration::from_secs(4), "alarms wait for nobody: {:?}", spread.alarms_done);
}

#[test]
fn a_dispatch_that_takes_less_than_what_comes_still_gets_all_of_it() {
    let away = Scene { power_cut: false, dispatch_from: SECOND * 120, capacity: 50, ..CUT };
    let figures = town(500, away);
    assert_eq!(figures.waiting, 0, "{figures:?}");
    assert!(figures.alarms_done <= figures.all_done);
}

/// The figures of docs/reliability.md, where `NATTVAKT_STORM` says how many gateways.
#[test]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
fn the_storm_in_full() {
    let Some(count) = std::env::var("NATTVAKT_STORM").ok().and_then(|count| count.parse().ok()) else { return };
    let back_after = Scene { power_cut: false, dispatch_from: SECOND * 120, ..CUT };
    for (name, scene) in [
        ("power cut", CUT),
        ("power cut, nothing spread", Scene { spread: false, ..CUT }),
        ("power cut, dispatch takes 500/s", Scene { capacity: 500, ..CUT }),
        ("dispatch away for 2 min", back_after),
        ("dispatch away for 2 min, then takes 500/s", Scene { capacity: 500, ..back_after }),
    ] {
        let figures = town(count, scene);
        let from = usize::try_from(scene.dispatch_from.as_secs()).unwrap();
        let after = &figures.requests[from..];
        println!("{name}: {count} gateways");
        println!("  requests in the busiest second: {}", after.iter().max().unwrap());
        println!(
            "  last alarm accepted after {:.1} s",
            (figures.alarms_done.saturating_sub(scene.dispatch_from)).as_secs_f64()
        );
        println!("  requests refused: {}; alerts waiting after 10 min: {}", figures.refused, figures.waiting);
        let bins: Vec<String> =
            after.chunks(10).take(12).map(|bin| (bin.iter().sum::<u32>() / 10).to_string()).collect();
        println!("  requests a second, each 10 s: {}", bins.join(" "));
    }
}
