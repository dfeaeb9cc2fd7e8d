//! What stands on the page that is left with the resident's papers, in Swedish or English. PURE.
//!
//! Says only what was proven, and clearly what was not.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::config::{Bed, Config, meaning};
use crate::detect::Alarm;
use crate::model::event::{Kind, NotInBedReason};
use crate::model::fault::MatFault;
use crate::model::proof::{Calibrated, Grade, Proof, Tested};
use crate::model::{BedId, Language, texts};
use crate::sensor::Sensor;

/// A page, ready to be printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Page {
    pub(super) language: Language,
    pub(super) title: String,
    pub(super) sections: Vec<Section>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Section {
    pub(super) title: String,
    /// Whether what it is about was proven.
    pub(super) proven: bool,
    pub(super) paragraphs: Vec<String>,
    /// A name and what belongs to it.
    pub(super) rows: Vec<(String, String)>,
}

/// What a page is made of.
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) bed: &'a Bed,
    pub(super) proof: &'a Proof,
    pub(super) now: Timestamp,
}

impl Page {
    /// Tells whether everything on it was proven.
    pub(super) fn is_proven(&self) -> bool {
        self.sections.iter().all(|section| section.proven)
    }
}

impl Facts<'_> {
    /// Makes the page.
    pub(super) fn page(&self) -> Page {
        let title = self.say("Nattvakt: överlämning", "Nattvakt: handover");
        Page {
            language: self.language(),
            title: format!("{title} {}", self.bed.id),
            sections: vec![self.home(), self.watch(), self.mat(), self.test(), self.heard(), self.by_hand()],
        }
    }

    fn language(&self) -> Language {
        self.config.gateway.language
    }

    fn say(&self, sv: &str, en: &str) -> String {
        match self.language() {
            Language::Sv => sv.to_owned(),
            Language::En => en.to_owned(),
        }
    }

    fn home(&self) -> Section {
        let rows = vec![
            (self.say("Larmdosa", "Gateway"), self.config.gateway.id.to_string()),
            (self.say("Säng", "Bed"), self.bed.id.to_string()),
            (self.say("Utskriven", "Printed"), self.time(self.now)),
            (self.say("Program", "Program"), format!("nattvakt {}", env!("CARGO_PKG_VERSION"))),
        ];
        Section { title: self.say("Hemmet", "The home"), proven: true, paragraphs: Vec::new(), rows }
    }

    fn watch(&self) -> Section {
        let is_hers = |bed: &Option<BedId>| bed.is_none_or(|bed| bed == self.bed.id);
        let paragraphs = meaning(self.config).into_iter().filter(|each| is_hers(&each.bed));
        Section {
            title: self.say("Så bevakas sängen", "How the bed is watched"),
            proven: true,
            paragraphs: paragraphs.map(|each| each.text).collect(),
            rows: Vec::new(),
        }
    }

    fn mat(&self) -> Section {
        let read = match &self.bed.sensor {
            Sensor::Serial(serial) => serial.port.display().to_string(),
            Sensor::Mqtt(mqtt) => format!("MQTT {}", mqtt.topic),
        };
        let mut rows = vec![(self.say("Läses från", "Read from"), read)];
        let calibrated = self.proof.calibrated.as_ref();
        match calibrated {
            Some(calibrated) => rows.extend(self.calibrated(calibrated)),
            None => rows.push((
                self.say("Provmätning", "Calibration"),
                self.say("INTE GJORD: kör `nattvakt calibrate`", "NOT DONE: run `nattvakt calibrate`"),
            )),
        }
        let proven = calibrated.is_some_and(|calibrated| calibrated.grade != Grade::Unfit);
        Section { title: self.say("Sängmattan", "The mat"), proven, paragraphs: Vec::new(), rows }
    }

    fn calibrated(&self, calibrated: &Calibrated) -> Vec<(String, String)> {
        let grade = match calibrated.grade {
            Grade::Good => self.say("bra", "good"),
            Grade::Weak => self.say("går att använda, med anmärkning", "can be used, with a remark"),
            Grade::Unfit => self.say("GÅR INTE ATT BEVAKA MED", "NOT FIT TO WATCH WITH"),
        };
        let mut rows = vec![
            (self.say("Provmätning", "Calibration"), self.time(calibrated.time)),
            (self.say("Omdöme", "Verdict"), grade),
        ];
        if !calibrated.empty.is_empty() {
            rows.push((self.say("Tom säng", "Empty bed"), list(&calibrated.empty)));
            rows.push((self.say("Med någon i sängen", "With somebody in it"), list(&calibrated.occupied)));
        }
        if let Some(noises) = calibrated.noises {
            let times = self.say("gånger bruset", "times its noise");
            rows.push((self.say("Utslag när någon ligger", "Lying moves it by"), format!("{noises:.0} {times}")));
        }
        rows
    }

    fn test(&self) -> Section {
        let tested = self.proof.tested.as_ref();
        let row = match tested {
            Some(Tested { time, accepted, channel }) => {
                let took = accepted.duration_since(*time).as_millis_f64() / 1000.0;
                let (sent, taken) = (self.time(*time), self.say("mottaget av", "accepted by"));
                let after = self.say("efter", "after");
                format!("{sent}; {taken} {channel} {after} {} s", self.decimal(took))
            }
            None => self.say("INTE SKICKAT: kör `nattvakt test-alert`", "NOT SENT: run `nattvakt test-alert`"),
        };
        Section {
            title: self.say("Larmvägen", "The way to dispatch"),
            proven: tested.is_some(),
            paragraphs: Vec::new(),
            rows: vec![(self.say("Provlarm", "Test alert"), row)],
        }
    }

    fn heard(&self) -> Section {
        let text = |kind: Kind| format!("”{}”", texts::text(&kind, self.language()));
        let rows = self.told(&self.bed.detect.alarm);
        Section {
            title: self.say("Det här hör nattpersonalen", "What the night staff hear"),
            proven: true,
            paragraphs: Vec::new(),
            rows: rows.into_iter().map(|(when, kind)| (when, text(kind))).collect(),
        }
    }

    fn told(&self, alarm: &Alarm) -> Vec<(String, Kind)> {
        let fault = Kind::SensorFault(MatFault::Silent);
        let all = [
            (alarm.edge, self.say("När hon sätter sig på kanten", "When she sits on the edge"), Kind::Edge),
            (alarm.rise, self.say("När hon går upp", "When she gets up"), Kind::Rise),
            (alarm.not_returned.is_some(), self.say("När hon dröjer", "When she stays away"), Kind::NotReturned),
            (true, self.say("När hon är tillbaka efter larm", "When she is back after an alert"), Kind::Return),
            (
                alarm.not_in_bed.is_some(),
                self.say("När hon inte har lagt sig i tid", "When she is not in bed in time"),
                Kind::NotInBed(NotInBedReason::Time),
            ),
            (
                alarm.not_up.is_some(),
                self.say("När hon inte har stigit upp i tid", "When she is not up in time"),
                Kind::NotUp,
            ),
            (true, self.say("När mattan inte svarar", "When the mat is silent"), fault),
        ];
        all.into_iter().filter(|(on, ..)| *on).map(|(_, when, kind)| (when, kind)).collect()
    }

    /// What a person fills in; the program keeps no name.
    fn by_hand(&self) -> Section {
        let line = "________________________________".to_owned();
        let rows =
            [("Installerat av", "Installed by"), ("Datum", "Date"), ("Vid fel, ring", "If something is wrong, call")];
        Section {
            title: self.say("Fylls i för hand", "To be filled in by hand"),
            proven: true,
            paragraphs: Vec::new(),
            rows: rows.into_iter().map(|(sv, en)| (self.say(sv, en), line.clone())).collect(),
        }
    }

    /// Writes a number with one decimal as the language does.
    fn decimal(&self, number: f64) -> String {
        let text = format!("{number:.1}");
        match self.language() {
            Language::Sv => text.replace('.', ","),
            Language::En => text,
        }
    }

    fn time(&self, time: Timestamp) -> String {
        let zone: &TimeZone = &self.config.gateway.zone;
        let name = zone.iana_name().unwrap_or("UTC");
        format!("{} ({name})", time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S"))
    }
}

fn list(levels: &[f64]) -> String {
    levels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::handover::{html::html, text::text};
    use crate::config::{self, Looks};

    fn home(language: &str) -> Config {
        let text = format!(
            "[gateway]\nid = \"4601234567\"\nlanguage = \"{language}\"\n\
             [[bed]]\nid = \"bed-1\"\nwatch = {{ from = \"22:00\", to = \"07:00\" }}\n[bed.mqtt]\ntopic = \"mats/<1>\"\n\
             [[dispatch]]\nname = \"larmcentral\"\n[dispatch.https]\nurl = \"https://dispatch.example/alerts\"\n"
        );
        config::parse(&text, "home.toml", Looks::Elsewhere).unwrap().config
    }

    fn proven() -> Proof {
        let time: Timestamp = "2026-11-20T13:05:00Z".parse().unwrap();
        Proof {
            calibrated: Some(Calibrated {
                time,
                grade: Grade::Good,
                empty: vec![110.0],
                occupied: vec![590.5],
                noises: Some(240.0),
            }),
            tested: Some(Tested {
                time,
                accepted: time + jiff::SignedDuration::from_millis(840),
                channel: "larmcentral".to_owned(),
            }),
        }
    }

    fn page(config: &Config, proof: &Proof) -> Page {
        Facts { config, bed: &config.beds[0], proof, now: "2026-11-20T14:00:00Z".parse().unwrap() }.page()
    }

    #[test]
    fn what_was_proven_is_said_in_the_language_and_the_time_of_the_home() {
        for (language, words) in [
            (
                "sv",
                [
                    "bed-1 bevakas från 22:00 till 07:00",
                    "2026-11-20 14:05:00 (Europe/Stockholm)",
                    "”Har lämnat sängen”",
                    "mottaget av larmcentral efter 0,8 s",
                    "240 gånger bruset",
                ],
            ),
            (
                "en",
                [
                    "bed-1 is watched from 22:00 to 07:00",
                    "2026-11-20 14:05:00 (Europe/Stockholm)",
                    "”Has left the bed”",
                    "accepted by larmcentral after 0.8 s",
                    "240 times its noise",
                ],
            ),
        ] {
            let page = page(&home(language), &proven());
            assert!(page.is_proven());
            let text = text(&page, 80);
            for words in words {
                assert!(text.contains(words), "{words}: {text}");
            }
            assert!(
                !text.contains("sätter sig på kanten") && !text.contains("sits on the edge"),
                "edge is off: {text}"
            );
        }
    }

    #[test]
    fn what_was_not_proven_is_as_clear() {
        let home = home("en");
        let nothing = page(&home, &Proof::default());
        assert!(!nothing.is_proven());
        let text = text(&nothing, 80);
        assert!(text.contains("NOT DONE: run `nattvakt calibrate`"), "{text}");
        assert!(text.contains("NOT SENT: run `nattvakt test-alert`"), "{text}");
        let mut unfit = proven();
        unfit.calibrated.as_mut().unwrap().grade = Grade::Unfit;
        assert!(!page(&home, &unfit).is_proven());
    }

    #[test]
    fn a_phone_gets_a_line_a_field() {
        let text = text(&page(&home("sv"), &proven()), 40);
        assert!(
            text.contains("\n  Provlarm:\n    2026-11-20 14:05:00\n    (Europe/Stockholm); mottaget av\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
    }

    #[test]
    fn the_page_for_a_browser_is_whole_and_what_is_in_it_does_no_harm() {
        let html = html(&page(&home("sv"), &proven()));
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"sv\">"), "{html}");
        assert!(html.contains("MQTT mats/&lt;1&gt;") && !html.contains("<1>"), "{html}");
        assert!(!html.contains("http") && !html.contains("not-proven\""), "it needs nothing else, and all is proven");
    }
}
