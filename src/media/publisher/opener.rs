//! The threads that open and close devices: both may take seconds.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::bridge::Bridge;
use super::devices::{Playing, Wish};
use super::events::Event;
use super::filler::picture_caps;
use super::knob::{Card, Knob};
use super::profile::{Capture, From};
use super::source::{Order, Source, file};
use super::stats::Meter;
use super::voice::Care;
use super::ways::ways;
use super::{Explain, Locate, TurnMixer};
use crate::files;
use crate::model::Refusal;
use crate::model::message::DeviceKind;
use crate::model::volume::{Loudness, Side};

/// What a device's thread does.
#[derive(Debug)]
pub(super) enum Job {
    Open(Box<Wanted>),
    Close(Box<Source>),
    Turn {
        generation: u64,
        card: Card,
        wanted: Loudness,
    },
    /// Finds it and its volume, and opens nothing.
    Look(Box<Wanted>),
}

/// A device to find and to open.
pub(super) struct Wanted {
    pub(super) device: DeviceKind,
    pub(super) generation: u64,
    /// What the profile has for it.
    pub(super) captures: Arc<[Capture]>,
    /// Which way is to be tried, from 0.
    pub(super) candidate: usize,
    pub(super) wish: Wish,
    pub(super) file: Option<String>,
    pub(super) playing: Playing,
    /// The profile: what a device is called that cannot be chosen.
    pub(super) profile: String,
    pub(super) locate: Locate,
    pub(super) explain: Explain,
    pub(super) mixer: TurnMixer,
    pub(super) care: Care,
}

impl std::fmt::Debug for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wanted")
            .field("device", &self.device)
            .field("wish", &self.wish)
            .finish_non_exhaustive()
    }
}

/// What a device's thread does, one job after the other.
pub(super) fn work(
    kind: DeviceKind,
    job: Job,
    bridge: &Arc<Bridge>,
    meter: &Arc<Meter>,
    desk: &SyncSender<Event>,
) {
    let event = match job {
        Job::Open(wanted) => {
            let generation = wanted.generation;
            let (ways, outcome) = match find(&wanted) {
                Ok((order, knob, ways)) => (ways, Source::open(&order, knob, bridge, meter, desk)),
                Err(refusal) => (0, Err(refusal)),
            };
            Event::Opened { device: kind, generation, ways, outcome: outcome.map(Box::new) }
        }
        Job::Close(source) => {
            source.close();
            Event::Closed { device: kind }
        }
        Job::Turn { generation, card, wanted } => {
            Event::Turned { device: kind, generation, wanted, taken: card.turn(wanted) }
        }
        Job::Look(wanted) => match find(&wanted).map(|(_, knob, _)| knob.own()) {
            Ok(Some(volume)) => Event::Stands { volume },
            // Why there is none is said when it is opened.
            Ok(None) | Err(_) => return,
        },
    };
    // The desk takes nothing more only when it has ended: then an opened device is closed by being dropped here.
    if let Err(error) = desk.send(event)
        && let Event::Opened { outcome: Ok(source), .. } = error.0
    {
        source.close();
    }
}

/// Opening or reading anything else may never end.
fn regular(device: DeviceKind, file: Option<&str>) -> Result<(), Refusal> {
    let Some(file) = file else { return Ok(()) };
    files::open(Path::new(file))
        .map(|_| ())
        .map_err(|error| Refusal::new(device.device_empty(), format!("{file}: {error}")))
}

/// Where it is, how it is to be captured and what turns its volume, and how many ways there are.
fn find(wanted: &Wanted) -> Result<(Order, Knob, usize), Refusal> {
    let Wanted { device, generation, captures, candidate, wish, .. } = wanted;
    let chosen = captures.iter().any(|capture| capture.address.is_some() && capture.from == From::Device);
    let located = if chosen { Some((wanted.locate)(*device, &wish.choice)?) } else { None };
    let offers = located.as_ref().map_or(&[][..], |located| &located.offers);
    let mut ways = ways(captures, offers, wish.quality, wish.drawing);
    let count = ways.len();
    if ways.is_empty() {
        return Err(Refusal::new(device.start_fail(), "the profile has no way to capture it"));
    }
    let mut way = ways.swap_remove((*candidate).min(count - 1));
    if way.capture.from == From::File {
        match wanted.playing {
            Playing::File => regular(*device, wanted.file.as_deref())?,
            Playing::Silence => file::SILENCE.clone_into(&mut way.capture.launch),
        }
    }
    let (id, address) = match (way.capture.from, &located) {
        (From::File, _) => (wanted.profile.clone(), wanted.file.clone()),
        (From::Device, Some(located)) if way.capture.address.is_some() => {
            (located.id.clone(), Some(located.address.clone()))
        }
        (From::Device, _) => (wanted.profile.clone(), None),
    };
    if let Some(choice) = &way.choice {
        tracing::info!("{id} captured as {choice}: {}", way.why);
    }
    let caps = way.choice.map_or_else(|| wish.caps.clone(), |choice| picture_caps(choice.sent));
    let explain = Arc::clone(&wanted.explain);
    let (knob, care) = match (device, way.capture.from, &address) {
        (DeviceKind::Microphone, From::Device, Some(address)) => {
            (Card::new(Side::Capture, address, &wanted.mixer).fit(wish.volume), wanted.care.clone())
        }
        (DeviceKind::Camera | DeviceKind::Microphone, From::Device | From::File, _) => {
            (Knob::Pipeline, Care::none())
        }
    };
    let (mirror, gain, wanted) = (wish.mirror, knob.gain(wish.volume), wish.quality);
    let (device, generation) = (*device, *generation);
    let order =
        Order { device, generation, way, located, explain, address, id, wanted, caps, mirror, gain, care };
    Ok((order, knob, count))
}
