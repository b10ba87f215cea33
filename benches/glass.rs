//! From glass to stage: how old the picture is that the stage has decoded last, whenever somebody looks.
//!
//! A camera of this program draws the time into each picture it hands over, as bars; the guest takes it from shared memory, and
//! the stage's pictures are read again. An age holds everything: the way into the guest, encoding, network, decoding, and that the next
//! picture is not due yet, which alone is 33 ms at worst.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use coguestd::media::pictures::Look;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::console::Console;
use super::rows::{Row, quantile};
use super::seat;
use super::stand::Stand;

/// So many pictures are looked at.
const LOOKS: usize = 200;
/// The first ones are start-up.
const SETTLE: usize = 20;

/// What is handed over.
const PICTURES: &str = "video/x-raw,format=I420,width=1280,height=720,framerate=30/1,pixel-aspect-ratio=1/1";
const WIDTH: usize = 1280;
/// The lines of the bars.
const BARS: std::ops::Range<usize> = 240..480;
/// Milliseconds in so many bits, one bar each: a quarter of an hour.
const BITS: usize = 20;

pub fn measure(stand: &Stand) -> anyhow::Result<Vec<Row>> {
    let socket = stand.folder().join("glass");
    write_profile(stand.folder(), &socket)?;
    let began = Instant::now();
    let camera = Camera::start(&socket, began)?;
    let mut console = stand.console()?;
    let directory = stand.folder().to_str().context("a plain path")?;
    let house = stand.house_with(&mut console, &format!("profile_directory = \"{directory}\""))?;
    seat::sit(&mut console)?;
    let mut ages = Vec::new();
    for look in 0..SETTLE + LOOKS {
        let age = age(&mut console, began)?;
        if look >= SETTLE {
            ages.push(age);
        }
        if (look + 1) % 55 == 0 {
            println!("  {} of {}: {age:.0} ms", look + 1, SETTLE + LOOKS);
        }
        console.forget();
    }
    house.end()?;
    drop(camera);
    let p50 = quantile(&ages, 0.5);
    Ok(vec![Row::new("glass_to_stage_p95_ms", quantile(&ages, 0.95)).with("p50", p50)])
}

/// The profile `test` with this camera in place of its own.
fn write_profile(folder: &Path, socket: &Path) -> anyhow::Result<()> {
    let shipped = include_str!("../pipelines/test.toml");
    let line = shipped.lines().find(|line| line.contains("name=camera")).context("a camera")?;
    let camera = format!(
        "launch = \"shmsrc socket-path={} name=camera is-live=true do-timestamp=true ! {PICTURES} ! capsfilter name=size\"",
        socket.display()
    );
    Ok(std::fs::write(folder.join("test.toml"), shipped.replace(line, &camera))?)
}

/// The age of the picture that the stage shows to somebody who looks now, in milliseconds.
fn age(console: &mut Console, began: Instant) -> anyhow::Result<f64> {
    let looked = seat::look(console)?;
    let drawn = f64::from(read(&looked.look));
    let age = looked.asked.duration_since(began).as_secs_f64() * 1000.0 - drawn;
    ensure!((0.0..10_000.0).contains(&age), "a picture says that it is {age} ms old");
    Ok(age)
}

/// The bars as a number. A look is 160 wide and 90 high.
fn read(look: &Look) -> u32 {
    let bar = 160 / BITS;
    (0..BITS).fold(0, |number, bit| {
        let middle = bit * bar + bar / 4..(bit + 1) * bar - bar / 4;
        number << 1 | u32::from(look.brightness(middle, 35..55) > 128.0)
    })
}

fn draw(picture: &mut [u8], number: u32) {
    let bar = WIDTH / BITS;
    for row in picture.chunks_mut(WIDTH).take(BARS.end).skip(BARS.start) {
        for (bit, bar) in row.chunks_mut(bar).enumerate() {
            bar.fill(if number >> (BITS - 1 - bit) & 1 == 1 { 235 } else { 16 });
        }
    }
}

/// A camera that draws the time; stopped when dropped.
struct Camera(gst::Pipeline);

impl Camera {
    fn start(socket: &Path, began: Instant) -> anyhow::Result<Self> {
        gst::init()?;
        let launch = format!(
            "videotestsrc is-live=true pattern=black ! {PICTURES} ! identity name=clock \
             ! shmsink socket-path={} wait-for-connection=false sync=false shm-size=16000000",
            socket.display()
        );
        let pipeline =
            gst::parse::launch(&launch).context("sudo apt-get install gstreamer1.0-plugins-bad")?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().ok().context("a pipeline")?;
        let pad = pipeline.by_name("clock").and_then(|clock| clock.static_pad("src")).context("a pad")?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let now = u32::try_from(began.elapsed().as_millis() % (1 << BITS)).unwrap_or_default();
            if let Some(Ok(mut picture)) = info.buffer_mut().map(|buffer| buffer.make_mut().map_writable()) {
                draw(&mut picture, now);
            }
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self(pipeline))
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        // The process ends soon anyway.
        self.0.set_state(gst::State::Null).map(|_| ()).unwrap_or_default();
    }
}
