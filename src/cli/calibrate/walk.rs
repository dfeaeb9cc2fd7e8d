//! The steps at the bed: asks, shows what the mat says meanwhile, and takes the readings of each step.
//!
//! Speaks on stderr. Every wait for the mat has an end; only the person is waited for as long as she takes.

use std::io::stderr;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::ask::{Answers, say, tell};
use super::mat::{Heard, Readings};
use super::words::Words;
use crate::cli::Failure;
use crate::cli::demo::bar::bar;
use crate::cli::words::columns;
use crate::clock;
use crate::detect::calibration::{Sample, Sampler, Step};
use crate::model::Channels;

/// Foam and person come to rest first.
const SETTLES: Duration = Duration::from_secs(2);

/// Then this long is measured: two breaths at least …
const MEASURED: Duration = Duration::from_secs(8);

/// … or until so many readings have come …
const READINGS_MIN: usize = 5;

/// … but no longer than this; a mat that sends only on change then says the same as before.
const MEASURED_MAX: Duration = Duration::from_secs(60);

/// A narrower terminal gets no bar: a line that is broken cannot be drawn over.
const GAUGE_COLUMNS: usize = 70;

/// How often the gauge is drawn anew.
const GAUGE_EVERY: Duration = Duration::from_millis(200);

/// A walk through the steps.
pub(super) struct Walk<'a> {
    readings: Readings,
    answers: &'a mut Answers,
    gauge: Gauge,
    last: Option<Channels>,
    words: Words,
}

impl<'a> Walk<'a> {
    /// Starts with a mat; the gauge is drawn where somebody looks at a terminal.
    pub(super) fn new(readings: Readings, answers: &'a mut Answers, drawn: bool, words: Words) -> Self {
        Self { readings, answers, gauge: Gauge::new(drawn, words), last: None, words }
    }

    /// Goes through all of them.
    pub(super) async fn through(&mut self) -> Result<[Sample; 6], Failure> {
        let [empty, back, left, right, edge, up] = Step::ALL;
        Ok([
            self.step(empty).await?,
            self.step(back).await?,
            self.step(left).await?,
            self.step(right).await?,
            self.step(edge).await?,
            self.step(up).await?,
        ])
    }

    async fn step(&mut self, step: Step) -> Result<Sample, Failure> {
        let number = Step::ALL.iter().position(|each| *each == step).unwrap_or_default() + 1;
        self.answers.forget();
        let asked = self.words.step(number, step);
        tell(&asked)?;
        self.wait_for_enter().await?;
        let sample = self.measure().await?;
        self.gauge.clear()?;
        let all: f64 = sample.levels.iter().filter(|level| !level.is_nan()).sum();
        tell(&self.words.measured(all, sample.readings))?;
        Ok(sample)
    }

    async fn wait_for_enter(&mut self) -> Result<(), Failure> {
        let mut draw = interval(GAUGE_EVERY);
        draw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                answer = self.answers.next() => {
                    self.gauge.entered()?;
                    return answer.map(drop).ok_or_else(|| {
                        Failure::usage("calibrate asks at each step; run it in a terminal, with somebody at the bed")
                    });
                }
                heard = self.readings.next() => self.note(&heard)?,
                _ = draw.tick() => self.gauge.draw("", self.last.as_ref())?,
            }
        }
    }

    async fn measure(&mut self) -> Result<Sample, Failure> {
        let begin = clock::moment() + SETTLES;
        let mut sampler = Sampler::default();
        let mut draw = interval(GAUGE_EVERY);
        draw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (enough, end) = (begin + MEASURED, begin + MEASURED_MAX);
        loop {
            let now = clock::moment();
            if now >= end || (now >= enough && sampler.len() >= READINGS_MIN) {
                break;
            }
            let next = if now < enough { enough } else { end };
            tokio::select! {
                () = sleep_until(clock::instant(next)) => {}
                heard = self.readings.next() => {
                    self.note(&heard)?;
                    if let (Heard::Channels(channels), true) = (&heard, clock::moment() >= begin) {
                        sampler.take(channels);
                    }
                }
                _ = draw.tick() => {
                    let left = enough.since(clock::moment()).as_secs();
                    self.gauge.draw(&self.words.measuring(left), self.last.as_ref())?;
                }
            }
        }
        if let (true, Some(last)) = (sampler.is_empty(), &self.last) {
            sampler.take(last);
        }
        sampler.finish().ok_or_else(|| self.nothing())
    }

    fn note(&mut self, heard: &Heard) -> Result<(), Failure> {
        match heard {
            Heard::Channels(channels) => self.last = Some(*channels),
            Heard::Away => self.last = None,
            Heard::Rejected => {}
            Heard::Ended(why) => return Err(Failure::failed(why)),
        }
        Ok(())
    }

    fn nothing(&self) -> Failure {
        let why = self.readings.trouble().map_or_else(String::new, |trouble| format!(" ({trouble})"));
        Failure::failed(self.words.nothing_for((SETTLES + MEASURED_MAX).as_secs(), &why))
    }
}

/// Shows what the mat says at the moment, in one line that is drawn over itself.
struct Gauge {
    drawn: bool,
    words: Words,
    /// The lowest and the highest that it has said.
    seen: Option<(f64, f64)>,
}

impl Gauge {
    const fn new(drawn: bool, words: Words) -> Self {
        Self { drawn, words, seen: None }
    }

    fn draw(&mut self, what: &str, last: Option<&Channels>) -> Result<(), Failure> {
        let Some(last) = last else { return self.line(self.words.nothing_comes()) };
        let value: f64 = last.zones().iter().filter(|zone| !zone.is_nan()).sum();
        let (low, high) = self.seen.map_or((value, value), |(low, high)| (low.min(value), high.max(value)));
        self.seen = Some((low, high));
        let share = if high > low { (value - low) / (high - low) } else { 0.0 };
        if columns(stderr()) < GAUGE_COLUMNS {
            return self.line(&format!("{value:>8.1} {:>4.0} %  {what}", share * 100.0));
        }
        self.line(&format!("{value:>10.1}  {}  {what}", bar(share)))
    }

    /// Takes the line away that Enter has left above.
    fn entered(&self) -> Result<(), Failure> {
        if self.drawn { say("\x1b[A\r\x1b[K") } else { Ok(()) }
    }

    fn clear(&self) -> Result<(), Failure> {
        if self.drawn { say("\r\x1b[K") } else { Ok(()) }
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        if self.drawn { say(&format!("\r  {text}\x1b[K")) } else { Ok(()) }
    }
}
