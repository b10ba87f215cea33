//! Microphones and speakers: the PCM devices of ALSA's cards.
//!
//! An id such as `hw:CARD=Device,DEV=0` names a card by its id, which stays when the cards' numbers move.

use std::path::PathBuf;

use alsa::card::Iter as Cards;
use alsa::ctl::{Ctl, DeviceIter};
use alsa::pcm::{HwParams, PCM};
use alsa::{Direction, Output};
use serde::Serialize;

use super::volume::{self, MixerControl};
use super::{Named, choose, listing};
use crate::model::volume::Side;
use crate::model::{Code, Refusal};

/// The kernel's limit for cards (`SNDRV_CARDS`).
const MAX_CARDS: usize = 32;

/// A microphone or a speaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// ALSA's name for it, by the id of its card.
    pub id: String,
    /// Card and device, for people.
    pub name: String,
    /// Its node, such as `/dev/snd/pcmC1D0c`; may be another after the next plug.
    pub node: PathBuf,
}

impl Named for Sound {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

/// All devices that sound comes from. May block.
pub fn microphones() -> Vec<Sound> {
    scan(Direction::Capture)
}

/// All devices that sound goes to. May block.
pub fn speakers() -> Vec<Sound> {
    scan(Direction::Playback)
}

/// What a device can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Abilities {
    /// The least and the most channels; `None` when it cannot be asked now.
    pub channels: Option<(u32, u32)>,
    /// Those of the usual rates that it has, in samples a second.
    pub rates: Vec<u32>,
    /// What its card's mixer can turn.
    pub mixer: Vec<MixerControl>,
    /// Why it cannot be asked, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a microphone can do. Opens it for a moment and records nothing. May block.
pub fn microphone_abilities(sound: &Sound) -> Abilities {
    abilities(sound, Direction::Capture)
}

/// What a speaker can do, likewise.
pub fn speaker_abilities(sound: &Sound) -> Abilities {
    abilities(sound, Direction::Playback)
}

fn abilities(sound: &Sound, direction: Direction) -> Abilities {
    let _quiet = Output::local_error_handler();
    let side = match direction {
        Direction::Capture => Side::Capture,
        Direction::Playback => Side::Playback,
    };
    let mixer = volume::controls(side, &sound.id);
    let asked = PCM::new(&sound.id, direction, true).and_then(|pcm| {
        let parameters = HwParams::any(&pcm)?;
        let channels = (parameters.get_channels_min()?, parameters.get_channels_max()?);
        let rates = RATES.into_iter().filter(|rate| parameters.test_rate(*rate).is_ok()).collect();
        Ok((channels, rates))
    });
    match asked {
        Ok((channels, rates)) => Abilities { channels: Some(channels), rates, mixer, why: None },
        Err(error) => {
            let why = match error.errno() {
                BUSY => "another program has it open".to_owned(),
                DENIED => "it may not be opened: add the user to the group audio".to_owned(),
                _ => error.to_string(),
            };
            Abilities { mixer, why: Some(why), ..Abilities::default() }
        }
    }
}

/// The microphone that `choice` means: `auto` (the first), an id, or a part of a name. May block.
///
/// # Errors
/// `microphone_not_authorized` when there are cards but their nodes may not be opened, `microphone_device_empty` when none
/// fits.
pub fn resolve_microphone(choice: &str) -> Result<Sound, Refusal> {
    resolve("microphone", choice, microphones(), access())
}

/// The speaker that `choice` means, likewise.
///
/// # Errors
/// As [`resolve_microphone`]; the protocol has no codes of its own for speakers.
pub fn resolve_speaker(choice: &str) -> Result<Sound, Refusal> {
    resolve("speaker", choice, speakers(), access())
}

/// Whether the cards that there are may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Granted,
    Denied,
}

fn resolve(what: &str, choice: &str, devices: Vec<Sound>, access: Access) -> Result<Sound, Refusal> {
    if choice == "none" {
        let message = format!("the {what} is configured as \"none\"");
        return Err(Refusal::new(Code::MicrophoneDeviceEmpty, message));
    }
    if let Some(device) = choose(choice, &devices) {
        return Ok(device.clone());
    }
    match (access, choice) {
        (Access::Denied, _) => Err(Refusal::new(
            Code::MicrophoneNotAuthorized,
            "the sound cards may not be opened: add the daemon's user to the group audio",
        )),
        (Access::Granted, "auto") => {
            Err(Refusal::new(Code::MicrophoneDeviceEmpty, format!("there is no {what}")))
        }
        (Access::Granted, choice) => Err(Refusal::new(
            Code::MicrophoneDeviceEmpty,
            format!("no {what} is called {choice:?}{}", listing(&devices)),
        )),
    }
}

fn access() -> Access {
    let _quiet = Output::local_error_handler();
    let denied = |ctl: alsa::Result<Ctl>| ctl.is_err_and(|error| error.errno() == DENIED);
    let cards = Cards::new().take(MAX_CARDS).map_while(Result::ok);
    if cards.into_iter().any(|card| denied(Ctl::from_card(&card, true))) {
        Access::Denied
    } else {
        Access::Granted
    }
}

/// `EACCES`, the same on every Linux.
pub(super) const DENIED: i32 = 13;

/// `EBUSY`, likewise.
const BUSY: i32 = 16;

/// Rates that are asked for.
const RATES: [u32; 6] = [8_000, 16_000, 32_000, 44_100, 48_000, 96_000];

fn scan(direction: Direction) -> Vec<Sound> {
    // ALSA writes to stderr what it cannot do; for this thread it writes to a buffer that the next scan replaces.
    let _quiet = Output::local_error_handler();
    let mut devices = Vec::new();
    for card in Cards::new().take(MAX_CARDS).map_while(Result::ok) {
        let Ok(ctl) = Ctl::from_card(&card, true) else { continue };
        let Ok(info) = ctl.card_info() else { continue };
        let Ok(card_id) = info.get_id() else { continue };
        let card_name = info.get_name().unwrap_or(card_id);
        for number in DeviceIter::new(&ctl) {
            let Ok(device) = u32::try_from(number) else { continue };
            // A device that has no stream in this direction has no information on one.
            let Ok(pcm) = ctl.pcm_info(device, 0, direction) else { continue };
            devices.push(Sound {
                id: format!("hw:CARD={card_id},DEV={device}"),
                name: format!("{card_name}, {}", pcm.get_name().unwrap_or("PCM")),
                node: node(card.get_index(), device, direction),
            });
        }
    }
    devices
}

/// The node of a PCM device, as the kernel names it.
fn node(card: i32, device: u32, direction: Direction) -> PathBuf {
    let end = match direction {
        Direction::Capture => 'c',
        Direction::Playback => 'p',
    };
    PathBuf::from(format!("/dev/snd/pcmC{card}D{device}{end}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Sound {
        Sound {
            id: "hw:CARD=Device,DEV=0".into(),
            name: "USB PnP Sound Device, USB Audio".into(),
            node: node(1, 0, Direction::Capture),
        }
    }

    #[test]
    fn choices() {
        let resolve = |choice, access| resolve("microphone", choice, vec![desk()], access);
        for choice in ["auto", "hw:CARD=Device,DEV=0", "pnp"] {
            assert_eq!(resolve(choice, Access::Granted), Ok(desk()), "{choice}");
        }
        let refusal = resolve("studio", Access::Granted).expect_err("no such microphone");
        assert_eq!(refusal.code, Code::MicrophoneDeviceEmpty);
        assert!(refusal.message.contains("there are: hw:CARD=Device,DEV=0 (USB PnP"), "{refusal}");
        assert_eq!(resolve("none", Access::Granted).map_err(|r| r.code), Err(Code::MicrophoneDeviceEmpty));
    }

    #[test]
    fn a_machine_without_sound_cards() {
        let resolve = |choice, access| resolve("microphone", choice, vec![], access).map_err(|r| r.code);
        assert_eq!(resolve("auto", Access::Granted), Err(Code::MicrophoneDeviceEmpty));
        assert_eq!(resolve("auto", Access::Denied), Err(Code::MicrophoneNotAuthorized));
    }

    #[test]
    fn a_scan_survives_whatever_this_machine_has() {
        for device in microphones().into_iter().chain(speakers()) {
            assert!(device.id.starts_with("hw:CARD="), "{device:?}");
        }
    }
}
