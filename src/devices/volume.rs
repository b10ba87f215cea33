//! The volume of a sound card, where its mixer has one.
//!
//! A volume in percent is a share of the control's own range. Whoever sets one also turns the control's switch: off at nothing, else on,
//! for a card that is muted would play nothing at any volume. A control without a switch is fine; a mixer without a control that has a
//! volume, or with one that takes none, leaves it to the pipeline. Where such a mixer has a switch all the same, that is turned on.
//!
//! Invariant: the control that is read ([`capture_level`], [`playback_level`]) is the one that is turned ([`set_volume`]).

use alsa::Output;
use alsa::mixer::{Mixer, Selem, SelemChannelId};

use super::Sound;
use super::microphone::DENIED;
use crate::model::Volume;
use crate::model::volume::{Loudness, Side, Taken};

/// Names of controls in the order in which they are meant by "the volume of this card"; else the first that has one.
const CAPTURE: [&str; 4] = ["Mic", "Capture", "Digital", "Internal Mic"];
const PLAYBACK: [&str; 5] = ["Master", "PCM", "Speaker", "Headphone", "Digital"];
/// A control with this in its name amplifies before the volume, 20 or 30 dB of noise with it: never "the volume".
const BOOST: &str = "Boost";

/// What the mixer is set to: a microphone that is muted there is silent whatever this program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Open, at this percentage of its range.
    Open(u8),
    /// Switched off, or turned down to nothing.
    Muted,
    /// Switched off; a volume it has none.
    SwitchedOff,
}

/// The control that is "the volume", and what it is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The card's id, as `amixer -c` takes it.
    pub card: String,
    /// What the control is called.
    pub control: String,
    /// Where it stands.
    pub level: Level,
}

/// A control with a volume.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MixerControl {
    /// What it is called.
    pub name: String,
    /// Percent of its range; `None` when it cannot be read.
    pub volume: Option<u8>,
}

/// Sets the volume of the card of `address` (`hw:CARD=Device,DEV=0`), or only says what it is. May block for a moment.
pub fn set_volume(side: Side, address: &str, wanted: Loudness) -> Taken {
    let Some(card) = card(address) else { return Taken::Nobody("it names no card".to_owned()) };
    let _quiet = Output::local_error_handler();
    let taken = match wanted {
        Loudness::AsItIs => look(side, &card),
        Loudness::Set(volume) => set(side, &card, volume).map(|control| control.map(Taken::Mixer)),
    };
    match taken {
        Ok(Some(taken)) => taken,
        Ok(None) => Taken::Nobody(format!("its mixer has no {side} volume")),
        Err(error) => {
            let hint =
                if error.errno() == DENIED { ": add the daemon's user to the group audio" } else { "" };
            Taken::Nobody(format!("its mixer takes no volume ({error}){hint}"))
        }
    }
}

/// What it stands at; one that is switched off, or does not say, at nothing.
fn look(side: Side, card: &str) -> alsa::Result<Option<Taken>> {
    let mixer = Mixer::new(card, true)?;
    let Some(control) = chosen(side, &mixer) else { return Ok(None) };
    let percent = match volume(side, &control).map(|percent| level_of(switch(side, &control), percent)) {
        Some(Level::Open(percent)) => percent,
        Some(Level::Muted | Level::SwitchedOff) | None => 0,
    };
    Ok(Volume::try_from(i64::from(percent)).ok().map(|volume| Taken::Left(name(&control), volume)))
}

/// The control that took it, in words. The switch goes first: a control whose switch cannot be turned is left as it was.
fn set(side: Side, card: &str, volume: Volume) -> alsa::Result<Option<String>> {
    let mixer = Mixer::new(card, true)?;
    let Some(control) = chosen(side, &mixer) else {
        // Never off: what the pipeline turns up again later is not told to the mixer.
        if let Some(control) = switch_alone(side, &mixer).filter(|_| volume.percent() > 0) {
            turn(side, &control, true)?;
        }
        return Ok(None);
    };
    let value = of_percent(range(side, &control), volume.percent());
    let switch = has_switch(side, &control);
    if switch {
        turn(side, &control, volume.percent() > 0)?;
    }
    match side {
        Side::Capture => control.set_capture_volume_all(value)?,
        Side::Playback => control.set_playback_volume_all(value)?,
    }
    let name = name(&control);
    Ok(Some(if switch { name } else { format!("{name}, which has no switch") }))
}

/// What the microphone's mixer is set to; `None` when its card has no such control. May block.
pub fn capture_level(sound: &Sound) -> Option<Setting> {
    setting(Side::Capture, &sound.id)
}

/// What the speaker's mixer is set to, likewise.
pub fn playback_level(sound: &Sound) -> Option<Setting> {
    setting(Side::Playback, &sound.id)
}

fn setting(side: Side, address: &str) -> Option<Setting> {
    let card = card_id(address)?;
    let _quiet = Output::local_error_handler();
    let mixer = Mixer::new(&format!("hw:CARD={card}"), true).ok()?;
    let (control, level) = match chosen(side, &mixer) {
        Some(control) => {
            let level = level_of(switch(side, &control), volume(side, &control)?);
            (control, level)
        }
        // One that is on does not say how loud it is.
        None => (switch_alone(side, &mixer).filter(|it| switch(side, it) == Some(0))?, Level::SwitchedOff),
    };
    Some(Setting { card: card.to_owned(), control: name(&control), level })
}

fn level_of(switch: Option<i32>, percent: u8) -> Level {
    match (switch, percent) {
        (Some(0), _) | (_, 0) => Level::Muted,
        (Some(_) | None, percent) => Level::Open(percent),
    }
}

/// The controls with a volume of the card of `address`; none when it cannot be asked. May block for a moment.
pub(super) fn controls(side: Side, address: &str) -> Vec<MixerControl> {
    let Some(card) = card(address) else { return Vec::new() };
    let _quiet = Output::local_error_handler();
    let Ok(mixer) = Mixer::new(&card, true) else { return Vec::new() };
    let of = |control: Selem<'_>| MixerControl { name: name(&control), volume: volume(side, &control) };
    mixer.iter().filter_map(Selem::new).filter(|control| has_volume(side, control)).map(of).collect()
}

fn chosen(side: Side, mixer: &Mixer) -> Option<Selem<'_>> {
    let mut controls: Vec<Selem<'_>> =
        mixer.iter().filter_map(Selem::new).filter(|control| has_volume(side, control)).collect();
    let names: Vec<String> =
        controls.iter().map(|control| control.get_id().get_name().unwrap_or_default().to_owned()).collect();
    let index = preferred(side, &names)?;
    Some(controls.swap_remove(index))
}

/// The switch of a card without a volume. Only by a name that is known: any other may switch anything.
fn switch_alone(side: Side, mixer: &Mixer) -> Option<Selem<'_>> {
    mixer
        .iter()
        .filter_map(Selem::new)
        .find(|control| has_switch(side, control) && known(side).contains(&name(control).as_str()))
}

fn known(side: Side) -> &'static [&'static str] {
    match side {
        Side::Capture => &CAPTURE,
        Side::Playback => &PLAYBACK,
    }
}

/// Which of these controls is "the volume".
fn preferred(side: Side, names: &[String]) -> Option<usize> {
    let known = known(side).iter().find_map(|wanted| names.iter().position(|name| name == wanted));
    known.or_else(|| names.iter().position(|name| !name.contains(BOOST)))
}

/// Percent of its range, of its first channel.
fn volume(side: Side, control: &Selem<'_>) -> Option<u8> {
    let channel = SelemChannelId::mono();
    let value = match side {
        Side::Capture => control.get_capture_volume(channel),
        Side::Playback => control.get_playback_volume(channel),
    };
    value.ok().map(|value| to_percent(range(side, control), value))
}

fn has_switch(side: Side, control: &Selem<'_>) -> bool {
    match side {
        Side::Capture => control.has_capture_switch(),
        Side::Playback => control.has_playback_switch(),
    }
}

/// 0 for off; `None` for a control without a switch.
fn switch(side: Side, control: &Selem<'_>) -> Option<i32> {
    if !has_switch(side, control) {
        return None;
    }
    let channel = SelemChannelId::mono();
    let value = match side {
        Side::Capture => control.get_capture_switch(channel),
        Side::Playback => control.get_playback_switch(channel),
    };
    value.ok()
}

fn turn(side: Side, control: &Selem<'_>, on: bool) -> alsa::Result<()> {
    match side {
        Side::Capture => control.set_capture_switch_all(on.into()),
        Side::Playback => control.set_playback_switch_all(on.into()),
    }
}

/// Also that there is something to turn: a range of one value is none.
fn has_volume(side: Side, control: &Selem<'_>) -> bool {
    let has = match side {
        Side::Capture => control.has_capture_volume(),
        Side::Playback => control.has_playback_volume(),
    };
    has && {
        let (least, most) = range(side, control);
        least < most
    }
}

fn range(side: Side, control: &Selem<'_>) -> (i64, i64) {
    match side {
        Side::Capture => control.get_capture_volume_range(),
        Side::Playback => control.get_playback_volume_range(),
    }
}

fn of_percent((least, most): (i64, i64), percent: u8) -> i64 {
    let span = most.saturating_sub(least).max(0);
    least + ((i128::from(span) * i128::from(percent) + 50) / 100).try_into().unwrap_or(span)
}

fn to_percent((least, most): (i64, i64), value: i64) -> u8 {
    let span = i128::from(most) - i128::from(least);
    if span <= 0 {
        return 0;
    }
    let percent = ((i128::from(value) - i128::from(least)) * 100 + span / 2) / span;
    u8::try_from(percent.clamp(0, 100)).unwrap_or(100)
}

fn name(control: &Selem<'_>) -> String {
    control.get_id().get_name().unwrap_or("?").to_owned()
}

/// The card of a PCM's name: `hw:CARD=Device` of `hw:CARD=Device,DEV=0`.
fn card(address: &str) -> Option<String> {
    card_id(address).map(|id| format!("hw:CARD={id}"))
}

fn card_id(address: &str) -> Option<&str> {
    let id = address.split_once("CARD=")?.1.split(',').next()?;
    // A zero would end the name early, and the crate takes none.
    (!id.is_empty() && !id.contains('\0')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_of_an_address() {
        assert_eq!(card("hw:CARD=Device,DEV=0").as_deref(), Some("hw:CARD=Device"));
        assert_eq!(card("plughw:CARD=sofhdadsp").as_deref(), Some("hw:CARD=sofhdadsp"));
        for none in ["default", "", "hw:CARD=", "hw:CARD=a\0b,DEV=0", "pulse"] {
            assert_eq!(card(none), None, "{none:?}");
            let taken = set_volume(Side::Capture, none, Loudness::AsItIs);
            assert_eq!(taken, Taken::Nobody("it names no card".to_owned()), "{none:?}");
        }
    }

    #[test]
    fn a_card_that_is_not_there_takes_nothing() {
        let taken = set_volume(Side::Playback, "hw:CARD=nobody,DEV=0", Loudness::Set(Volume::FULL));
        assert!(
            matches!(&taken, Taken::Nobody(why) if why.starts_with("its mixer takes no volume (")),
            "{taken}"
        );
        assert!(controls(Side::Capture, "hw:CARD=nobody,DEV=0").is_empty());
        assert_eq!(setting(Side::Capture, "hw:CARD=nobody,DEV=0"), None);
    }

    #[test]
    fn which_control_is_meant() {
        let of = |side, names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            preferred(side, &names).map(|index| names[index].clone())
        };
        assert_eq!(of(Side::Playback, &["Bass", "PCM", "Master"]).as_deref(), Some("Master"));
        assert_eq!(of(Side::Playback, &["Line Out"]).as_deref(), Some("Line Out"));
        assert_eq!(of(Side::Capture, &["Line", "Mic"]).as_deref(), Some("Mic"));
        assert_eq!(of(Side::Capture, &[]), None);
        // What has a volume on boards and cards that kiosks have.
        for (card, side, names, meant) in [
            ("Raspberry Pi headphones", Side::Playback, &["PCM"][..], Some("PCM")),
            ("USB sound stick", Side::Playback, &["Speaker", "Mic"], Some("Speaker")),
            ("USB sound stick", Side::Capture, &["Mic"], Some("Mic")),
            ("HDA laptop", Side::Playback, &["Master", "Headphone", "Speaker", "PCM"], Some("Master")),
            ("HDA laptop", Side::Capture, &["Internal Mic Boost", "Mic Boost", "Capture"], Some("Capture")),
            ("HDA without a capture volume", Side::Capture, &["Mic Boost"], None),
            ("WM8960 HAT", Side::Capture, &["Left Input Boost Mixer LINPUT1", "Capture"], Some("Capture")),
            ("PCM5102 DAC", Side::Playback, &[], None),
            ("webcam", Side::Capture, &["Mic"], Some("Mic")),
        ] {
            assert_eq!(of(side, names).as_deref(), meant, "{card}");
        }
    }

    #[test]
    fn a_switch_goes_before_a_volume() {
        for (switch, percent, level) in [
            (Some(0), 80, Level::Muted),
            (Some(1), 80, Level::Open(80)),
            (None, 80, Level::Open(80)),
            (Some(1), 0, Level::Muted),
            (None, 0, Level::Muted),
        ] {
            assert_eq!(level_of(switch, percent), level, "{switch:?} {percent}");
        }
    }

    #[test]
    fn percent_of_any_range() {
        assert_eq!([0, 50, 100].map(|percent| of_percent((0, 37), percent)), [0, 19, 37]);
        assert_eq!(of_percent((-10_239, 400), 100), 400, "the Raspberry Pi's headphones");
        assert_eq!(of_percent((5, 5), 100), 5);
        assert_eq!(of_percent((9, 1), 50), 9, "a range that makes no sense");
        assert_eq!(to_percent((0, 37), 37), 100);
        for percent in 0..=100 {
            let value = of_percent((-10_239, 400), percent);
            assert_eq!(to_percent((-10_239, 400), value), percent, "what was set is what is read");
        }
        assert_eq!(to_percent((0, 0), 5), 0);
        assert_eq!(to_percent((i64::MIN, i64::MAX), 0), 50);
    }
}
