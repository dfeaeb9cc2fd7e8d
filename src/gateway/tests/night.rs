//! One night under a virtual clock: the real detector, ledger, queue, policy and what waits for the disk, joined as the
//! tasks join them; disk, dispatch, clock and mats are modelled.

mod disk;
mod told;
mod way_out;
mod ways_in;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::script::{Ambush, BEDS, Cue, Disk, Happening, NIGHT, SECOND, Script, Service, Stop, Way, at};
use super::truth::Truth;
use crate::clock::{ClockSource, Trust};
use crate::detect::{self, Alarm, Confirm, Detector, Sensitivity, Start};
use crate::dispatch::queue::{Queue, Ticket};
use crate::dispatch::{Outcome, policy};
use crate::gateway::bed::{BedState, state_key};
use crate::gateway::faults::Faults;
use crate::gateway::ledger::Ledger;
use crate::gateway::noting::ACCEPTED_KEY;
use crate::gateway::own::STATE_KEY;
use crate::gateway::returned;
use crate::model::schedule::Window;
use crate::model::{AlertId, GatewayFault, Kind, Moment, Now, Returns, Watch};
use crate::simulate::rng::Rng;
use crate::store::ByHand;

const CHANNELS: [&str; 3] = ["first", "second", "third"];
const HEARTBEAT: Duration = Duration::from_secs(60);
const LOOK_AFTER_EVERY: Duration = Duration::from_secs(30);
const BROKER_AWAY_AFTER: Duration = Duration::from_secs(30);
const DISK_ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// 1970, for a box without a clock of its own.
const NO_CLOCK: i64 = -1_800_000_000;

/// What survives a stop, and what is outside of the gateway.
pub(super) struct Night {
    script: Script,
    next: usize,
    rng: Rng,
    ids: Rng,
    now: Moment,
    clock: (i64, bool),
    store: ByHand,
    disk: Disk,
    write: Option<(Moment, bool)>,
    retry: Option<(Moment, u32)>,
    clean: Moment,
    services: Vec<Service>,
    mats: [Mat; BEDS],
    broker: bool,
    retained: Option<bool>,
    stopping: Option<(Moment, Stop, Duration)>,
    starting: Option<Moment>,
    life: Option<Life>,
    started_once: bool,
    truth: Truth,
    log: Option<Vec<String>>,
}

struct Mat {
    lies: bool,
    way: Way,
    next: Moment,
}

/// A running gateway.
struct Life {
    beds: Vec<Bed>,
    queue: Queue,
    on_the_way: Vec<OnTheWay>,
    beats: Vec<Moment>,
    calm: Moment,
    booted: bool,
    trust: Trust,
    next: u64,
    ledger: Ledger,
    faults: Faults,
    accepted: Vec<(AlertId, String)>,
    returns: Returns,
    /// Whether what waits in the store is wanted, and whether it has ever been read.
    fetch: bool,
    fetched: bool,
    look: Moment,
    broker_away: Option<Moment>,
    busy: Option<Moment>,
}

struct Bed {
    settings: detect::Settings,
    detector: Detector,
    ledger: Ledger,
}

/// An attempt or a heartbeat.
struct OnTheWay {
    ticket: Option<Ticket>,
    id: AlertId,
    channel: usize,
    arrives: Option<Moment>,
    answers: Moment,
    outcome: Outcome,
}

fn settings(bed: usize, confirm: Option<Duration>) -> detect::Settings {
    let zone = TimeZone::get("Europe/Stockholm").unwrap();
    let window = Window::new("20:00".parse().unwrap(), "08:00".parse().unwrap(), zone.clone()).unwrap();
    let contact = bed == 1;
    let level = |value| (!contact).then(|| vec![value]);
    detect::Settings {
        bed: format!("bed-{bed}").parse().unwrap(),
        watch: if contact { Watch::Window(window) } else { Watch::Always },
        zone,
        contact,
        zones: 1,
        range: (!contact).then_some((0.0, 4095.0)),
        invert: false,
        confirm: confirm.map_or(Confirm::Auto, Confirm::Fixed),
        settle: detect::settings::SETTLE_DEFAULT,
        edge_sensitivity: Sensitivity::Normal,
        empty: level(100.0),
        occupied: level(600.0),
        silent_after: None,
        alarm: Alarm::default(),
    }
}

impl Night {
    pub(super) fn new(seed: u64, with_log: bool) -> Self {
        let script = Script::new(seed);
        let mat = || Mat { lies: false, way: Way::Heard, next: at(SECOND) };
        Self {
            truth: Truth::new(script.delivery.order, script.channels),
            services: vec![Service::Well; script.channels],
            script,
            next: 0,
            rng: Rng::stream(seed, "chance"),
            ids: Rng::stream(seed, "ids"),
            now: Moment::default(),
            clock: (0, true),
            store: ByHand::default(),
            disk: Disk::Sound,
            write: None,
            retry: None,
            clean: Moment::default(),
            mats: [mat(), mat()],
            broker: true,
            retained: None,
            stopping: None,
            starting: Some(Moment::default()),
            life: None,
            started_once: false,
            log: with_log.then(Vec::new),
        }
    }

    /// Lets the night pass, and returns how many rises had to arrive and how many alerts there were.
    pub(super) fn pass(&mut self) -> (usize, usize) {
        while self.now < self.script.ends {
            self.step();
        }
        let life = self.life.as_ref().expect("it was started at the end");
        let left = self.store.backlog(None, 9);
        assert_eq!((life.queue.waiting(), left.as_slice()), (0, [].as_slice()), "something waits for ever");
        self.truth.end();
        (self.truth.rises, self.truth.alerts)
    }

    pub(super) fn log(&self) -> String {
        self.log.as_deref().unwrap_or_default().join("\n")
    }

    fn say(&mut self, words: impl FnOnce() -> String) {
        let seconds = self.now.since(Moment::default()).as_secs_f64();
        if let Some(log) = &mut self.log {
            log.push(format!("{seconds:10.3} {}", words()));
        }
    }

    fn now(&mut self) -> Now {
        let start: Timestamp = "2027-01-15T21:00:00Z".parse().unwrap();
        let after = SignedDuration::from_nanos(self.now.as_nanos()) + SignedDuration::from_secs(self.clock.0);
        let (moment, utc) = (self.now, start + after);
        let trusted = self.life.as_mut().is_some_and(|life| life.trust.look(moment, utc, self.clock.1));
        Now { moment, utc, trusted }
    }

    /// Goes to the next thing that happens, and lets it happen.
    fn step(&mut self) {
        self.now = self.next_moment().max(self.now).min(self.script.ends);
        while let Some(&(_, happening)) = self.script.happenings.get(self.next).filter(|(due, _)| *due <= self.now) {
            self.next += 1;
            self.happens(happening);
        }
        if self.starting.is_some_and(|due| due <= self.now) && matches!(self.disk, Disk::Sound | Disk::Slow) {
            self.start();
        }
        self.work_disk();
        (0..BEDS).for_each(|bed| self.work_bed(bed));
        self.work_dispatch();
        self.look_after();
        self.work_store();
        self.fetch();
        if let Some((_, stop, down)) = self.stopping.filter(|(due, ..)| *due <= self.now) {
            self.stop(stop);
            self.starting = Some(self.now + down);
        }
    }

    fn next_moment(&self) -> Moment {
        let scripted = self.script.happenings.get(self.next).map(|(due, _)| *due);
        let outside = [scripted, self.stopping.map(|(due, ..)| due), self.write.map(|(due, _)| due)];
        let starting = self.starting.filter(|_| matches!(self.disk, Disk::Sound | Disk::Slow));
        let life = self.life.iter().flat_map(|life| {
            let deadlines = life.beds.iter().filter_map(|bed| bed.detector.next_deadline());
            let ways = life.on_the_way.iter().map(|one| one.arrives.unwrap_or(one.answers));
            let store = self.store.due_at().filter(|due| *due > self.now);
            let retry = self.retry.map(|(due, _)| due).filter(|due| *due > self.now);
            let queue = life.queue.next_deadline(self.now);
            deadlines
                .chain(ways)
                .chain(life.beats.iter().copied())
                .chain([life.look])
                .chain(store)
                .chain(retry)
                .chain(queue)
        });
        let mats = self.mats.iter().map(|mat| mat.next);
        let all = outside.into_iter().flatten().chain(starting).chain(life).chain(mats);
        all.min().unwrap_or(self.script.ends)
    }

    fn happens(&mut self, happening: Happening) {
        self.say(|| format!("{happening:?}"));
        match happening {
            Happening::Lies(bed) | Happening::Leaves(bed) => {
                let lies = matches!(happening, Happening::Lies(_));
                self.mats[bed].lies = lies;
                if lies {
                    self.truth.lies(bed, self.now);
                } else {
                    self.truth.leaves(bed, self.now);
                }
                // It says so at once, and once more soon.
                self.read(bed);
                self.mats[bed].next = self.now + SECOND;
            }
            Happening::Mat(bed, way) => self.mat(bed, way),
            Happening::Broker(there) => self.broker(there),
            Happening::Disk(disk) => {
                self.disk = disk;
                if let (Disk::Sound | Disk::Slow, Some((due, _))) = (disk, &mut self.write) {
                    *due = (*due).min(self.now + Duration::from_millis(10));
                }
            }
            Happening::Service(channel, service) => self.services[channel] = service,
            Happening::Clock(off, synchronised) => self.clock = (off, synchronised),
            Happening::Stops(stop) => self.stop(stop),
            Happening::Starts if self.life.is_none() => self.starting = Some(self.now),
            Happening::Starts => {}
        }
    }

    fn start(&mut self) {
        self.starting = None;
        if self.life.is_some() {
            return;
        }
        let mut trust = Trust::new(ClockSource::Ntp);
        let utc = self.now().utc;
        trust.look(self.now, utc, self.clock.1);
        let (states, first) = self.store.open(utc);
        let read = |key: &str| states.get(key).map(|state| serde_json::from_slice::<serde_json::Value>(state).unwrap());
        let own: Ledger = read(STATE_KEY).map(|own| serde_json::from_value(own).unwrap()).unwrap_or_default();
        let accepted: Vec<(AlertId, String)> =
            read(ACCEPTED_KEY).map(|accepted| serde_json::from_value(accepted).unwrap()).unwrap_or_default();
        let mut queue = Queue::new(self.script.delivery, CHANNELS.into_iter().take(self.script.channels))
            .with_held_max(self.script.held_max);
        for (id, channel) in &accepted {
            queue.remember(*id, channel, self.now);
        }
        let states: BTreeMap<String, BedState> = (0..BEDS)
            .map(|bed| state_key(&settings(bed, None)))
            .filter_map(|key| Some((key.clone(), serde_json::from_value(read(&key)?).unwrap())))
            .collect();
        let mut returns = Returns::default();
        returns.recall(returned(&states));
        queue.recall_returns(returns.all());
        let unknown = if self.started_once { Start::Lost } else { Start::First };
        let booted = self.clock.0 == NO_CLOCK || !self.started_once;
        let calm = self.now + policy::spread(self.random());
        self.life = Some(Life {
            beds: Vec::new(),
            queue,
            on_the_way: Vec::new(),
            beats: vec![if booted { calm } else { self.now }; self.script.channels],
            calm,
            booted,
            trust,
            next: first.0,
            faults: Faults::remembered(own.open_faults().filter_map(GatewayFault::from_word)),
            ledger: own,
            accepted,
            returns,
            fetch: true,
            fetched: false,
            look: self.now,
            broker_away: None,
            busy: None,
        });
        self.started_once = true;
        let now = self.now();
        self.say(|| format!("started, numbers from {first}, {now:?}"));
        for bed in 0..BEDS {
            let settings = settings(bed, self.script.confirm);
            let state = states.get(&state_key(&settings)).cloned().unwrap_or_default();
            let start = state.memory.map_or(unknown.clone(), Start::Remembered);
            let detector = Detector::new(settings.clone(), &start, now);
            self.life.as_mut().unwrap().beds.push(Bed { settings, detector, ledger: state.ledger });
            self.follow_up(bed);
        }
        self.tell_own(Kind::Started { count: 1 }, &now);
        if self.rng.chance(0.3) {
            self.begin_fault(GatewayFault::Configuration, "file");
        } else {
            self.end(GatewayFault::Configuration, "file");
        }
        for bed in 0..BEDS {
            if self.mats[bed].way == Way::Unplugged {
                self.mat(bed, Way::Unplugged);
            }
        }
        self.broker(self.broker);
        self.cue(Cue::Started);
    }

    fn stop(&mut self, stop: Stop) {
        self.stopping = None;
        let Some(life) = self.life.take() else { return };
        if stop == Stop::Term {
            for bed in &life.beds {
                self.store.keep(&state_key(&bed.settings), state(bed, &life.returns));
            }
            while matches!(self.disk, Disk::Sound | Disk::Slow) && self.retry.is_none() {
                self.store.written();
                if !self.store.begin_writing(self.now) {
                    break;
                }
            }
        }
        // What is in the kernel's hands goes on its way: it arrives or it does not.
        for one in life.on_the_way {
            if one.ticket.is_some() && one.arrives.is_some() && self.rng.chance(0.5) {
                self.truth.arrives(one.id, one.channel);
            }
        }
        let pieces = self.rng.pick(&[(1.0, 0), (1.0, 1), (1.0, 2), (1.0, 3), (1.0, usize::MAX)]).unwrap();
        self.store.cut(pieces);
        (self.write, self.retry) = (None, None);
        let store = &self.store;
        self.truth.stopped(self.clean, |sequence| store.holds(sequence));
        if stop == Stop::PowerCut && self.now < at(NIGHT) && self.rng.chance(0.5) {
            self.clock = (NO_CLOCK, false);
            let after = self.rng.between(1.0, 1_800.0);
            let place = self.script.happenings[self.next..]
                .partition_point(|(due, _)| *due < self.now + Duration::from_secs_f64(after));
            let synchronised = (self.now + Duration::from_secs_f64(after), Happening::Clock(0, true));
            self.script.happenings.insert(self.next + place, synchronised);
        }
        self.say(|| format!("stopped: {stop:?}, {pieces} pieces written"));
    }

    /// Something has come that a kill may lie in wait for.
    fn cue(&mut self, cue: Cue) {
        let waits = self.script.ambushes.last().copied();
        let Some(Ambush { after, down, stop, .. }) =
            waits.filter(|ambush| ambush.from <= self.now && ambush.cue == cue)
        else {
            return;
        };
        self.script.ambushes.pop();
        if self.stopping.is_none() && self.now + SECOND * 300 < at(NIGHT) {
            self.stopping = Some((self.now + after, stop, down));
        }
    }

    fn random(&mut self) -> u32 {
        u32::try_from(self.rng.bits() >> 32).unwrap()
    }
}

fn state(bed: &Bed, returns: &Returns) -> Vec<u8> {
    let (memory, returned) = (Some(bed.detector.memory()), returns.of(&bed.settings.bed));
    serde_json::to_vec(&BedState { memory, ledger: bed.ledger.clone(), mat: None, returned }).unwrap()
}

fn draw(ids: &mut Rng) -> AlertId {
    AlertId::from_entropy(u128::from(ids.bits()) << 64 | u128::from(ids.bits()))
}
