//! What is said on the walk and of the mat, in Swedish or English. PURE.

use std::path::Path;

use crate::detect::calibration::{Finding, Step};
use crate::model::proof::Grade;
use crate::model::{BedId, Language};

/// The language that is spoken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Language);

impl Words {
    const fn say(self, sv: &'static str, en: &'static str) -> &'static str {
        match self.0 {
            Language::Sv => sv,
            Language::En => en,
        }
    }

    pub(super) fn not_watched(self, bed: BedId) -> String {
        let says = self.say(
            "bevakas inte medan du går igenom stegen, och larmmottagaren får veta det",
            "is not watched while you walk through the steps, and dispatch is told so",
        );
        format!("{bed} {says}.\n")
    }

    /// The walk has ended too early; `paused`: so has the pause.
    pub(super) const fn ended(self, paused: bool) -> &'static str {
        if paused {
            self.say(
                "avbrutet; inget är skrivet, och sängen bevakas som förut",
                "ended before its time; nothing is written, and the bed is watched as before",
            )
        } else {
            self.say("avbrutet; inget är skrivet", "ended before its time; nothing is written")
        }
    }

    pub(super) fn step(self, number: usize, step: Step) -> String {
        let (of, enter) = (self.say("av", "of"), self.say("Tryck Enter när det är så.", "Press Enter when it is so."));
        format!("\n{number} {of} {}  {}\n        {enter}\n", Step::ALL.len(), self.asked(step))
    }

    /// What the person at the bed is asked to do.
    const fn asked(self, step: Step) -> &'static str {
        match step {
            Step::Empty => self.say(
                "Sängen bäddad som på natten, och tom. Ingen hand på den.",
                "The bed as it is made at night, and empty. No hand on it.",
            ),
            Step::OnBack => self.say(
                "Ligg på rygg i mitten, som den boende ligger.",
                "Lie on your back in the middle, as the resident lies.",
            ),
            Step::OnLeft => self.say("På vänster sida, nära den kanten.", "On your left side, near that edge."),
            Step::OnRight => {
                self.say("På höger sida, nära den andra kanten.", "On your right side, near the other edge.")
            }
            Step::OnEdge => {
                self.say("Sitt på kanten, där den boende går upp.", "Sit on the edge, where the resident gets up.")
            }
            Step::Left => self.say("Gå upp, och stå fri från sängen.", "Get up, and stand clear of the bed."),
        }
    }

    pub(super) fn measured(self, all: f64, readings: usize) -> String {
        match self.0 {
            Language::Sv => format!("        Mätt: {all:.1}, av {readings} värden.\n"),
            Language::En => format!("        Measured: {all:.1}, from {readings} readings.\n"),
        }
    }

    pub(super) fn measuring(self, seconds: u64) -> String {
        format!("{}, {seconds} s", self.say("mäter", "measuring"))
    }

    pub(super) const fn nothing_comes(self) -> &'static str {
        self.say("det kommer inget från mattan", "nothing comes from the mat")
    }

    pub(super) fn nothing_for(self, seconds: u64, why: &str) -> String {
        match self.0 {
            Language::Sv => {
                format!(
                    "det har inte kommit något från mattan på {seconds} s{why}; `sudo nattvakt doctor` letar efter orsaken"
                )
            }
            Language::En => {
                format!(
                    "nothing has come from the mat for {seconds} s{why}; `sudo nattvakt doctor` looks for the reason"
                )
            }
        }
    }

    pub(super) fn verdict(self, bed: BedId, grade: Grade) -> String {
        let verdict = match grade {
            Grade::Good => self.say("bra.", "good."),
            Grade::Weak => self.say("går att använda, men se efter:", "it can be used, but look at this:"),
            Grade::Unfit => self.say(
                "GÅR INTE ATT BEVAKA MED. Rätta till det som följer och mät igen.",
                "NOT fit to watch with. Put right what follows, and calibrate again.",
            ),
        };
        format!("{} {bed}: {verdict}", self.say("Mattan i", "The mat of"))
    }

    pub(super) const fn no_levels(self) -> &'static str {
        self.say("en kontakt har inga nivåer att mäta", "a contact has no levels to be measured")
    }

    pub(super) fn times(self, noises: f64) -> String {
        format!("{noises:.0} {}", self.say("gånger", "times"))
    }

    pub(super) const fn many_times(self) -> &'static str {
        self.say("mer än 1000 gånger", "more than 1000 times")
    }

    /// By how much lying moves the value, how many times its noise, and whether that is clear enough.
    pub(super) fn moved(self, by: &str, times: &str, clear: bool) -> String {
        let judged = if clear { self.say("bra", "fine") } else { self.say("för lite", "too little") };
        match self.0 {
            Language::Sv => format!("att ligga flyttar värdet {by}, {times} bruset: {judged}"),
            Language::En => format!("lying moves it by {by}, {times} its noise: {judged}"),
        }
    }

    pub(super) fn shares(self, shares: &str) -> String {
        format!("{}: {shares}", self.say("av den som ligger syns", "of a lying person it shows"))
    }

    pub(super) const fn short(self, step: Step) -> &'static str {
        match step {
            Step::Empty => self.say("tom", "empty"),
            Step::OnBack => self.say("på rygg", "on the back"),
            Step::OnLeft => self.say("vänster sida", "left side"),
            Step::OnRight => self.say("höger sida", "right side"),
            Step::OnEdge => self.say("på kanten", "on the edge"),
            Step::Left => self.say("efter att ha gått upp", "after getting up"),
        }
    }

    pub(super) fn levels(self, empty: &str, occupied: &str) -> String {
        format!("{}: empty = {empty}, occupied = {occupied}", self.say("nivåer", "levels"))
    }

    /// What is not as it should be, and what to do.
    pub(super) fn finding(self, finding: &Finding) -> String {
        if self.0 == Language::En {
            return finding.to_string();
        }
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        match *finding {
            Finding::NothingMoves => {
                "att ligga flyttar inte värdet: mattan ligger inte under personen, kabeln är ur, eller \
                                      så läser inställningarna ett annat värde"
                    .to_owned()
            }
            Finding::Noisy(noises) => format!(
                "att ligga flyttar värdet bara {noises:.0} gånger bruset: lägg mattan högre, strax under lakanet eller \
                 överkroppen, och kabeln bort från nätdelar"
            ),
            Finding::Hidden(step, share) => format!(
                "{} syns bara {} av den som ligger på rygg: flytta mattan till mitten, under höft och rygg",
                self.short(step),
                percent(share)
            ),
            Finding::Remains(share) => format!(
                "{} av lasten är kvar när sängen är tom: ta bort det som ligger på mattan; under tjockt skum vänta en \
                 minut och mät igen",
                percent(share)
            ),
            Finding::EdgeLooksLikeLying(share) => format!(
                "på kanten syns {} av den som ligger: varningen `edge` kommer sent eller inte alls med den här mattan",
                percent(share)
            ),
            Finding::AtTheEnd => {
                "när någon ligger är värdet vid slutet av sitt område: att en del försvinner syns kanske \
                                  inte; minska givarens förstärkning eller lägg mattan djupare"
                    .to_owned()
            }
            Finding::DeadZone(zone) => {
                format!("zon {zone} rör sig inte, var någon än ligger: se på dess kontakt, eller på dess kolumn")
            }
            Finding::WrongContact(step) => format!(
                "kontakten säger att {}, i läget {}: flytta mattan under höft och rygg, eller sätt `invert`",
                if matches!(step, Step::Empty | Step::Left) { "någon ligger där" } else { "ingen är där" },
                self.short(step)
            ),
            Finding::Failed(failed, all) => {
                format!("{failed} av {all} värden gick inte att använda: se på kontakten och på hastigheten (`baud`)")
            }
        }
    }

    pub(super) fn write_into(self, file: &Path) -> String {
        let file = file.display();
        match self.0 {
            Language::Sv => format!("Skriva de här nivåerna i {file}? [j/N]"),
            Language::En => format!("Write these levels into {file}? [y/N]"),
        }
    }

    pub(super) const fn not_written(self) -> &'static str {
        self.say("Inget är skrivet.\n", "Nothing is written.\n")
    }

    pub(super) fn written(self, kept: &Path) -> String {
        let kept = kept.display();
        match self.0 {
            Language::Sv => format!(
                "Skrivet. Filen som den var: {kept}\nNivåerna gäller när bevakningen läser sina inställningar igen:\n  \
                 sudo systemctl reload nattvakt\n"
            ),
            Language::En => format!(
                "Written. The file as it was: {kept}\nThe levels count once the watch reads its configuration again:\n  \
                 sudo systemctl reload nattvakt\n"
            ),
        }
    }
}
