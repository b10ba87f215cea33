//! What the stage sees of the layers: brightness at places of the decoded picture, as parts of 160 by 90.

use std::fs;
use std::path::Path;

use coguestd::media::layers::{Foreground, Settings};
use coguestd::media::pictures::{self, Look};
use coguestd::model::media::{Ask, Picture};
use coguestd::model::{User, UserId, UserName};
use resvg::tiny_skia::{Color, Pixmap};

use super::seat::{CAMERA, NOTHING, Seat, Setup};

const SHORT: &str = "K";
const LONG: &str = "A kiosk with a name that is as long as it may be, and longer";

#[test]
fn the_slate_shows_the_avatar_and_a_name_that_changes_live() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let avatar = folder.path().join("avatar.png");
    white(&avatar);
    let layers = Settings { avatar: Some(avatar), ..Settings::default() };
    let mut seat = Seat::open(Setup { layers, ..Setup::default() });
    seat.sit_down(NOTHING);
    seat.live();
    // In the middle of the circle; in a corner of the square around it; where a long name is, and a short one is not.
    let avatar = |look: &Look| look.brightness(77..84, 34..41);
    let corner = |look: &Look| look.brightness(65..67, 23..25);
    let name = |look: &Look| look.brightness(20..60, 58..62);
    let below = |look: &Look| look.brightness(0..160, 66..90);
    shows(&mut seat, "the avatar", |look| avatar(look) > 200.0 && corner(look) < 80.0 && name(look) < 60.0);
    seat.ask(called(LONG));
    let slate = shows(&mut seat, "the long name", |look| name(look) > 70.0 && avatar(look) > 200.0);
    assert!(below(&slate) < 60.0, "no label where there is to be none");
    seat.ask(called(SHORT));
    shows(&mut seat, "the short name", |look| name(look) < 60.0 && avatar(look) > 200.0);
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.close();
}

#[test]
fn the_label_is_over_the_camera_and_over_the_slate_and_changes_live() {
    let layers = Settings { foreground: Foreground::Name, ..Settings::default() };
    let mut seat = Seat::open(Setup { layers, ..Setup::default() });
    seat.sit_down(CAMERA);
    seat.live();
    // A white field of the test picture, which only a long name reaches, and what is above it.
    let field = |look: &Look| look.brightness(30..50, 81..86);
    let above = |look: &Look| look.brightness(30..50, 70..78);
    seat.ask(called(SHORT));
    shows(&mut seat, "the camera, a short name", |look| field(look) > 200.0 && above(look) > 200.0);
    seat.ask(called(LONG));
    shows(&mut seat, "the camera, a long name", |look| field(look) < 180.0 && above(look) > 200.0);
    seat.plan(NOTHING);
    let slate = shows(&mut seat, "the slate", |look| above(look) < 60.0);
    // Between the text and the upper edge of what is behind it.
    let (label, beside) = (slate.brightness(30..50, 81..82), slate.brightness(130..150, 81..82));
    assert!(label < beside - 8.0, "with the label: {label} {beside}");
    seat.plan(CAMERA);
    shows(&mut seat, "the camera again", |look| field(look) < 180.0 && above(look) > 200.0);
    assert_eq!(seat.offers(), 1, "nothing was renegotiated");
    seat.close();
}

fn shows(seat: &mut Seat, what: &str, is: impl Fn(&Look) -> bool) -> Look {
    let look = |picture: &Picture| pictures::look(&picture.jpeg).expect("a JPEG");
    look(&seat.shows(what, |picture| is(&look(picture))))
}

fn called(name: &str) -> Ask {
    let id = UserId::try_from("kiosk-a".to_owned()).expect("a good id");
    let name = UserName::try_from(name.to_owned()).expect("a good name");
    Ask::Label(User::new(id, Some(name), None).expect("no address"))
}

fn white(file: &Path) {
    let mut picture = Pixmap::new(300, 200).expect("a size");
    picture.fill(Color::WHITE);
    fs::write(file, picture.encode_png().expect("a PNG")).expect("a writable folder");
}
