//! The way from the mat to whoever reads it: does to each row what the faults of the night say.
//!
//! Holds back only rows that are late, at most 2 s of them.

use std::time::Duration;

use super::faults::{Cable, FaultKind, Faults, LATE_S_MAX, Row, whole_millis};
use super::mat::MatKind;
use super::rng::Rng;
use super::sending::Sending;
use crate::model::Channels;

/// One such way with its memory.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    faults: Faults,
    full_scale: f64,
    sending: Sending,
    last: Option<Channels>,
    sent: Option<(Duration, Channels)>,
    waiting: Vec<Row>,
    rng: Rng,
}

impl Wire {
    pub(super) fn new(faults: Faults, mat: &MatKind, rng: Rng) -> Self {
        let (full_scale, sending) = (mat.full_scale(), mat.sending());
        Self { faults, full_scale, sending, last: None, sent: None, waiting: Vec::new(), rng }
    }

    /// Takes in what the mat read.
    pub(super) fn send(&mut self, at: Duration, channels: Channels) {
        let Some(channels) = self.suffer(at, channels) else { return };
        // What got lost is sent again with the next reading: only what came through counts as sent.
        if !self.sending.sends(at, &channels, self.sent.as_ref()) {
            return;
        }
        self.sent = Some((at, channels));
        let lateness = if self.rng.chance(self.faults.late) { self.rng.between(0.1, LATE_S_MAX) } else { 0.0 };
        let row = Row { at, arrives: at.saturating_add(whole_millis(lateness)), channels };
        self.waiting.push(row);
        if self.rng.chance(self.faults.doubled) {
            self.waiting.push(row);
        }
    }

    /// Gives the next row that gets through before a time.
    pub(super) fn receive(&mut self, before: Duration) -> Option<Row> {
        let (index, row) = self.waiting.iter().enumerate().min_by_key(|(_, row)| (row.arrives, row.at))?;
        (row.arrives < before).then_some(index).map(|index| self.waiting.remove(index))
    }

    /// Does to one reading what befalls it; `None` where nothing comes of it.
    fn suffer(&mut self, at: Duration, channels: Channels) -> Option<Channels> {
        let kind = self.faults.span_at(at).map(|span| span.kind);
        match kind {
            Some(FaultKind::Dropout | FaultKind::Restart) => {
                // Whoever is back after a silence says how things stand.
                self.sent = None;
                return None;
            }
            Some(FaultKind::Unplugged(Cable::NoData)) => return None,
            Some(FaultKind::Stuck) => return self.last.or(Some(channels)),
            Some(FaultKind::Unplugged(_) | FaultKind::Zone { .. }) | None => {}
        }
        let channels = match kind {
            Some(FaultKind::Unplugged(cable)) => return Some(each(channels, |_, value| self.reads_like(cable, value))),
            Some(FaultKind::Zone { zone, cable }) => {
                let dead = usize::from(zone) % channels.len().max(1);
                each(channels, |index, value| if index == dead { self.reads_like(cable, value) } else { value })
            }
            Some(FaultKind::Dropout | FaultKind::Restart | FaultKind::Stuck) | None => channels,
        };
        self.last = Some(channels);
        if self.rng.chance(self.faults.missing) {
            return None;
        }
        let nonsense = self.rng.chance(self.faults.glitches);
        let channels = if nonsense { self.nonsense(channels) } else { channels };
        Some(each(channels, |_, value| if self.rng.chance(self.faults.failed) { f64::NAN } else { value }))
    }

    /// Returns what a pulled cable says instead of a value.
    fn reads_like(&mut self, cable: Cable, value: f64) -> f64 {
        match cable {
            Cable::Noise if value.fract() == 0.0 => self.rng.between(0.0, self.full_scale).round(),
            Cable::Noise => (self.rng.between(0.0, self.full_scale) * 100.0).round() / 100.0,
            Cable::NoData | Cable::Nan | Cable::Zero | Cable::Full | Cable::Sentinel => {
                self.faults.reads_as(cable, self.full_scale).unwrap_or(f64::NAN)
            }
        }
    }

    /// Makes a frame that no body made: at an end of the scale, an error value, or anything at all.
    fn nonsense(&mut self, channels: Channels) -> Channels {
        let all = [(1.0, Cable::Zero), (1.0, Cable::Full), (1.0, Cable::Noise), (1.0, Cable::Sentinel)];
        let cable = self.rng.pick(&all).unwrap_or(Cable::Noise);
        each(channels, |_, value| self.reads_like(cable, value))
    }
}

fn each(channels: Channels, mut change: impl FnMut(usize, f64) -> f64) -> Channels {
    let changed = channels.zones().iter().enumerate().map(|(index, value)| change(index, *value));
    Channels::new(changed).unwrap_or(channels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::contact::ContactMat;
    use crate::simulate::faults::FaultSpan;
    use crate::simulate::pressure::PressureMat;

    const SECOND: Duration = Duration::from_secs(1);

    /// Sends ten readings a second that count from 200 to 299 and again.
    fn rows(faults: Faults, count: u32) -> Vec<Row> {
        sent(faults, &MatKind::Pressure(PressureMat::fsr()), count, |tick| {
            Channels::new([f64::from(tick % 100) + 200.0]).unwrap()
        })
    }

    fn sent(faults: Faults, mat: &MatKind, count: u32, says: impl Fn(u32) -> Channels) -> Vec<Row> {
        let mut wire = Wire::new(faults, mat, Rng::new(5));
        let mut rows = Vec::new();
        for tick in 0..count {
            let at = SECOND * tick / 10;
            while let Some(row) = wire.receive(at) {
                rows.push(row);
            }
            wire.send(at, says(tick));
        }
        rows.extend(std::iter::from_fn(|| wire.receive(Duration::MAX)));
        rows
    }

    fn span(kind: FaultKind) -> Faults {
        let spans = vec![FaultSpan { kind, from: SECOND * 10, to: SECOND * 20 }];
        Faults { spans, sentinel: -1.0, ..Faults::default() }
    }

    fn within(rows: &[Row]) -> Vec<f64> {
        let inside = |row: &&Row| (SECOND * 10..SECOND * 20).contains(&row.at);
        rows.iter().filter(inside).map(|row| row.channels.zones()[0]).collect()
    }

    #[test]
    fn without_faults_every_row_gets_through_in_time_and_order() {
        let rows = rows(Faults::default(), 1_000);
        assert_eq!(rows.len(), 1_000);
        assert!(rows.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(rows.iter().all(|row| row.at == row.arrives));
    }

    #[test]
    fn rows_get_lost_come_late_and_come_twice_as_often_as_told() {
        let lost = rows(Faults { missing: 0.1, ..Faults::default() }, 10_000);
        assert!((8_800..9_200).contains(&lost.len()), "{}", lost.len());
        let twice = rows(Faults { doubled: 0.1, ..Faults::default() }, 10_000);
        assert!((10_800..11_200).contains(&twice.len()), "{}", twice.len());
        let late = rows(Faults { late: 0.1, ..Faults::default() }, 10_000);
        assert_eq!(late.len(), 10_000);
        assert!(late.windows(2).all(|pair| pair[0].arrives <= pair[1].arrives));
        assert!(late.windows(2).filter(|pair| pair[0].at > pair[1].at).count() > 500);
        assert!(late.iter().all(|row| row.arrives <= row.at + SECOND * 2));
    }

    #[test]
    fn nonsense_comes_one_row_at_a_time_and_failed_readings_one_zone_at_a_time() {
        let mad = rows(Faults { glitches: 0.01, sentinel: 65_535.0, ..Faults::default() }, 10_000);
        let wrong = mad.iter().filter(|row| !(200.0..300.0).contains(&row.channels.zones()[0])).count();
        assert!((60..140).contains(&wrong), "{wrong}");
        assert!(mad.iter().any(|row| row.channels.zones()[0] > 65_000.0));
        let four = |_| Channels::new([1.0, 2.0, 3.0, 4.0]).unwrap();
        let failing = Faults { failed: 0.01, ..Faults::default() };
        let rows = sent(failing, &MatKind::Pressure(PressureMat::fsr()), 10_000, four);
        let failed = |row: &&Row| row.channels.zones().iter().any(|zone| zone.is_nan());
        let some = rows.iter().filter(failed).count();
        assert!((330..460).contains(&some), "{some}");
        assert!(rows.iter().all(|row| row.channels.zones().iter().any(|zone| !zone.is_nan())));
    }

    #[test]
    fn each_fault_reads_as_it_does_on_real_cables() {
        let reads = |kind| within(&rows(span(kind), 300));
        let unplugged = |cable| reads(FaultKind::Unplugged(cable));
        assert!(reads(FaultKind::Dropout).is_empty() && reads(FaultKind::Restart).is_empty());
        assert!(unplugged(Cable::NoData).is_empty());
        assert!(reads(FaultKind::Stuck).iter().all(|value| (*value - 299.0).abs() < 0.1));
        assert!(unplugged(Cable::Nan).iter().all(|value| value.is_nan()));
        assert!(unplugged(Cable::Zero).iter().all(|value| *value < 0.1));
        assert!(unplugged(Cable::Sentinel).iter().all(|value| (*value + 1.0).abs() < 0.1));
        let full = unplugged(Cable::Full);
        assert!(full.len() == 100 && full.iter().all(|value| *value > 4094.0));
        let noise = unplugged(Cable::Noise);
        assert!(noise.iter().any(|value| *value < 1000.0) && noise.iter().any(|value| *value > 3000.0));
    }

    #[test]
    fn a_dead_zone_takes_no_other_with_it() {
        let four = |_| Channels::new([1.0, 2.0, 3.0, 4.0]).unwrap();
        for (zone, dead) in [(2, 2), (7, 3)] {
            let faults = span(FaultKind::Zone { zone, cable: Cable::NoData });
            let rows = sent(faults, &MatKind::Pressure(PressureMat::fsr()), 300, four);
            assert_eq!(rows.len(), 300);
            let row = rows.iter().find(|row| row.at == SECOND * 15).unwrap();
            for (index, value) in row.channels.zones().iter().enumerate() {
                assert_eq!(value.is_nan(), index == dead, "zone {index} of a mat whose zone {zone} is dead");
            }
        }
    }

    #[test]
    fn a_battery_contact_says_changes_and_that_it_lives_and_speaks_up_after_a_silence() {
        let mat = MatKind::Contact(ContactMat { sending: Sending::ZIGBEE, ..ContactMat::clean() });
        let gets_up = |tick| Channels::contact(tick < 150);
        let times = |faults, count| -> Vec<u64> {
            sent(faults, &mat, count, gets_up).iter().map(|row| row.at.as_secs()).collect()
        };
        assert_eq!(times(Faults::default(), 72_200), [0, 15, 3615, 7215]);
        assert_eq!(times(span(FaultKind::Dropout), 300), [0, 20]);
    }
}
