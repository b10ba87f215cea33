//! Which cameras, microphones and speakers this machine has, and which of them a configured choice means.
//!
//! Ids are stable: they name the thing and its socket, not the order in which the kernel found it. Enumeration opens
//! device nodes, so it **may block** (a sick USB camera holds an `open` for seconds): call it off the event loop.
//!
//! What comes and goes afterwards says the [`Witness`].
//!
//! Invariant: a machine without devices gives empty lists, and no answer of a driver makes this fail.
//!
//! Not here: opening a device for capture (`media`).

mod board;
pub mod camera;
mod cause;
mod controls;
mod formats;
pub mod microphone;
mod v4l2;
mod volume;
mod witness;

pub use board::board;
pub use camera::{Camera, cameras, forbidden_cameras, offers, resolve_camera};
pub use cause::{Holder, cause, holders};
pub use controls::{controls, set_control, set_controls};
pub use microphone::{
    Abilities, Sound, microphone_abilities, microphones, resolve_microphone, resolve_speaker,
    speaker_abilities, speakers,
};
pub use volume::{Level, MixerControl, Setting, capture_level, playback_level, set_volume};
pub use witness::Witness;

/// What a device is called.
trait Named {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

/// The device that `choice` means: `auto` the first; else the one of that id; else the first whose name or id contains it,
/// whatever the case.
fn choose<'a, D: Named>(choice: &str, devices: &'a [D]) -> Option<&'a D> {
    if choice == "auto" {
        return devices.first();
    }
    let part = choice.to_lowercase();
    let contains = |device: &&D| {
        device.name().to_lowercase().contains(&part) || device.id().to_lowercase().contains(&part)
    };
    devices.iter().find(|device| device.id() == choice).or_else(|| devices.iter().find(contains))
}

/// ` (there are: …)`, for the message about a choice that fits nothing.
fn listing<D: Named>(devices: &[D]) -> String {
    if devices.is_empty() {
        return "; this machine has none".to_owned();
    }
    let names: Vec<_> = devices.iter().map(|device| format!("{} ({})", device.id(), device.name())).collect();
    format!("; there are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing(&'static str, &'static str);

    impl Named for Thing {
        fn id(&self) -> &str {
            self.0
        }
        fn name(&self) -> &str {
            self.1
        }
    }

    #[test]
    fn what_a_choice_means() {
        let things = [Thing("usb-one", "Front USB camera"), Thing("usb-two", "usb-one's twin")];
        let chosen = |choice| choose(choice, &things).map(Named::id);
        assert_eq!(chosen("auto"), Some("usb-one"));
        assert_eq!(chosen("usb-two"), Some("usb-two"));
        assert_eq!(chosen("usb-one"), Some("usb-one"), "an id goes before a part of a name");
        assert_eq!(chosen("TWIN"), Some("usb-two"));
        assert_eq!(chosen("front"), Some("usb-one"));
        assert_eq!(chosen("rear"), None);
        assert!(choose::<Thing>("auto", &[]).is_none());
    }
}
