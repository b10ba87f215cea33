//! From the command that closes the camera to the slate at the stage, and from the one that opens it again to its picture there: a
//! white field of the test picture, as pictures taken at the stage show it.

use std::time::Instant;

use anyhow::bail;
use serde_json::json;

use super::console::Console;
use super::rows::Row;
use super::seat::{self, milliseconds};
use super::stand::{GUEST, Stand};

const TIMES: usize = 10;

/// How often the stage is asked at most for one change; each answer takes some ten milliseconds, which count.
const LOOKS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Slate,
    Camera,
}

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let mut console = stand.console()?;
    let house = stand.house(&mut console)?;
    seat::sit(&mut console)?;
    until(&mut console, Seen::Camera)?;
    let (mut slates, mut cameras) = (Vec::new(), Vec::new());
    for time in 1..=TIMES {
        let (closed, _) = console.command(GUEST, "close_local_camera", &json!({}))?;
        slates.push(milliseconds(closed, until(&mut console, Seen::Slate)?));
        let (opened, _) = console.command(GUEST, "open_local_camera", &json!({}))?;
        cameras.push(milliseconds(opened, until(&mut console, Seen::Camera)?));
        console.forget();
        println!("  {time} of {TIMES}: slate {:.0} ms, camera {:.0} ms", slates[time - 1], cameras[time - 1]);
    }
    house.end()?;
    Ok(vec![Row::of_many("slate_ms", &slates), Row::of_many("camera_back_ms", &cameras)])
}

/// When the stage answered with the first picture of this kind.
fn until(console: &mut Console, wanted: Seen) -> anyhow::Result<Instant> {
    for _ in 0..LOOKS {
        let looked = seat::look(console)?;
        let field = looked.look.brightness(30..50, 70..78);
        if (if field > 150.0 { Seen::Camera } else { Seen::Slate }) == wanted {
            return Ok(looked.answered);
        }
    }
    bail!("the stage never showed the {wanted:?}")
}
