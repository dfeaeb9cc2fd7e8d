//! What a sound configuration means, in sentences that staff can read: a paragraph a bed, and one on the way out. PURE.
//!
//! Says only what the settings promise; what the mat is able to see, it does not know.

use std::time::Duration;

use jiff::civil::Time;

use super::value::show_time;
use super::{Bed, Config};
use crate::detect::{Alarm, Confirm};
use crate::dispatch::Order;
use crate::model::{BedId, Language, Watch};

/// What is said of one bed, or of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// The bed; none: it is about the whole home.
    pub bed: Option<BedId>,
    /// Whole sentences on one line.
    pub text: String,
}

/// Returns a paragraph for each bed in the order of the file, and then one on who is told how.
#[must_use]
pub fn meaning(config: &Config) -> Vec<Paragraph> {
    let words = Words { language: config.gateway.language, told: told(config) };
    let beds = config.beds.iter().map(|bed| Paragraph { bed: Some(bed.id), text: words.bed(bed) });
    let whole = (!config.channels.is_empty()).then(|| Paragraph { bed: None, text: words.way_out(config) });
    beds.chain(whole).collect()
}

/// Who is told first: one channel, or with `order = "all"` every one.
fn told(config: &Config) -> Vec<&str> {
    let names = config.channels.iter().map(|channel| channel.name.as_str());
    match config.delivery.order {
        Order::Fallback => names.take(1).collect(),
        Order::All => names.collect(),
    }
}

struct Words<'a> {
    language: Language,
    told: Vec<&'a str>,
}

impl Words<'_> {
    /// Picks one of two texts.
    fn say(&self, sv: impl Into<String>, en: impl Into<String>) -> String {
        match self.language {
            Language::Sv => sv.into(),
            Language::En => en.into(),
        }
    }

    fn bed(&self, bed: &Bed) -> String {
        let alarm = &bed.detect.alarm;
        let sentences = [
            Some(self.watched(bed)),
            Some(self.leaves(alarm)),
            self.confirmed(bed),
            alarm.edge.then(|| self.edge()),
            self.not_in_bed(bed),
            alarm.not_up.map(|time| self.not_up(time)),
            self.outside(bed),
            Some(self.mat()),
        ];
        sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    fn watched(&self, bed: &Bed) -> String {
        let id = bed.id;
        match &bed.detect.watch {
            Watch::Always => {
                self.say(format!("Säng {id} bevakas dygnet runt."), format!("Bed {id} is watched day and night."))
            }
            Watch::Window(window) => {
                let (from, to) = (show_time(window.from()), show_time(window.to()));
                self.say(
                    format!("Säng {id} bevakas från {from} till {to}."),
                    format!("Bed {id} is watched from {from} to {to}."),
                )
            }
        }
    }

    fn leaves(&self, alarm: &Alarm) -> String {
        let who = self.who();
        let limit = alarm.not_returned.map(|limit| self.span(limit));
        match (alarm.rise, limit) {
            (true, Some(limit)) => {
                let again = self.again(alarm.repeat);
                self.say(
                    format!("När den boende går upp larmas {who} genast, och igen om hon inte är tillbaka inom {limit}{again}."),
                    format!("When the resident gets up, {who} {} told at once, and again if she is not back within {limit}{again}.", self.is()),
                )
            }
            (true, None) => self.say(
                format!("När den boende går upp larmas {who} genast. Ingen påminns om hon inte kommer tillbaka."),
                format!(
                    "When the resident gets up, {who} {} told at once. Nobody is reminded if she does not come back.",
                    self.is()
                ),
            ),
            (false, Some(limit)) => {
                let again = self.again(alarm.repeat);
                self.say(
                    format!("När den boende går upp larmas ingen genast; {who} larmas om hon inte är tillbaka inom {limit}{again}."),
                    format!("When the resident gets up, nobody is told at once; {who} {} told if she is not back within {limit}{again}.", self.is()),
                )
            }
            (false, None) => {
                self.say("Ingen larmas när den boende går upp.", "Nobody is told when the resident gets up.")
            }
        }
    }

    fn again(&self, repeat: Duration) -> String {
        let repeat = self.span(repeat);
        self.say(format!(", och därefter med {repeat} emellan"), format!(", and every {repeat} from then on"))
    }

    fn confirmed(&self, bed: &Bed) -> Option<String> {
        match bed.detect.confirm {
            Confirm::Auto => None,
            Confirm::Fixed(time) if time.is_zero() => Some(self.say(
                "Redan ett enda mätvärde avgör, så även en vändning kan larma.",
                "A single reading decides, so even turning over may be told.",
            )),
            Confirm::Fixed(time) => {
                let time = self.span(time);
                Some(self.say(
                    format!("Sängen ska först ha varit tom i {time}."),
                    format!("The bed must have been empty for {time} first."),
                ))
            }
        }
    }

    fn edge(&self) -> String {
        let who = self.who();
        self.say(
            format!("När hon sätter sig på sängkanten får {who} en varning."),
            format!("When she sits up on the edge of the bed, {who} {} warned.", self.is()),
        )
    }

    fn not_in_bed(&self, bed: &Bed) -> Option<String> {
        let who = self.who();
        match (bed.detect.alarm.not_in_bed, &bed.detect.watch) {
            (Some(time), _) => {
                let time = show_time(time);
                Some(self.say(
                    format!("Ligger ingen i sängen klockan {time} larmas {who}."),
                    format!("If nobody is in the bed at {time}, {who} {} told.", self.is()),
                ))
            }
            (None, Watch::Window(window)) => {
                let from = show_time(window.from());
                Some(self.say(
                    format!("Är sängen fortfarande tom efter {from} larmas ingen för det."),
                    format!("If the bed is still empty after {from}, nobody is told of that."),
                ))
            }
            (None, Watch::Always) => None,
        }
    }

    fn not_up(&self, time: Time) -> String {
        let (who, time) = (self.who(), show_time(time));
        self.say(
            format!("Ligger hon kvar klockan {time} larmas {who}."),
            format!("If she is still in bed at {time}, {who} {} told.", self.is()),
        )
    }

    fn outside(&self, bed: &Bed) -> Option<String> {
        let Watch::Window(window) = &bed.detect.watch else { return None };
        let (from, to) = (show_time(window.from()), show_time(window.to()));
        Some(self.say(
            format!("Mellan {to} och {from} larmas ingen när hon går upp."),
            format!("Between {to} and {from} nobody is told when she gets up."),
        ))
    }

    fn mat(&self) -> String {
        let who = self.who();
        self.say(
            format!("Om mattan slutar fungera får {who} veta det, alla tider på dygnet."),
            format!("If the mat stops working, {who} {} told, at every hour.", self.is()),
        )
    }

    fn way_out(&self, config: &Config) -> String {
        let names: Vec<&str> = config.channels.iter().map(|channel| channel.name.as_str()).collect();
        match (config.delivery.order, names.as_slice()) {
            (_, [one]) => self.say(
                format!("Alla larm går till {one}. Tar {one} inte emot dem väntar de här och skickas igen tills de är mottagna."),
                format!("All alerts go to {one}. While {one} does not take them they wait here and are sent again until they are accepted."),
            ),
            (Order::Fallback, [first, rest @ ..]) => {
                let (rest, after) = (self.list(rest), self.span(config.delivery.give_up_after));
                self.say(
                    format!("Larm går först till {first}. Har {first} inte tagit emot ett larm inom {after} skickas det även till {rest}."),
                    format!("Alerts go to {first} first. What {first} has not accepted within {after} is sent to {rest} as well."),
                )
            }
            (Order::All, all) => {
                let all = self.list(all);
                self.say(format!("Varje larm går till {all}."), format!("Every alert goes to {all}."))
            }
            (Order::Fallback, []) => String::new(),
        }
    }

    fn who(&self) -> String {
        if self.told.is_empty() { self.say("ingen", "nobody") } else { self.list(&self.told) }
    }

    fn is(&self) -> &'static str {
        if self.told.len() > 1 { "are" } else { "is" }
    }

    /// Joins names as one reads them aloud.
    fn list(&self, names: &[&str]) -> String {
        let and = self.say(" och ", " and ");
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{}{and}{last}", rest.join(", ")),
            Some((last, _)) => (*last).to_owned(),
            None => String::new(),
        }
    }

    /// Writes a span in words, such as "1 hour 30 minutes".
    fn span(&self, span: Duration) -> String {
        let seconds = span.as_secs();
        let (sv, en) = match self.language {
            Language::Sv => (true, false),
            Language::En => (false, true),
        };
        let many = |count: u64, (one_sv, many_sv): (&str, &str), one_en: &str| {
            let plural = if en && count != 1 { "s" } else { "" };
            let word = match (sv, count) {
                (true, 1) => one_sv,
                (true, _) => many_sv,
                (false, _) => one_en,
            };
            format!("{count} {word}{plural}")
        };
        let parts = [
            (seconds / 3600, ("timme", "timmar"), "hour"),
            (seconds / 60 % 60, ("minut", "minuter"), "minute"),
            (seconds % 60, ("sekund", "sekunder"), "second"),
        ];
        let said: Vec<String> =
            parts.into_iter().filter(|(count, _, _)| *count > 0).map(|(count, sv, en)| many(count, sv, en)).collect();
        if said.is_empty() { many(0, ("sekund", "sekunder"), "second") } else { said.join(" ") }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Looks, parse};
    use super::*;

    fn of(language: &str, bed: &str, dispatch: &str) -> Vec<String> {
        let text = format!(
            "[gateway]\nid = \"1\"\nlanguage = \"{language}\"\n[[bed]]\nid = \"bed-1\"\n[bed.mqtt]\ntopic = \"t\"\n{bed}\n\
             [[dispatch]]\nname = \"larmcentral\"\n[dispatch.https]\nurl = \"https://a.example/\"\n{dispatch}"
        );
        let config = parse(&text, "f", Looks::Elsewhere).unwrap().config;
        meaning(&config).into_iter().map(|paragraph| paragraph.text).collect()
    }

    fn with_watch(language: &str, watch: &str, alarm: &str) -> String {
        let text = format!(
            "[gateway]\nid = \"1\"\nlanguage = \"{language}\"\n[[bed]]\nid = \"bed-1\"\nwatch = {watch}\n[bed.mqtt]\n\
             topic = \"t\"\n[bed.alarm]\n{alarm}\n[[dispatch]]\nname = \"larmcentral\"\n[dispatch.https]\n\
             url = \"https://a.example/\"\n"
        );
        let config = parse(&text, "f", Looks::Elsewhere).unwrap().config;
        meaning(&config)[0].text.clone()
    }

    const NIGHT: &str = "{ from = \"22:00\", to = \"07:00\" }";

    #[test]
    fn a_nurse_reads_in_english_what_will_happen() {
        assert_eq!(
            with_watch("en", NIGHT, "not-in-bed = \"23:30\"\nedge = true"),
            "Bed bed-1 is watched from 22:00 to 07:00. When the resident gets up, larmcentral is told at once, and again \
             if she is not back within 15 minutes, and every 30 minutes from then on. When she sits up on the edge of the \
             bed, larmcentral is warned. If nobody is in the bed at 23:30, larmcentral is told. Between 07:00 and 22:00 \
             nobody is told when she gets up. If the mat stops working, larmcentral is told, at every hour."
        );
    }

    #[test]
    fn and_in_swedish() {
        assert_eq!(
            with_watch("sv", NIGHT, "rise = false\nnot-returned = \"90min\"\nrepeat = \"1h\"\nnot-up = \"09:30\""),
            "Säng bed-1 bevakas från 22:00 till 07:00. När den boende går upp larmas ingen genast; larmcentral larmas om \
             hon inte är tillbaka inom 1 timme 30 minuter, och därefter med 1 timme emellan. Är sängen fortfarande tom \
             efter 22:00 larmas ingen för det. Ligger hon kvar klockan 09:30 larmas larmcentral. Mellan 07:00 och 22:00 \
             larmas ingen när hon går upp. Om mattan slutar fungera får larmcentral veta det, alla tider på dygnet."
        );
    }

    #[test]
    fn a_bed_about_which_nobody_is_told_says_so() {
        let said = with_watch("en", "\"always\"", "rise = false\nnot-returned = \"off\"");
        assert!(
            said.starts_with("Bed bed-1 is watched day and night. Nobody is told when the resident gets up."),
            "{said}"
        );
        assert!(with_watch("sv", "\"always\"", "not-returned = \"off\"").contains("Ingen påminns"));
    }

    #[test]
    fn several_ways_out_are_told_in_their_order() {
        let second = "[[dispatch]]\nname = \"nattpatrull\"\n[dispatch.https]\nurl = \"https://b.example/\"\n";
        let said = of("en", "", second);
        assert_eq!(
            said[1],
            "Alerts go to larmcentral first. What larmcentral has not accepted within 10 seconds is sent to nattpatrull \
             as well."
        );
        let said = of("sv", "", &format!("{second}[delivery]\norder = \"all\"\n"));
        assert!(said[0].contains("larmas larmcentral och nattpatrull genast"), "{}", said[0]);
        assert_eq!(said[1], "Varje larm går till larmcentral och nattpatrull.");
    }

    #[test]
    fn a_fixed_confirmation_is_told_and_a_hasty_one_too() {
        assert!(of("en", "[bed.detect]\nconfirm = \"3s\"", "")[0].contains("empty for 3 seconds first"));
        assert!(of("sv", "[bed.detect]\nconfirm = \"0s\"", "")[0].contains("ett enda mätvärde"));
    }
}
