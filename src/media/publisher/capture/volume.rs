//! The volume of an open microphone or speaker: set at its card where the mixer takes it, else in the pipeline.
//!
//! ```text
//! opened ─┬─ its mixer took the volume, ──► at the card ── it takes no more ─► in the pipeline
//!         │  or is left as it is
//!         └─ nobody did ───────────────────────────────────────────────────► in the pipeline
//! ```
//! A mixer may block, so it is turned on a thread of the device's, one turn at a time, and the latest wish wins. What is left to the
//! pipeline holds at once, so that nothing is heard of a device at 0 % however long its mixer takes.
//!
//! Invariant: the factor of the pipeline follows from the wish and from this, never from the order in which answers come. Not here:
//! which control of which card is meant (`devices`, handed in as [`TurnMixer`]).

use crate::media::publisher::settings::TurnMixer;
use crate::model::Volume;
use crate::model::volume::{Loudness, Side, Taken};

/// The card of a device, and the way to its mixer.
#[derive(Clone)]
pub struct Card {
    side: Side,
    address: String,
    mixer: TurnMixer,
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Card")
            .field("side", &self.side)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Card {
    pub fn new(side: Side, address: &str, mixer: &TurnMixer) -> Self {
        Self { side, address: address.to_owned(), mixer: std::sync::Arc::clone(mixer) }
    }

    /// Applies the volume and returns which control did it. May block.
    pub fn apply(&self, wanted: Loudness) -> Taken {
        (self.mixer)(self.side, &self.address, wanted)
    }

    /// As the device is opened: how its volume will be turned. May block.
    pub fn fit(self, wanted: Loudness) -> VolumeControl {
        let taken = self.apply(wanted);
        tracing::info!("{} volume of {} {taken}", self.side, self.address);
        match taken {
            Taken::Mixer(_) | Taken::Left(..) => {
                VolumeControl::Mixer { card: self, taken, turned: wanted, turn: VolumeJob::None }
            }
            Taken::Nobody(_) => VolumeControl::Pipeline,
        }
    }
}

/// Whether an answer of the mixer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeJob {
    None,
    UnderWay,
}

/// By what the volume is turned.
#[derive(Debug)]
pub enum VolumeControl {
    /// By the pipeline alone.
    Pipeline,
    /// By the card's mixer, which was last turned to this.
    Mixer { card: Card, taken: Taken, turned: Loudness, turn: VolumeJob },
}

impl VolumeControl {
    /// The pipeline's factor for the wanted volume.
    pub fn gain(&self, wanted: Loudness) -> f64 {
        match self {
            Self::Pipeline => Taken::Nobody(String::new()).gain(wanted),
            Self::Mixer { taken, .. } => taken.gain(wanted),
        }
    }

    /// The card's own volume, where it is left as it is.
    pub fn own(&self) -> Option<Volume> {
        match self {
            Self::Mixer { taken: Taken::Left(_, volume), turned: Loudness::AsItIs, .. } => Some(*volume),
            Self::Mixer { .. } | Self::Pipeline => None,
        }
    }

    /// Sets the pipeline's factor for the wanted volume, and has the card turned where it must be; its answer must come back by
    /// [`VolumeControl::applied`]. A card that `turn` has nobody for is left to the pipeline.
    pub fn follow(
        &mut self,
        wanted: Loudness,
        set_gain: impl Fn(f64),
        turn: impl FnOnce(Card) -> Result<(), String>,
    ) {
        set_gain(self.gain(wanted));
        if let Some(card) = self.want(wanted)
            && let Err(why) = turn(card)
        {
            self.applied(wanted, &Taken::Nobody(why));
            set_gain(self.gain(wanted));
        }
    }

    /// The card that is to be turned to the wanted volume now.
    fn want(&mut self, wanted: Loudness) -> Option<Card> {
        let is_set = matches!(wanted, Loudness::Set(_));
        match self {
            Self::Mixer { card, turned, turn, .. }
                if is_set && *turn == VolumeJob::None && *turned != wanted =>
            {
                *turn = VolumeJob::UnderWay;
                Some(card.clone())
            }
            Self::Pipeline | Self::Mixer { .. } => None,
        }
    }

    /// The mixer was turned to this, or not.
    pub fn applied(&mut self, wanted: Loudness, answer: &Taken) {
        match (&mut *self, answer) {
            (Self::Pipeline, Taken::Mixer(_) | Taken::Left(..) | Taken::Nobody(_)) => {}
            (Self::Mixer { turned, turn, .. }, Taken::Mixer(_) | Taken::Left(..)) => {
                (*turned, *turn) = (wanted, VolumeJob::None);
            }
            (Self::Mixer { card, .. }, Taken::Nobody(_)) => {
                tracing::warn!("{} volume of {} from now on {answer}", card.side, card.address);
                *self = Self::Pipeline;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn percent(percent: i64) -> Loudness {
        Loudness::Set(Volume::try_from(percent).expect("0 to 100"))
    }

    fn card(answer: Taken) -> Card {
        let mixer: TurnMixer = Arc::new(move |side, address, _| {
            assert_eq!((side, address), (Side::Capture, "hw:CARD=Desk,DEV=0"));
            answer.clone()
        });
        Card::new(Side::Capture, "hw:CARD=Desk,DEV=0", &mixer)
    }

    fn mixer() -> Taken {
        Taken::Mixer("Mic".to_owned())
    }

    fn nobody() -> Taken {
        Taken::Nobody("its mixer has no capture volume".to_owned())
    }

    #[test]
    fn what_the_mixer_takes_the_pipeline_leaves_alone() {
        for (answer, volume, gain) in [
            (mixer(), 100, 1.0),
            (mixer(), 40, 1.0),
            // Many a mixer only turns down.
            (mixer(), 0, 0.0),
            (nobody(), 100, 1.0),
            (nobody(), 40, 0.4),
            (nobody(), 0, 0.0),
        ] {
            let knob = card(answer.clone()).fit(percent(volume));
            let got = knob.gain(percent(volume));
            assert!((got - gain).abs() < 1e-9, "{answer:?} at {volume} %: {got}");
        }
    }

    #[test]
    fn a_card_that_is_left_as_it_is_is_not_turned_until_a_volume_is_wanted() {
        let left = Taken::Left("Mic".to_owned(), Volume::try_from(63).expect("0 to 100"));
        let mut knob = card(left.clone()).fit(Loudness::AsItIs);
        assert_eq!(knob.own().map(Volume::percent), Some(63));
        assert!((knob.gain(Loudness::AsItIs) - 1.0).abs() < 1e-9);
        assert!(knob.want(Loudness::AsItIs).is_none());
        assert!(knob.gain(percent(0)) < 1e-9, "nothing is nothing at once");
        assert!(knob.want(percent(40)).is_some());
        knob.applied(percent(40), &mixer());
        assert_eq!(knob.own(), None, "it is no longer as it was");
        assert!(knob.want(Loudness::AsItIs).is_none(), "and stays where it was put");
        let pipeline = card(nobody()).fit(Loudness::AsItIs);
        assert!(pipeline.own().is_none() && (pipeline.gain(Loudness::AsItIs) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn one_turn_at_a_time_and_the_latest_wish_wins() {
        let mut knob = card(mixer()).fit(percent(100));
        assert!(knob.want(percent(100)).is_none(), "it stands there");
        assert!(knob.want(percent(30)).is_some());
        assert!(knob.want(percent(20)).is_none() && knob.want(percent(0)).is_none(), "one is under way");
        assert!(knob.gain(percent(0)) < 1e-9, "nothing is heard, whatever the mixer does");
        knob.applied(percent(30), &mixer());
        assert!(knob.gain(percent(0)) < 1e-9, "the answer to an older wish changes nothing");
        assert!(knob.want(percent(0)).is_some(), "it is turned on to the latest");
        knob.applied(percent(0), &mixer());
        assert!(knob.want(percent(0)).is_none());
    }

    #[test]
    fn a_mixer_that_takes_no_more_leaves_it_to_the_pipeline() {
        let mut knob = card(mixer()).fit(percent(100));
        assert!(knob.want(percent(30)).is_some());
        knob.applied(percent(30), &nobody());
        assert!((knob.gain(percent(30)) - 0.3).abs() < 1e-9);
        assert!(knob.want(percent(20)).is_none(), "it is not asked again before it is opened again");
        // An answer that comes late.
        knob.applied(percent(20), &mixer());
        assert!((knob.gain(percent(20)) - 0.2).abs() < 1e-9);
    }
}
