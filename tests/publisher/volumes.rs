//! The volume of a microphone whose card has a mixer that takes it, and of one whose card has none.

use std::sync::{Arc, Mutex, PoisonError};

use coguestd::media::publisher::TurnMixer;
use coguestd::model::Volume;
use coguestd::model::media::{Ask, Report};
use coguestd::model::stage::SeatStats;
use coguestd::model::volume::{Loudness, Side, Taken};

use crate::level;
use crate::plugs::profile;
use crate::seat::{MICROPHONE, Seat, Setup};
use crate::trouble::{self, Mood};

/// A tone of −5 dBFS or so; the stage measures what was decoded.
fn is_full(stats: &SeatStats) -> bool {
    of(stats) > -12.0
}

fn is_a_tenth(stats: &SeatStats) -> bool {
    (-32.0..-18.0).contains(&of(stats))
}

fn is_silent(stats: &SeatStats) -> bool {
    of(stats) < -80.0
}

fn of(stats: &SeatStats) -> f64 {
    level(stats.audio.as_ref().and_then(|audio| audio.level_dbfs))
}

fn percent(percent: i64) -> Volume {
    Volume::try_from(percent).expect("0 to 100")
}

/// A card, and all that its mixer was turned to.
struct Card {
    name: &'static str,
    answer: Arc<Mutex<Taken>>,
    turned: Arc<Mutex<Vec<Loudness>>>,
    profiles: tempfile::TempDir,
}

impl Card {
    fn new(name: &'static str, answer: Taken) -> Self {
        trouble::register();
        let microphone = "launch = 'audiotestsrc is-live=true samplesperbuffer=960 ! coguesttrouble name=microphone'\n\
             address = \"what\"";
        let profiles =
            profile("carded", "launch = 'videotestsrc name=camera ! capsfilter name=size'", microphone);
        Self { name, answer: Arc::new(Mutex::new(answer)), turned: Arc::default(), profiles }
    }

    fn seat(&self) -> Seat {
        let (name, answer, turned) = (self.name, Arc::clone(&self.answer), Arc::clone(&self.turned));
        let mixer: TurnMixer = Arc::new(move |side, address, wanted| {
            assert_eq!((side, address), (Side::Capture, name), "only the microphone is a card");
            turned.lock().unwrap_or_else(PoisonError::into_inner).push(wanted);
            answer.lock().unwrap_or_else(PoisonError::into_inner).clone()
        });
        Seat::open(Setup {
            profile: "carded",
            directories: vec![self.profiles.path().to_owned()],
            microphone: name,
            mixer: Some(mixer),
            ..Setup::default()
        })
    }

    /// To what it was turned, beside the looks at it.
    fn turned(&self) -> Vec<u8> {
        let asked = self.turned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let set = |wanted| match wanted {
            Loudness::AsItIs => None,
            Loudness::Set(volume) => Some(volume.percent()),
        };
        asked.into_iter().filter_map(set).collect()
    }

    fn answers(&self, answer: Taken) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

#[test]
fn a_mixer_that_takes_the_volume_has_it_and_gets_it_again_when_the_card_is_reopened() {
    let card = Card::new("volumes-mixer", Taken::Mixer("Mic".to_owned()));
    let mut seat = card.seat();
    seat.ask(Ask::CaptureVolume(percent(10)));
    seat.sit_down(MICROPHONE);
    seat.live();
    // This mixer turns nothing: what is heard says what the pipeline does.
    seat.sees("full sound", is_full);
    assert_eq!(card.turned(), [10], "as it was opened");
    seat.ask(Ask::CaptureVolume(percent(0)));
    seat.sees("silence, though the mixer only turns down", is_silent);
    seat.ask(Ask::CaptureVolume(percent(40)));
    seat.sees("full sound again", is_full);
    seat.wait("the mixer's turn", |_| (card.turned().last() == Some(&40)).then_some(()));
    trouble::tell_once(card.name, Mood::Broken);
    seat.wait("the card back", |seat| {
        seat.said.iter().any(|said| matches!(said, Report::DeviceBack { .. })).then_some(())
    });
    assert_eq!(card.turned()[card.turned().len() - 2..], [40, 40], "it came back as the maker left it");
    seat.sees("full sound of the card that came back", is_full);
    // Its mixer goes, and the card stays.
    card.answers(Taken::Nobody("its mixer takes no volume".to_owned()));
    seat.ask(Ask::CaptureVolume(percent(10)));
    seat.sees("the pipeline's tenth", is_a_tenth);
    seat.close();
}

#[test]
fn a_card_for_which_no_volume_is_wanted_is_left_as_it_is_and_says_what_it_is() {
    let own = |percent_of| Taken::Left("Mic".to_owned(), percent(percent_of));
    let card = Card::new("volumes-own", own(63));
    let mut seat = card.seat();
    let stands = |seat: &Seat| match seat.said.last() {
        Some(Report::CaptureVolume(volume)) => Some(volume.percent()),
        _ => None,
    };
    assert_eq!(seat.wait("the card's own volume", |seat| stands(seat)), 63, "nothing is opened yet");
    card.answers(own(70));
    seat.sit_down(MICROPHONE);
    seat.live();
    seat.sees("full sound", is_full);
    let said = seat.said.iter().rev().find_map(|said| match said {
        Report::CaptureVolume(volume) => Some(volume.percent()),
        _ => None,
    });
    assert_eq!(said, Some(70), "as it was opened");
    assert_eq!(card.turned(), [0; 0]);
    card.answers(Taken::Mixer("Mic".to_owned()));
    seat.ask(Ask::CaptureVolume(percent(40)));
    seat.wait("the mixer's turn", |_| (card.turned() == [40]).then_some(()));
    seat.close();
}

#[test]
fn where_the_card_has_no_volume_the_pipeline_turns_it() {
    let card = Card::new("volumes-none", Taken::Nobody("its mixer has no capture volume".to_owned()));
    let mut seat = card.seat();
    seat.sit_down(MICROPHONE);
    seat.live();
    seat.sees("full sound", is_full);
    seat.ask(Ask::CaptureVolume(percent(10)));
    seat.sees("a tenth", is_a_tenth);
    seat.ask(Ask::CaptureVolume(percent(0)));
    seat.sees("silence", is_silent);
    assert_eq!(card.turned(), [0; 0], "such a mixer is not asked again");
    seat.close();
}
