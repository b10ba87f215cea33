//! Which video encoders this machine's GStreamer has, and which of them work.
//!
//! Whether an encoder is installed says little: the driver behind it may be missing, busy or broken. [`try_out`] lets it encode three
//! pictures. A driver that hangs is left behind on its own thread and is told as that.
//!
//! Not here: what is done about an encoder that fails on a seat (`EncoderSlot`).

use std::sync::mpsc;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::media::core::discard::ignore;
use crate::media::core::{caps, job};
use crate::media::elements;
use crate::media::profile::{self, EncoderSpec};
use crate::model::media::Quality;

/// So many pictures are encoded: the first may come out by itself, the third only from an encoder that goes on.
const PICTURES: u32 = 3;
/// So many go in, if need be: some encoders keep a few inside, and the library of one complains to the terminal at their end.
const GIVEN: i32 = 30;
/// A bit rate for them that every encoder takes.
const BITS: u32 = 1_000_000;

/// What became of three pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// They were encoded, in this time from the start of the encoder.
    Works(Duration),
    /// It is not installed.
    Missing,
    /// It refused, and why.
    Fails(String),
    /// It did not come back in time: it hangs, or the machine is busy. From outside both look alike.
    Late,
}

/// An encoder of the shipped profiles and what it did.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The factory of its element.
    pub element: String,
    /// Whether it is a part of the board.
    pub hardware: profile::Hardware,
    /// What became of it.
    pub trial: Trial,
}

/// The names of encoders that are installed; whether they work is not looked at.
pub fn available() -> Vec<String> {
    if gst::init().is_err() {
        return Vec::new();
    }
    let encoders = profile::shipped_encoders().into_iter();
    let names = encoders.map(|encoder| encoder.element());
    names.filter(|name| elements::require(name).is_ok()).collect()
}

/// Tries every encoder that a shipped profile knows, all at the same time. Blocks for at most about `cap`.
pub fn try_all(quality: Quality, cap: Duration) -> Vec<Tried> {
    if gst::init().is_err() {
        return Vec::new();
    }
    let started: Vec<_> = profile::shipped_encoders()
        .into_iter()
        .map(|encoder| (encoder.element(), encoder.hardware(), start(&encoder, quality)))
        .collect();
    let deadline = Instant::now() + cap;
    let ended = |(element, hardware, outcome): (String, _, Attempt)| Tried {
        element,
        hardware,
        trial: outcome.wait(deadline),
    };
    started.into_iter().map(ended).collect()
}

/// Tries one after the other, those of boards first, until one works; whoever was tried is told. Blocks for at most about `cap`
/// with each.
pub fn try_for_one(quality: Quality, cap: Duration) -> Vec<Tried> {
    let mut all = Vec::new();
    if gst::init().is_err() {
        return all;
    }
    for encoder in profile::shipped_encoders() {
        let trial = try_out(&encoder, quality, cap);
        let works = matches!(trial, Trial::Works(_));
        all.push(Tried { element: encoder.element(), hardware: encoder.hardware(), trial });
        if works {
            break;
        }
    }
    all
}

/// Tries one encoder. Blocks for at most about `cap`.
pub fn try_out(encoder: &EncoderSpec, quality: Quality, cap: Duration) -> Trial {
    start(encoder, quality).wait(Instant::now() + cap)
}

/// A trial at work on its own thread.
enum Attempt {
    Missing,
    Running(mpsc::Receiver<Result<Duration, String>>),
}

impl Attempt {
    fn wait(self, deadline: Instant) -> Trial {
        let Self::Running(outcome) = self else { return Trial::Missing };
        match outcome.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(time)) => Trial::Works(time),
            Ok(Err(why)) => Trial::Fails(why),
            Err(mpsc::RecvTimeoutError::Timeout) => Trial::Late,
            Err(mpsc::RecvTimeoutError::Disconnected) => Trial::Fails("it ended without a word".to_owned()),
        }
    }
}

fn start(encoder: &EncoderSpec, quality: Quality) -> Attempt {
    if elements::require(&encoder.element()).is_err() {
        return Attempt::Missing;
    }
    let (sender, outcome) = mpsc::sync_channel(1);
    let encoder = encoder.clone();
    let started = job::spawn("trial", move || {
        let begun = Instant::now();
        let (pipeline, result) = encode(&encoder, quality);
        let works = result.is_ok();
        // Nobody waits any more for one that took too long.
        let tell = |result: Result<Duration, String>| sender.try_send(result).unwrap_or_default();
        if works {
            tell(Ok(begun.elapsed()));
        }
        // A driver may hang here as well: by now that holds up nobody whom it has served.
        stop(pipeline);
        if let Err(why) = result {
            tell(Err(match largest(&encoder, quality) {
                Some(takes) => format!("at {}: {why}; it takes {}", quality.as_str(), takes.as_str()),
                None => why,
            }));
        }
    });
    match started {
        Ok(()) => Attempt::Running(outcome),
        Err(_) => Attempt::Missing,
    }
}

fn stop(pipeline: Option<gst::Pipeline>) {
    if let Some(pipeline) = pipeline {
        ignore(pipeline.set_state(gst::State::Null), "stopping is all that can be asked of one that failed");
    }
}

/// The largest of the smaller sizes that it takes.
fn largest(encoder: &EncoderSpec, refused: Quality) -> Option<Quality> {
    let sizes = [Quality::P720, Quality::P540, Quality::P360];
    sizes.into_iter().filter(|size| *size < refused).find(|size| {
        let (pipeline, result) = encode(encoder, *size);
        stop(pipeline);
        result.is_ok()
    })
}

/// Three pictures through the encoder; the pipeline is still to be stopped.
fn encode(encoder: &EncoderSpec, quality: Quality) -> (Option<gst::Pipeline>, Result<(), String>) {
    let (pipeline, sink) = match build(encoder, quality) {
        Ok(built) => built,
        Err(why) => return (None, Err(why)),
    };
    let result = run(&pipeline, &sink);
    (Some(pipeline), result)
}

fn build(encoder: &EncoderSpec, quality: Quality) -> Result<(gst::Pipeline, gst_app::AppSink), String> {
    let say = |error: glib::BoolError| error.message.to_string();
    let bin = encoder.build(quality).map_err(|error| error.to_string())?;
    if let Some(element) = bin.by_name("encoder") {
        encoder.set_bitrate(&element, BITS);
    }
    let source =
        gst::ElementFactory::make("videotestsrc").property("num-buffers", GIVEN).build().map_err(say)?;
    let caps = caps::picture_caps(quality);
    let filter = gst::ElementFactory::make("capsfilter").property("caps", caps).build().map_err(say)?;
    let sink = gst_app::AppSink::builder().sync(false).max_buffers(PICTURES).build();
    let pipeline = gst::Pipeline::new();
    let chain = [&source, &filter, bin.upcast_ref(), sink.upcast_ref()];
    pipeline.add_many(chain).map_err(say)?;
    gst::Element::link_many(chain).map_err(say)?;
    Ok((pipeline, sink))
}

fn run(pipeline: &gst::Pipeline, sink: &gst_app::AppSink) -> Result<(), String> {
    let why = |what: &str| {
        let message = pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => error.error().message().to_owned(),
            _ => what.to_owned(),
        }
    };
    pipeline.set_state(gst::State::Playing).map_err(|_| why("it does not start"))?;
    for picture in 0..PICTURES {
        let sample =
            sink.pull_sample().map_err(|_| why(&format!("it gave {picture} of {PICTURES} pictures")))?;
        if sample.buffer().is_none_or(|buffer| buffer.size() == 0) {
            return Err("it gave an empty picture".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Generous: the machine may have other work.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn what_is_installed_is_tried() {
        let tried = try_all(Quality::P360, PATIENCE);
        let trial = |element: &str| {
            let found = tried.iter().find(|tried| tried.element == element);
            found.unwrap_or_else(|| panic!("{element} is in no shipped profile")).trial.clone()
        };
        assert!(matches!(trial("x264enc"), Trial::Works(_)), "{:?}", trial("x264enc"));
        assert!(matches!(trial("vp8enc"), Trial::Works(_)), "{:?}", trial("vp8enc"));
        for hardware in ["v4l2h264enc", "mpph264enc", "nvv4l2h264enc", "vah264enc"] {
            // Here or not, none of them may end the program.
            trial(hardware);
        }
        assert!(available().contains(&"x264enc".to_owned()));
        let works = |tried: &Tried| matches!(tried.trial, Trial::Works(_));
        let one = try_for_one(Quality::P360, PATIENCE);
        assert!(one.last().is_some_and(works), "{one:?}");
        assert_eq!(one.iter().filter(|tried| works(tried)).count(), 1, "{one:?}");
    }

    fn encoder(launch: &str) -> EncoderSpec {
        let text = format!(
            "codec = \"h264\"\nlaunch = '{launch}'\nbitrate = {{ property = \"sleep-time\", unit = 1000000 }}"
        );
        toml::from_str(&text).expect("an encoder")
    }

    #[test]
    fn one_that_refuses_says_why() {
        gst::init().expect("GStreamer starts");
        let broken = encoder("identity name=encoder error-after=1");
        let Trial::Fails(why) = try_out(&broken, Quality::P360, PATIENCE) else { panic!("it fails") };
        assert!(!why.is_empty());
        let starved = encoder("identity drop-probability=1.0 ! identity name=encoder");
        assert!(
            matches!(try_out(&starved, Quality::P360, PATIENCE), Trial::Fails(why) if why.contains("0 of 3"))
        );
    }

    #[test]
    fn one_that_refuses_a_size_says_which_it_takes() {
        gst::init().expect("GStreamer starts");
        let small = encoder("capsfilter caps=\"video/x-raw,height=[1,540]\" ! identity name=encoder");
        let Trial::Fails(why) = try_out(&small, Quality::P1080, PATIENCE) else { panic!("it fails") };
        assert!(why.starts_with("at 1080p: ") && why.ends_with("; it takes 540p"), "{why}");
        assert!(matches!(try_out(&small, Quality::P360, PATIENCE), Trial::Works(_)));
    }

    #[test]
    fn one_that_hangs_holds_up_nobody() {
        gst::init().expect("GStreamer starts");
        // Sleeps for an hour with its first picture.
        let hanging = encoder("identity sleep-time=3600000000 ! identity name=encoder");
        assert_eq!(try_out(&hanging, Quality::P360, Duration::from_millis(300)), Trial::Late);
    }

    #[test]
    fn one_that_is_not_installed_is_missing() {
        gst::init().expect("GStreamer starts");
        assert_eq!(try_out(&encoder("notthere name=encoder"), Quality::P360, PATIENCE), Trial::Missing);
    }
}
