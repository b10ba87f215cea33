//! What a device's thread does: opening and closing may take seconds.

use std::path::Path;
use std::sync::Arc;

use super::candidates::candidates;
use super::event::Event;
use super::file;
use super::order::SourceOrder;
use super::request::{CaptureRequest, Playing};
use super::source::Source;
use super::volume::{Card, VolumeControl};
use crate::files;
use crate::media::bridge::Bridge;
use crate::media::core::caps::picture_caps;
use crate::media::core::event_sender::EventSender;
use crate::media::profile::{Capture, From, Memory, Takes};
use crate::media::publisher::processing::AudioProcessing;
use crate::media::publisher::send_meter::SendMeter;
use crate::media::publisher::settings::{Explain, Locate, Settings, TurnMixer};
use crate::model::Refusal;
use crate::model::message::DeviceKind;
use crate::model::volume::{Loudness, Side};

/// One piece of work for a device's thread.
#[derive(Debug)]
pub enum Job {
    Open(Box<OpenRequest>),
    Close(Box<Source>),
    ApplyVolume {
        generation: u64,
        card: Card,
        wanted: Loudness,
    },
    /// Reads the volume at its card, and opens nothing.
    ReadVolume(Box<OpenRequest>),
}

/// How a device is found and opened, whatever is asked of it.
#[derive(Clone)]
pub struct OpenContext {
    pub device: DeviceKind,
    /// What the profile has for it.
    pub captures: Arc<[Capture]>,
    /// The path that `media.file` names.
    pub file: Option<String>,
    pub processing: AudioProcessing,
    /// The profile's name: the id of a device that cannot be chosen.
    profile: String,
    locate: Locate,
    explain: Explain,
    mixer: TurnMixer,
}

impl OpenContext {
    pub fn new(device: DeviceKind, settings: &Settings) -> Self {
        let profile = &settings.profile;
        let captures = match device {
            DeviceKind::Camera => profile.cameras.clone(),
            DeviceKind::Microphone => profile.microphones.clone(),
        };
        Self {
            device,
            captures: captures.into(),
            file: settings.file.as_ref().map(|file| file.to_string_lossy().into_owned()),
            // Only what a real microphone hears is a voice in a room.
            processing: match device {
                DeviceKind::Microphone if profile.chooses(device) => {
                    AudioProcessing::new(settings.voice, &settings.speaker)
                }
                DeviceKind::Camera | DeviceKind::Microphone => AudioProcessing::none(),
            },
            profile: profile.name().to_owned(),
            locate: Arc::clone(&settings.locate),
            explain: Arc::clone(&settings.explain),
            mixer: Arc::clone(&settings.mixer),
        }
    }

    /// Whether pictures may leave as the camera made them.
    pub fn passes_pictures_on(&self) -> bool {
        let passes =
            |capture: &Capture| capture.takes == Some(Takes::Untouched) || capture.shares == Memory::Camera;
        self.captures.iter().any(passes)
    }

    /// Leaves only what copies its pictures.
    pub fn stop_sharing(&mut self) {
        self.captures =
            self.captures.iter().filter(|capture| capture.shares == Memory::Own).cloned().collect();
    }
}

/// A device to find and to open.
pub struct OpenRequest {
    pub context: OpenContext,
    pub generation: u64,
    /// Which candidate is to be tried, from 0.
    pub candidate: usize,
    pub request: CaptureRequest,
    pub playing: Playing,
}

impl std::fmt::Debug for OpenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenRequest")
            .field("device", &self.context.device)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// Does one job; its result is an event. Once the loop has ended, a device that was opened is closed here.
pub fn work(job: Job, bridge: &Arc<Bridge>, meter: &Arc<SendMeter>, events: &EventSender<Event>) {
    let event = match job {
        Job::Open(wanted) => {
            let generation = wanted.generation;
            let stream = events.part(move |event| Event::Stream { generation, event });
            let (candidates, outcome) = match find(&wanted) {
                Ok((order, volume, candidates)) => {
                    (candidates, Source::open(&order, volume, bridge, meter, &stream))
                }
                Err(refusal) => (0, Err(refusal)),
            };
            Event::Opened { generation, candidates, outcome: outcome.map(Box::new) }
        }
        Job::Close(source) => {
            drop(source);
            Event::Closed
        }
        Job::ApplyVolume { generation, card, wanted } => {
            Event::VolumeApplied { generation, wanted, by: card.apply(wanted) }
        }
        Job::ReadVolume(wanted) => match find(&wanted).map(|(_, volume, _)| volume.own()) {
            Ok(Some(volume)) => Event::CardVolume(volume),
            // Why there is none is said when it is opened.
            Ok(None) | Err(_) => return,
        },
    };
    events.send(event);
}

/// Opening or reading anything else may never end.
fn regular(device: DeviceKind, file: Option<&str>) -> Result<(), Refusal> {
    let Some(file) = file else { return Ok(()) };
    files::open(Path::new(file))
        .map(|_| ())
        .map_err(|error| Refusal::new(device.device_empty(), format!("{file}: {error}")))
}

/// Where it is, how it is to be captured and what controls its volume, and how many candidates there are.
fn find(wanted: &OpenRequest) -> Result<(SourceOrder, VolumeControl, usize), Refusal> {
    let OpenRequest { context, generation, candidate, request, playing } = wanted;
    let device = context.device;
    let chosen =
        context.captures.iter().any(|capture| capture.address.is_some() && capture.from == From::Device);
    let located = if chosen { Some((context.locate)(device, &request.choice)?) } else { None };
    let offers = located.as_ref().map_or(&[][..], |located| &located.offers);
    let mut found = candidates(&context.captures, offers, request.quality, request.drawing);
    let count = found.len();
    if found.is_empty() {
        return Err(Refusal::new(device.start_fail(), "the profile has no way to capture it"));
    }
    let mut candidate = found.swap_remove((*candidate).min(count - 1));
    if candidate.capture.from == From::File {
        match playing {
            Playing::File => regular(device, context.file.as_deref())?,
            Playing::Silence => file::SILENCE.clone_into(&mut candidate.capture.launch),
        }
    }
    let (id, address) = match (candidate.capture.from, &located) {
        (From::File, _) => (context.profile.clone(), context.file.clone()),
        (From::Device, Some(located)) if candidate.capture.address.is_some() => {
            (located.id.clone(), Some(located.address.clone()))
        }
        (From::Device, _) => (context.profile.clone(), None),
    };
    if let Some(choice) = &candidate.choice {
        tracing::info!("{id} captured as {choice}: {}", candidate.why);
    }
    let (volume, processing) = match (device, candidate.capture.from, &address) {
        (DeviceKind::Microphone, From::Device, Some(address)) => {
            let card = Card::new(Side::Capture, address, &context.mixer);
            (card.fit(request.volume), context.processing.clone())
        }
        (DeviceKind::Camera | DeviceKind::Microphone, From::Device | From::File, _) => {
            (VolumeControl::Pipeline, AudioProcessing::none())
        }
    };
    let order = SourceOrder {
        device,
        generation: *generation,
        caps: candidate.choice.map_or_else(|| request.caps.clone(), |choice| picture_caps(choice.sent)),
        candidate,
        located,
        explain: Arc::clone(&context.explain),
        address,
        id,
        wanted: request.quality,
        mirror: request.mirror,
        gain: volume.gain(request.volume),
        processing,
    };
    Ok((order, volume, count))
}
