//! `kill -9` again and again in one home that grows old with it, dispatch receiving over TLS all the while: every rise
//! arrives, under exactly one id, and no number is used for two alerts.
//!
//! `NATTVAKT_KILLS` sets how many kills, `NATTVAKT_KILLS_SEED` what is drawn for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use crate::dispatch::{Answer, Authority, Dispatch};
use crate::rig::{Bed, Daemon, Home, Mat, Told, channel, told_since, until, until_true};

/// When the kill comes.
#[derive(Debug, Clone, Copy)]
enum Cue {
    /// While she is in bed; she leaves while nobody watches.
    InBed,
    /// After the first low reading was written.
    Leaves,
    /// Once dispatch has the rise, before it answers.
    RiseUnanswered,
    /// Once dispatch has the rise and answers: before the answer, or between it and its note in the store.
    RiseAnswered,
    /// After the first reading that shows her in bed again.
    Returns,
    /// As with the rise.
    ReturnUnanswered,
    /// As with the rise.
    ReturnAnswered,
}

/// What is drawn more often is where most can go wrong.
const CUES: [Cue; 10] = [
    Cue::RiseAnswered,
    Cue::Leaves,
    Cue::RiseUnanswered,
    Cue::ReturnAnswered,
    Cue::InBed,
    Cue::RiseAnswered,
    Cue::Returns,
    Cue::Leaves,
    Cue::ReturnUnanswered,
    Cue::RiseAnswered,
];

/// A small generator (SplitMix64): the same seed gives the same instants, as far as the machine keeps to them.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn micros(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.below(most))
    }
}

fn drawn(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// A home in which one resident gets up and comes back.
struct Nights {
    home: Home,
    mat: Mat,
    dispatch: Dispatch,
    daemon: Option<Daemon>,
    rng: Rng,
    kills: u64,
    rises: BTreeSet<String>,
    _authority: Authority,
}

#[test]
fn every_rise_arrives_under_one_id_through_kills_at_any_instant() {
    let (kills, seed) = (drawn("NATTVAKT_KILLS", 50), drawn("NATTVAKT_KILLS_SEED", 1));
    eprintln!("kills: NATTVAKT_KILLS_SEED={seed}");
    let mut nights = Nights::new(seed);
    let mut absences = 0;
    for cue in CUES.iter().cycle() {
        nights.leave_and_return(*cue);
        absences += 1;
        if nights.kills >= kills {
            break;
        }
    }
    nights.check(absences);
    eprintln!(
        "{} kills, {absences} rises, each under one id; {} requests",
        nights.kills,
        told_since(&nights.dispatch, 0).len()
    );
}

impl Drop for Nights {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for told in told_since(&self.dispatch, 0).iter().rev().take(150).rev() {
                eprintln!("{} {} {} closes {:?}", told.sequence(), told.id(), told.kind(), told.closes());
            }
        }
    }
}

impl Nights {
    fn new(seed: u64) -> Self {
        let (home, mat, authority) = (Home::new(), Mat::new(), Authority::new());
        let dispatch = Dispatch::tls(authority.server("localhost"));
        let more = format!("ca-file = {:?}\nreceipt = true\n", authority.file());
        home.configure(&[Bed::serial("bed-1", mat.port())], &[channel(dispatch.url(), &more)]);
        mat.lies();
        let daemon = Some(Daemon::start(&home));
        let (rng, rises) = (Rng(seed), BTreeSet::new());
        let nights = Self { home, mat, dispatch, daemon, rng, kills: 0, rises, _authority: authority };
        nights.wait_in_bed_stored(None);
        nights
    }

    /// She leaves and comes back, with a kill and a restart on the way; then everybody knows that she is in bed.
    fn leave_and_return(&mut self, cue: Cue) {
        let before = told_since(&self.dispatch, 0).len();
        self.until_killed(cue, before);
        self.dispatch.otherwise(Answer::Receipt);
        let id_before = self.start_again();
        let is_new = |told: &Told| told.kind() == "rise" && !self.rises.contains(told.id());
        let rise =
            until(&format!("the rise ({cue:?})"), || told_since(&self.dispatch, before).into_iter().find(is_new));
        if matches!(cue, Cue::InBed | Cue::Leaves | Cue::RiseUnanswered | Cue::RiseAnswered) {
            // Back before the watch has seen that she is away, she would not have been away.
            self.mat.wait_read(self.daemon.as_ref().unwrap());
            self.mat.lies();
        }
        until_true(&format!("its return ({cue:?})"), || {
            let told = told_since(&self.dispatch, before);
            told.iter().any(|told| told.kind() == "return" && told.closes().contains(&rise.id()))
        });
        self.rises.insert(rise.id().to_owned());
        self.wait_in_bed_stored(id_before.as_deref());
    }

    fn until_killed(&mut self, cue: Cue, before: usize) {
        match cue {
            Cue::InBed => {
                self.kill(Duration::ZERO);
                self.mat.leaves();
            }
            Cue::Leaves => {
                self.mat.leaves();
                let wait = self.rng.micros(12_000);
                self.kill(wait);
            }
            Cue::RiseUnanswered | Cue::RiseAnswered => {
                if matches!(cue, Cue::RiseUnanswered) {
                    self.dispatch.otherwise(Answer::Hang);
                }
                self.mat.leaves();
                self.wait_came("rise", before);
                let wait = self.rng.micros(4_000);
                self.kill(wait);
            }
            Cue::Returns | Cue::ReturnUnanswered | Cue::ReturnAnswered => {
                let stored = self.stored_away();
                self.mat.leaves();
                self.wait_came("rise", before);
                // Of an absence that only dispatch knows nobody can tell the end.
                until_true("the store knows that she is away", || self.stored_away() > stored);
                if matches!(cue, Cue::ReturnUnanswered) {
                    self.dispatch.otherwise(Answer::Hang);
                }
                self.mat.lies();
                if !matches!(cue, Cue::Returns) {
                    self.wait_came("return", before);
                }
                let wait = self.rng.micros(4_000);
                self.kill(wait);
            }
        }
    }

    /// Waits until a new alert of this kind has come, and returns at once.
    fn wait_came(&self, kind: &str, before: usize) {
        let wanted = format!(r#""kind":"{kind}""#);
        // What comes again of earlier nights is not meant.
        let is_new = |body: &str| body.contains(&wanted) && !self.rises.iter().any(|id| body.contains(id.as_str()));
        self.dispatch.wait_until(|requests| requests[before..].iter().any(|request| is_new(&request.body)));
    }

    fn kill(&mut self, after: Duration) {
        std::thread::sleep(after);
        self.daemon.take().unwrap().kill();
        self.kills += 1;
    }

    /// Starts the daemon again; now and then it is killed while it starts. Returns the id of her next rise before.
    fn start_again(&mut self) -> Option<String> {
        while self.rng.below(4) == 0 {
            self.daemon = Some(Daemon::spawn(Daemon::command(&self.home)));
            let wait = self.rng.micros(250_000);
            self.kill(wait);
        }
        let id = self.stored_id();
        let daemon = Daemon::start(&self.home);
        // Where the store is late, the watch begins without what it knows.
        let told = |words: &str| daemon.log().iter().any(|line| line.contains(words));
        until_true("the store is open", || {
            let late = told("The store is not open yet");
            told("Store is open") && (!late || told("what it knew counts from here on"))
        });
        self.daemon = Some(daemon);
        id
    }

    /// The last two segments of the store's log; each start begins one.
    fn log(&self) -> Vec<u8> {
        let folder = self.home.path("store/outbox");
        let names = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut segments: Vec<_> = names.filter(|name| name.to_str().is_some_and(|name| name.len() == 10)).collect();
        segments.sort();
        let last = segments.iter().rev().take(2).rev();
        last.flat_map(|name| fs::read(folder.join(name)).unwrap_or_default()).collect()
    }

    /// The id of her next rise, as the store knows it: another one whenever she was seen to lie down.
    fn stored_id(&self) -> Option<String> {
        let (log, words) = (self.log(), br#""next-rise":""#);
        let at = log.windows(words.len()).rposition(|window| window == words)? + words.len();
        Some(String::from_utf8_lossy(&log[at..at + 16]).into_owned())
    }

    /// Waits until the store knows that she is in bed again.
    fn wait_in_bed_stored(&self, id_before: Option<&str>) {
        until_true("the store knows that she is in bed", || {
            let id = self.stored_id();
            id.is_some() && id.as_deref() != id_before
        });
    }

    /// How often the store's log says that she is away.
    fn stored_away(&self) -> usize {
        let words = br#""state":"empty""#;
        self.log().windows(words.len()).filter(|window| window == words).count()
    }

    fn check(&self, absences: usize) {
        let told = told_since(&self.dispatch, 0);
        let ids: BTreeSet<&str> = told.iter().filter(|told| told.kind() == "rise").map(Told::id).collect();
        assert_eq!(ids.len(), absences, "one id a rise");
        let mut numbers = BTreeMap::new();
        for told in &told {
            let id = *numbers.entry(told.sequence()).or_insert_with(|| told.id());
            assert_eq!(id, told.id(), "two alerts with the number {}", told.sequence());
        }
        // What a kill in mid-opening leaves behind is mended and told.
        let mended = |told: &&Told| told.fault() == "store" && told.body.to_string().contains("nothing was lost");
        let faults = told.iter().filter(mended).map(Told::id).collect::<BTreeSet<_>>();
        let expected = |told: &&Told| match told.kind() {
            "rise" | "return" | "started" => true,
            "gateway-fault" => faults.contains(told.id()),
            "gateway-restored" => told.closes().iter().all(|id| faults.contains(id)),
            _ => false,
        };
        let strange = told.iter().find(|told| !expected(told));
        assert!(strange.is_none(), "{strange:#?}");
    }
}
