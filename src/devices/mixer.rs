//! What a card's own mixer says: a microphone that is muted there is silent whatever this program does.

use alsa::Output;
use alsa::mixer::{Mixer, Selem, SelemChannelId};

use super::Sound;

/// The mixer's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Open, at this percentage of its range.
    Open(u8),
    /// Switched off.
    Muted,
}

/// The microphone's setting; `None` when its card has no such control. May block.
pub fn capture_level(sound: &Sound) -> Option<Level> {
    level(sound, Side::Capture)
}

/// The speaker's setting, likewise.
pub fn playback_level(sound: &Sound) -> Option<Level> {
    level(sound, Side::Playback)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Capture,
    Playback,
}

/// The loudest of the card's controls decides: cards have controls for things that are not in use.
fn level(sound: &Sound, side: Side) -> Option<Level> {
    let _quiet = Output::local_error_handler();
    let card = sound.id.strip_prefix("hw:CARD=")?.split(',').next()?;
    let mixer = Mixer::new(&format!("hw:CARD={card}"), false).ok()?;
    let percents: Vec<u8> =
        mixer.iter().filter_map(Selem::new).filter_map(|control| percent(&control, side)).collect();
    match percents.into_iter().max()? {
        0 => Some(Level::Muted),
        percent => Some(Level::Open(percent)),
    }
}

/// 0 for muted; `None` for a control of the other side.
fn percent(control: &Selem<'_>, side: Side) -> Option<u8> {
    let channel = SelemChannelId::FrontLeft;
    let (range, volume, switch) = match side {
        Side::Capture if control.has_capture_volume() => (
            control.get_capture_volume_range(),
            control.get_capture_volume(channel).ok()?,
            control.has_capture_switch().then(|| control.get_capture_switch(channel).ok()).flatten(),
        ),
        Side::Playback if control.has_playback_volume() => (
            control.get_playback_volume_range(),
            control.get_playback_volume(channel).ok()?,
            control.has_playback_switch().then(|| control.get_playback_switch(channel).ok()).flatten(),
        ),
        Side::Capture | Side::Playback => return None,
    };
    if switch == Some(0) {
        return Some(0);
    }
    let (least, most) = range;
    let share = 100 * (volume - least).max(0) / (most - least).max(1);
    u8::try_from(share.min(100)).ok()
}
