//! Media files: a short film with sound, as somebody would rehearse with, and others.

use std::path::{Path, PathBuf};

use gstreamer as gst;
use gstreamer::prelude::*;

/// How long the film is, in frames at 30 a second.
pub const FRAMES: u64 = 45;

/// Makes the film in this folder.
pub fn make(folder: &Path) -> PathBuf {
    let file = folder.join("film.webm");
    write(
        &file,
        &format!(
            "videotestsrc num-buffers={FRAMES} pattern=ball ! video/x-raw,width=320,height=180,framerate=30/1 \
             ! timeoverlay font-desc=\"Sans 40\" ! vp8enc deadline=1 ! webmmux name=mux ! filesink name=file \
             audiotestsrc num-buffers=75 samplesperbuffer=960 ! audio/x-raw,rate=48000 ! opusenc ! mux."
        ),
    );
    file
}

/// Writes what this makes, which ends in a `filesink name=file`.
pub fn write(file: &Path, launch: &str) {
    gst::init().expect("GStreamer starts");
    let pipeline = gst::parse::launch(launch)
        .expect(
            "apt-get install gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad \
             gstreamer1.0-plugins-ugly gstreamer1.0-libav gstreamer1.0-x",
        )
        .downcast::<gst::Pipeline>()
        .expect("a pipeline");
    let sink = pipeline.by_name("file").expect("named in the launch line");
    sink.set_property("location", file.to_str().expect("a plain path"));
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let bus = pipeline.bus().expect("a pipeline has one");
    let end = bus.timed_pop_filtered(
        gst::ClockTime::from_seconds(60),
        &[gst::MessageType::Eos, gst::MessageType::Error],
    );
    pipeline.set_state(gst::State::Null).expect("it stops");
    assert!(end.is_some_and(|end| end.type_() == gst::MessageType::Eos), "{} is made", file.display());
}
