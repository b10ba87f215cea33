//! Whose volume the state says: what was configured or commanded, else the card's own.

use std::time::Instant;

use coguestd::guest::Input;
use coguestd::model::Volume;
use coguestd::model::command::{Command, DeviceCommand, SetVolume};
use coguestd::model::media::Report;
use coguestd::model::volume::Loudness;

use super::guest_stand::{GuestStand, settings};

fn percent(percent: i64) -> Volume {
    Volume::try_from(percent).expect("0 to 100")
}

fn said(stand: &GuestStand) -> u8 {
    stand.guest.snapshot().microphone.volume.percent()
}

#[test]
fn the_state_says_the_cards_own_volume_until_one_is_wanted() {
    let stands_at = |volume| Input::Media(Report::CaptureVolume(percent(volume)));
    let mut stand = GuestStand::new(settings("ada", 1), Instant::now());
    assert_eq!(said(&stand), 100, "no card is known");
    for own in [63, 0, 70] {
        stand.input(stands_at(own));
        assert_eq!(i64::from(said(&stand)), own);
    }
    let wish = SetVolume { volume: percent(40) };
    stand.command(Command::Device(DeviceCommand::SetCaptureVolume(wish))).0.expect("it is taken");
    assert_eq!(said(&stand), 40);
    stand.input(stands_at(70));
    assert_eq!(said(&stand), 40, "a look at the card that was under way");

    let configured = Loudness::Set(percent(30));
    let mut stand = GuestStand::new(
        coguestd::guest::Settings { capture_volume: configured, ..settings("ada", 1) },
        Instant::now(),
    );
    stand.input(stands_at(70));
    assert_eq!(said(&stand), 30);
}
