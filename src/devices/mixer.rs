//! What a card's own mixer says: a microphone that is muted there is silent whatever this program does.

use alsa::Output;
use alsa::mixer::{Mixer, Selem, SelemChannelId};

use super::Sound;
use super::volume::{self, Side};

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

/// The loudest of the card's controls decides: cards have controls for things that are not in use.
fn level(sound: &Sound, side: Side) -> Option<Level> {
    let _quiet = Output::local_error_handler();
    let mixer = Mixer::new(&volume::card(&sound.id)?, false).ok()?;
    let controls = mixer.iter().filter_map(Selem::new).filter(|control| volume::has_volume(side, control));
    match controls.filter_map(|control| audible(side, &control)).max()? {
        0 => Some(Level::Muted),
        percent => Some(Level::Open(percent)),
    }
}

/// Percent of the control's range, 0 while its switch is off.
fn audible(side: Side, control: &Selem<'_>) -> Option<u8> {
    let percent = volume::percent(side, control)?;
    let channel = SelemChannelId::mono();
    let switch = match side {
        Side::Capture if control.has_capture_switch() => control.get_capture_switch(channel).ok(),
        Side::Playback if control.has_playback_switch() => control.get_playback_switch(channel).ok(),
        Side::Capture | Side::Playback => None,
    };
    Some(if switch == Some(0) { 0 } else { percent })
}
