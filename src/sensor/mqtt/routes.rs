//! From a topic to the beds that read it. No I/O, no clock.

use super::Mat;
use crate::model::{BedId, MatFault, Moment, Quality, Reading};
use crate::sensor::decode::{Age, PayloadDecoder, Rejection, Sample};
use crate::sensor::rejections::Rejections;
use crate::sensor::settings::MqttSettings;
use crate::sensor::{Feed, Signal, tell};

/// Every topic with its mats, in the order of topics.
pub(super) struct Routes {
    topics: Vec<Topic>,
    unknown: Rejections,
}

struct Topic {
    name: String,
    mats: Vec<Route>,
}

struct Route {
    bed: BedId,
    settings: MqttSettings,
    decoder: PayloadDecoder,
    age: Age,
    rejections: Rejections,
    feed: Feed,
    /// Whether the bed knows that its mat can be heard.
    open: bool,
}

/// What a change of the mats means for the connection.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The topics of new mats.
    pub(super) topics: Vec<String>,
    /// The beds of new mats.
    pub(super) new: Vec<Feed>,
    /// The topics that no mat reads any more.
    pub(super) left: Vec<String>,
}

impl Routes {
    pub(super) fn new(mats: Vec<Mat>) -> Self {
        let mut routes = Self { topics: Vec::new(), unknown: Rejections::default() };
        mats.into_iter().map(Route::new).for_each(|route| routes.add(route));
        routes
    }

    fn add(&mut self, route: Route) {
        let name = route.settings.topic.as_str();
        let place = match self.topics.binary_search_by(|topic| topic.name.as_str().cmp(name)) {
            Ok(found) => found,
            Err(place) => {
                self.topics.insert(place, Topic { name: name.to_owned(), mats: Vec::new() });
                place
            }
        };
        if let Some(topic) = self.topics.get_mut(place) {
            topic.mats.push(route);
        }
    }

    /// Takes other mats. What has stayed the same keeps what was learnt of it.
    pub(super) fn change(&mut self, mats: Vec<Mat>) -> Change {
        let before: Vec<Topic> = std::mem::take(&mut self.topics);
        let names: Vec<String> = before.iter().map(|topic| topic.name.clone()).collect();
        let mut known: Vec<Route> = before.into_iter().flat_map(|topic| topic.mats).collect();
        let mut change = Change::default();
        for mat in mats {
            let same = |route: &Route| route.bed == mat.bed && route.settings == mat.settings;
            if let Some(place) = known.iter().position(same) {
                self.add(Route { feed: mat.feed, ..known.swap_remove(place) });
            } else {
                if !change.topics.contains(&mat.settings.topic) {
                    change.topics.push(mat.settings.topic.clone());
                }
                change.new.push(mat.feed.clone());
                self.add(Route::new(mat));
            }
        }
        change.left = names.into_iter().filter(|name| !self.topics().any(|topic| topic == name)).collect();
        change
    }

    pub(super) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Returns each topic once, always in the same order.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> + Clone {
        self.topics.iter().map(|topic| topic.name.as_str())
    }

    /// Tells every bed that the connection is away.
    pub(super) fn away(&mut self) {
        for mat in self.topics.iter_mut().flat_map(|topic| &mut topic.mats) {
            mat.open = false;
            tell(&mat.feed, Signal::Away);
        }
    }

    /// Tells the beds of a topic that it is refused.
    pub(super) fn refused(&mut self, topic: &str) {
        for mat in self.of_topic(topic) {
            mat.open = false;
            tell(&mat.feed, Signal::Lost(MatFault::Offline));
        }
    }

    /// Tells the beds of a topic that it can be heard, unless they know.
    pub(super) fn open(&mut self, topic: &str) {
        for mat in self.of_topic(topic).filter(|mat| !mat.open) {
            mat.open = true;
            tell(&mat.feed, Signal::Back);
        }
    }

    fn of_topic(&mut self, topic: &str) -> impl Iterator<Item = &mut Route> {
        let found = self.topics.binary_search_by(|known| known.name.as_str().cmp(topic)).ok();
        found.and_then(|found| self.topics.get_mut(found)).into_iter().flat_map(|topic| &mut topic.mats)
    }

    /// Hands a message to every bed that reads its topic.
    pub(super) fn take(&mut self, topic: &str, payload: &[u8], retained: bool, now: Moment) {
        if let Ok(found) = self.topics.binary_search_by(|known| known.name.as_str().cmp(topic)) {
            let mats = self.topics.get_mut(found).map(|topic| topic.mats.iter_mut());
            mats.into_iter().flatten().for_each(|mat| mat.take(payload, retained, now));
        } else if let Some(count) = self.unknown.note(now).line {
            // Not by name: nobody has said what may stand in it.
            tracing::info!(count, "Messages on topics that no bed reads");
        }
    }
}

impl Route {
    fn new(mat: Mat) -> Self {
        let decoder = PayloadDecoder::new(&mat.settings);
        Self {
            bed: mat.bed,
            settings: mat.settings,
            decoder,
            age: Age::new(),
            rejections: Rejections::default(),
            feed: mat.feed,
            open: false,
        }
    }

    fn take(&mut self, payload: &[u8], retained: bool, now: Moment) {
        match self.decoder.decode(payload) {
            Ok(Sample { channels, .. }) if retained => {
                // It arrives because we came, so its arrival says nothing about its age.
                tell(&self.feed, Signal::Reading(Reading { at: now, channels, quality: Quality::Old }));
            }
            Ok(sample) => {
                let (at, quality) = self.age.place(now, &sample);
                tell(&self.feed, Signal::Reading(Reading { at, channels: sample.channels, quality }));
            }
            Err(rejection) => self.reject(rejection, now),
        }
    }

    fn reject(&mut self, rejection: Rejection, now: Moment) {
        let due = self.rejections.note(now);
        if due.signal {
            tell(&self.feed, Signal::Rejected);
        }
        if let Some(count) = due.line {
            tracing::info!(bed.id = %self.bed, count, error = %rejection, "Messages rejected");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;
    use crate::model::Channels;
    use crate::sensor::settings::{MqttSettings, Payload};

    type Bed = broadcast::Receiver<Signal>;

    fn mat(bed: &str, topic: &str, pointer: &str) -> (Mat, Bed) {
        let (feed, bed_end) = broadcast::channel(16);
        let payload = Payload::Zones(vec![pointer.to_owned()]);
        let settings = MqttSettings { topic: topic.to_owned(), payload, time: Some("/ts".to_owned()) };
        (Mat { bed: bed.parse().unwrap(), settings, feed }, bed_end)
    }

    fn heard(bed: &mut Bed) -> Vec<Signal> {
        std::iter::from_fn(|| bed.try_recv().ok()).collect()
    }

    fn reading(at: i64, value: f64, quality: Quality) -> Signal {
        let channels = Channels::new([value]).unwrap();
        Signal::Reading(Reading { at: Moment::from_nanos(at), channels, quality })
    }

    #[test]
    fn beds_that_share_a_topic_each_read_their_own_pointer() {
        let (left, mut left_bed) = mat("left", "mats/double", "/left");
        let (right, mut right_bed) = mat("right", "mats/double", "/right");
        let mut routes = Routes::new(vec![left, right]);
        assert_eq!(routes.topics().collect::<Vec<_>>(), ["mats/double"]);
        routes.take("mats/double", br#"{"left":1,"right":2}"#, false, Moment::from_nanos(5));
        assert_eq!(heard(&mut left_bed), [reading(5, 1.0, Quality::Live)]);
        assert_eq!(heard(&mut right_bed), [reading(5, 2.0, Quality::Live)]);
    }

    #[test]
    fn every_topic_is_named_once_and_found_again() {
        let mats: Vec<(Mat, Bed)> = (0..50).map(|n| mat(&format!("b{n}"), &format!("t/{}", n * 37 % 50), "")).collect();
        let (mats, mut beds): (Vec<Mat>, Vec<Bed>) = mats.into_iter().unzip();
        let mut routes = Routes::new(mats);
        assert_eq!(routes.topics().count(), 50);
        for (n, bed) in beds.iter_mut().enumerate() {
            routes.take(&format!("t/{}", n * 37 % 50), b"7", false, Moment::from_nanos(1));
            assert_eq!(heard(bed), [reading(1, 7.0, Quality::Live)]);
        }
    }

    #[test]
    fn a_change_touches_only_what_changes() {
        let ((one, _one), (two, mut two_bed), (three, mut three_bed)) =
            (mat("one", "a", ""), mat("two", "b", ""), mat("three", "b", ""));
        let mut routes = Routes::new(vec![one, two.clone()]);
        let change = routes.change(vec![two, three]);
        assert_eq!((change.topics, change.left, change.new.len()), (vec!["b".to_owned()], vec!["a".to_owned()], 1));
        routes.take("a", b"7", false, Moment::from_nanos(1));
        routes.take("b", b"8", false, Moment::from_nanos(2));
        assert_eq!(heard(&mut two_bed), [reading(2, 8.0, Quality::Live)]);
        assert_eq!(heard(&mut three_bed), [reading(2, 8.0, Quality::Live)]);
    }

    #[test]
    fn a_topic_that_nobody_reads_changes_nothing() {
        let (one, mut bed) = mat("one", "mats/one", "");
        let mut routes = Routes::new(vec![one]);
        for topic in ["", "mats", "mats/one/x", "mats/onf", "zzz"] {
            routes.take(topic, b"7", false, Moment::from_nanos(1));
        }
        assert_eq!(heard(&mut bed), []);
    }

    #[test]
    fn a_retained_message_is_old_and_teaches_nothing_about_the_clock() {
        let (one, mut bed) = mat("one", "t", "/p");
        let mut routes = Routes::new(vec![one]);
        // Retained an hour ago; if it counted, the live ones after it would seem to come from the future.
        routes.take("t", br#"{"p":5,"ts":1000}"#, true, Moment::from_nanos(1));
        routes.take("t", br#"{"p":6,"ts":4600}"#, false, Moment::from_nanos(2));
        routes.take("t", br#"{"p":7,"ts":4000}"#, false, Moment::from_nanos(3));
        let heard = heard(&mut bed);
        assert_eq!(heard[..2], [reading(1, 5.0, Quality::Old), reading(2, 6.0, Quality::Live)]);
        assert!(matches!(heard[2], Signal::Reading(Reading { quality: Quality::Old, .. })));
    }

    #[test]
    fn what_is_no_reading_is_told_at_most_once_a_second() {
        let (one, mut bed) = mat("one", "t", "/p");
        let mut routes = Routes::new(vec![one]);
        for _ in 0..1_000 {
            routes.take("t", b"noise", false, Moment::from_nanos(1));
        }
        assert_eq!(heard(&mut bed), [Signal::Rejected]);
    }
}
