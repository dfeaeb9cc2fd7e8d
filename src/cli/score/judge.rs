//! Runs nights through the detector, several at a time, and has each judged.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use jiff::{SignedDuration, Timestamp};

use super::source::{Opened, Source};
use crate::cli::Failure;
use crate::cli::replay::drive;
use crate::detect::{Confirm, Settings};
use crate::model::{Event, Kind, MatFault};
use crate::simulate::score::{Heard, NightScore, What, score};
use crate::simulate::{Difficulty, Truth};

/// The most nights that are judged at the same time, however many processors there are.
const THREADS_MAX: usize = 32;

/// How nights are judged, and which.
pub(super) struct Plan {
    /// The configured bed, with the confirmation time that is judged.
    pub(super) settings: Settings,
    /// Whether levels come from the truth's installation day.
    pub(super) measured: bool,
    /// Only these levels; all where there is none.
    pub(super) levels: Vec<Difficulty>,
    /// Only these kinds of mats; all where there is none.
    pub(super) kinds: Vec<&'static str>,
    /// Readings a second at least.
    pub(super) min_rate: f64,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) scores: Vec<NightScore>,
    /// Nights that could not be judged.
    pub(super) failures: Vec<Failure>,
}

/// Judges all nights on as many threads as there are processors.
pub(super) fn all(plan: &Plan, source: &Source) -> Result<Judged, Failure> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX).min(source.len());
    let (next, judged) = (AtomicUsize::new(0), Mutex::new(Judged::default()));
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= source.len() {
                return;
            }
            let outcome = source.open(index).and_then(|night| plan.judge(night));
            let mut judged = judged.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(score) => judged.scores.extend(score),
                Err(failure) => judged.failures.push(failure),
            }
        }
    };
    thread::scope(|scope| {
        for number in 0..threads {
            let named = thread::Builder::new().name(format!("nights-{number}"));
            named
                .spawn_scoped(scope, work)
                .map_err(|error| Failure::failed(format!("no thread to work on: {error}")))?;
        }
        Ok(())
    })?;
    let judged = judged.into_inner().unwrap_or_else(PoisonError::into_inner);
    if judged.scores.is_empty() && judged.failures.is_empty() {
        return Err(Failure::failed("none of the nights is of this level, kind and rate"));
    }
    Ok(judged)
}

impl Plan {
    /// Judges a night; nothing where it is not asked for.
    fn judge(&self, night: Opened) -> Result<Option<NightScore>, Failure> {
        if !self.asks_for(&night.truth) {
            return Ok(None);
        }
        let settings =
            drive::fit(&self.fitted(&night.truth), night.layout).map_err(|failure| failure.about(&night.truth.id))?;
        let (truth, rows) = night.rows();
        let mut heard = Vec::new();
        let length = SignedDuration::try_from_secs_f64(truth.duration_s).unwrap_or_default();
        let end = truth.start.saturating_add(length).unwrap_or(truth.start);
        drive::drive_until(&settings, rows, Some(end), |detector, _, _| {
            while let Some(event) = detector.next_event() {
                heard.extend(what(&event).map(|what| Heard { at: seconds(event.decided, truth.start), what }));
            }
            Ok(())
        })
        .map_err(|error| Failure::failed(format!("{}: {error}", truth.id)))?;
        let confirm_s = match settings.confirm {
            Confirm::Auto => 0.0,
            Confirm::Fixed(time) => time.as_secs_f64(),
        };
        Ok(Some(score(&truth, &heard, confirm_s)))
    }

    fn asks_for(&self, truth: &Truth) -> bool {
        let level = self.levels.is_empty() || self.levels.contains(&truth.difficulty);
        let kind = self.kinds.is_empty() || self.kinds.contains(&truth.kind.as_str());
        level && kind && truth.rate_hz >= self.min_rate
    }

    /// What an installer knows of the mat: its ADC and, where asked for, the levels of that day.
    fn fitted(&self, truth: &Truth) -> Settings {
        let mut settings = self.settings.clone();
        if settings.range.is_none() && truth.adc_bits.is_some() {
            settings.range = Some((0.0, truth.full_scale));
        }
        if self.measured {
            let levels = |levels: &[f64]| (truth.kind != "contact").then(|| levels.to_vec());
            settings.empty = levels(&truth.commission.empty);
            settings.occupied = levels(&truth.commission.lying_75kg);
        }
        settings
    }
}

/// What of an event is judged.
fn what(event: &Event) -> Option<What> {
    match event.kind {
        Kind::Rise => Some(What::Rise),
        Kind::Return => Some(What::Return),
        Kind::Edge => Some(What::Edge),
        Kind::SensorFault(MatFault::Chatter) => Some(What::Chatter),
        Kind::SensorFault(_) => Some(What::Fault),
        Kind::InBed | Kind::NotReturned | Kind::NotInBed(_) | Kind::NotUp | Kind::SensorRestored(_) => None,
        Kind::GatewayFault(_) | Kind::GatewayRestored(_) | Kind::Paused { .. } | Kind::Resumed { .. } => None,
        Kind::Started { .. } | Kind::Heartbeat(_) | Kind::Test => None,
    }
}

/// Seconds after the start, to the millisecond that an event is told with.
///
/// By way of seconds since 1970, as other scorers read events: then latencies halfway between two hundredths agree too.
fn seconds(at: Timestamp, start: Timestamp) -> f64 {
    let since_1970 = |time: Timestamp| {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
        let millis = time.as_millisecond() as f64;
        millis / 1000.0
    };
    since_1970(at) - since_1970(start)
}
