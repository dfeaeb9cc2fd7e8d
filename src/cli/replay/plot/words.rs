//! The words of a picture, in Swedish and English. What an event is called is `model`'s matter. PURE.

use crate::detect::ViewPhase;
use crate::model::{Language, Priority};

/// The words in one language.
#[derive(Debug)]
pub(super) struct Words {
    pub bed: &'static str,
    pub load: &'static str,
    pub watched: &'static str,
    pub not_watched: &'static str,
    pub levels: [&'static str; 4],
    pub levels_dashed: &'static str,
    pub fault: &'static str,
    pub gap: &'static str,
    pub events: &'static str,
    pub no_events: &'static str,
    pub earliest: &'static str,
    pub left_out: &'static str,
    pub beyond: &'static str,
    phases: [&'static str; 6],
    priorities: [&'static str; 3],
}

impl Words {
    /// Returns the words in a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Sv => &SV,
            Language::En => &EN,
        }
    }

    /// Returns what a phase is called.
    pub(super) const fn phase(&self, phase: ViewPhase) -> &'static str {
        let [unknown, empty, settling, in_bed, edge, leaving] = self.phases;
        match phase {
            ViewPhase::Unknown => unknown,
            ViewPhase::Empty => empty,
            ViewPhase::Settling => settling,
            ViewPhase::InBed => in_bed,
            ViewPhase::Edge => edge,
            ViewPhase::Leaving => leaving,
        }
    }

    /// Returns what a priority is called.
    pub(super) const fn priority(&self, priority: Priority) -> &'static str {
        let [info, warning, alarm] = self.priorities;
        match priority {
            Priority::Info => info,
            Priority::Warning => warning,
            Priority::Alarm => alarm,
        }
    }
}

const SV: Words = Words {
    bed: "Säng",
    load: "Belastning på mattan",
    watched: "Bevakat",
    not_watched: "utanför bevakningstiden",
    levels: ["tom säng", "borta under", "i säng över", "liggande"],
    levels_dashed: "Streckat: nivåer och gränser, som de gällde",
    fault: "Fel på mattan",
    gap: "Inga värden",
    events: "Händelser",
    no_events: "Inga händelser",
    earliest: "tidigast",
    left_out: "händelser till visas inte; zooma in med --from och --to",
    beyond: "Enstaka värden utanför skalan visas vid kanten",
    phases: ["Okänt, lär in", "Tom säng", "Lägger sig", "I sängen", "På sängkanten", "På väg upp"],
    priorities: ["upplysning", "varning", "larm"],
};

const EN: Words = Words {
    bed: "Bed",
    load: "Load on the mat",
    watched: "Watched",
    not_watched: "outside the watch",
    levels: ["empty bed", "gone below", "in bed above", "lying"],
    levels_dashed: "Dashed: levels and thresholds, as they were",
    fault: "Mat fault",
    gap: "No readings",
    events: "Events",
    no_events: "No events",
    earliest: "earliest",
    left_out: "more events are not shown; zoom in with --from and --to",
    beyond: "Single values beyond the scale are shown at its edge",
    phases: ["Unknown, learning", "Empty bed", "Lying down", "In bed", "On the edge", "Leaving"],
    priorities: ["information", "warning", "alarm"],
};
