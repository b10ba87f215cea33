//! A video encoder of a profile: how its elements are made, and how it is told what it must know.
//!
//! Invariant: sizes and bit rates enter as properties on its named elements `encoder` and `fit`, never as text of the fragment.

use gstreamer as gst;
use gstreamer::prelude::*;
use serde::Deserialize;

use super::fragment::{Memory, Unparsed, parse};
use crate::media::elements;
use crate::model::media::Quality;
use crate::model::settings::VideoCodec;

/// A video encoder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderSpec {
    codec: VideoCodec,
    /// Whether the board does the work.
    #[serde(default)]
    hardware: Hardware,
    pub(super) launch: String,
    /// Of what is encoded here, always.
    #[serde(default)]
    pub(super) bitrate: Option<Bitrate>,
    /// Width and height must be multiples of these; what is over is cropped by the element `fit`.
    #[serde(default)]
    pub(super) multiple_of: Option<(u32, u32)>,
    /// Whose memory it reads.
    #[serde(default)]
    imports: Memory,
}

/// Whether an encoder is a part of the board or a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "bool")]
pub enum Hardware {
    /// A program on the processor: it always works.
    #[default]
    No,
    /// A part of the board, with its moods.
    Yes,
}

impl From<bool> for Hardware {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Whether the pictures that an encoder takes are pixels in memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakesPixels {
    /// They are, so that they can be made smaller before.
    Yes,
    /// They are the camera's: in its memory, or as it has encoded them.
    No,
}

/// How an encoder is told its bit rate. All that profiles name take another while they work.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bitrate {
    /// The name of the property.
    pub(super) property: String,
    /// Where the property is a structure (`extra-controls` of V4L2 encoders): its field.
    #[serde(default)]
    control: Option<String>,
    /// Bits a second of one of its units.
    pub(super) unit: u32,
    /// It changes in steps of so many bits a second.
    #[serde(default)]
    step: u32,
}

impl EncoderSpec {
    /// In the place of an encoder, for pictures that a camera has encoded.
    pub(in crate::media) fn passing() -> Self {
        Self {
            codec: VideoCodec::H264,
            hardware: Hardware::No,
            launch: "h264parse name=encoder config-interval=-1 \
                     ! capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au"
                .to_owned(),
            bitrate: None,
            multiple_of: None,
            imports: Memory::Own,
        }
    }

    /// What it makes.
    pub fn codec(&self) -> VideoCodec {
        self.codec
    }

    /// Whether it is a part of the board.
    pub fn hardware(&self) -> Hardware {
        self.hardware
    }

    /// Whose memory it reads.
    pub fn imports(&self) -> Memory {
        self.imports
    }

    /// Whether its pictures can be made smaller before.
    pub(in crate::media) fn takes_pixels(&self) -> TakesPixels {
        match (self.imports, &self.bitrate) {
            (Memory::Own, Some(_)) => TakesPixels::Yes,
            (Memory::Camera, _) | (_, None) => TakesPixels::No,
        }
    }

    /// What it is called in logs and events: the factory of its named element, such as `x264enc`.
    pub fn element(&self) -> String {
        let before =
            self.launch.split_once("name=encoder").map_or(self.launch.as_str(), |(before, _)| before);
        elements::named_in(before).last().map_or_else(|| "encoder".to_owned(), ToString::to_string)
    }

    /// Its elements, in a bin with its open ends as pads, made for pictures of this size.
    pub(in crate::media) fn build(&self, quality: Quality) -> Result<gst::Bin, Unparsed> {
        let bin = parse(&self.launch)?;
        self.fit(&bin, quality);
        Ok(bin)
    }

    /// Tells its elements what is to be cropped of pictures of this size.
    pub(in crate::media) fn fit(&self, bin: &gst::Bin, quality: Quality) {
        if let (Some(multiples), Some(fit)) = (self.multiple_of, bin.by_name("fit")) {
            let (right, bottom) = surplus(quality.size(), multiples);
            // Halves on both sides, in whole pairs of lines: chroma has one line for two.
            for (property, pixels) in [
                ("left", right / 4 * 2),
                ("right", right - right / 4 * 2),
                ("top", bottom / 4 * 2),
                ("bottom", bottom - bottom / 4 * 2),
            ] {
                fit.set_property(property, i32::try_from(pixels).unwrap_or_default());
            }
        }
    }

    /// Tells the element `encoder` of [`EncoderSpec::build`] its bit rate.
    pub(in crate::media) fn set_bitrate(&self, element: &gst::Element, bits: u32) {
        let Some(Bitrate { property, control, unit, step }) = &self.bitrate else { return };
        let stepped = if *step > 1 { bits.div_ceil(*step) * step } else { bits };
        let units = stepped / unit;
        let Some(control) = control else {
            element.set_property_from_str(property, &units.to_string());
            return;
        };
        let present = element.property::<Option<gst::Structure>>(property);
        let mut controls = present.unwrap_or_else(|| gst::Structure::new_empty("controls"));
        let units = i32::try_from(units).unwrap_or(i32::MAX);
        if controls.get::<i32>(control.as_str()) != Ok(units) {
            controls.set(control.as_str(), units);
            element.set_property(property, controls);
        }
    }
}

/// How much of a size is over the nearest smaller multiples.
fn surplus((width, height): (u32, u32), (across, down): (u32, u32)) -> (u32, u32) {
    (width % across.max(1), height % down.max(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::super::loaded::Profile;
    use super::*;
    use crate::media::testing;

    fn encoder(text: &str) -> EncoderSpec {
        toml::from_str(text).expect("an encoder")
    }

    #[test]
    fn an_encoder_is_called_by_its_element() {
        let named = |launch: &str| {
            encoder(&format!(
                "codec = \"h264\"\nlaunch = '{launch}'\nbitrate = {{ property = \"b\", unit = 1 }}"
            ))
            .element()
        };
        assert_eq!(named("x264enc name=encoder tune=zerolatency"), "x264enc");
        assert_eq!(named("videocrop name=fit ! v4l2h264enc a=1 name=encoder ! h264parse"), "v4l2h264enc");
        assert_eq!(named("name=encoder"), "encoder");
    }

    #[test]
    fn what_is_over_a_multiple_is_cropped() {
        gst::init().expect("GStreamer starts");
        let encoder = encoder(
            r#"codec = "h264"
            launch = "videocrop name=fit ! identity name=encoder"
            bitrate = { property = "sleep-time", unit = 1 }
            multiple_of = [32, 16]"#,
        );
        let cropped = |quality| {
            let fit = encoder.build(quality).expect("elements").by_name("fit").expect("its name");
            ["left", "right", "top", "bottom"].map(|side| fit.property::<i32>(side))
        };
        assert_eq!(cropped(Quality::P360), [0, 0, 4, 4]);
        assert_eq!(cropped(Quality::P540), [0, 0, 6, 6]);
        assert_eq!(cropped(Quality::P720), [0, 0, 0, 0]);
        assert_eq!(cropped(Quality::P1080), [0, 0, 4, 4]);
    }

    #[test]
    fn a_bit_rate_in_steps_and_units() {
        gst::init().expect("GStreamer starts");
        let encoder = encoder(
            r#"codec = "h264"
            launch = "identity name=encoder"
            bitrate = { property = "sleep-time", unit = 1000, step = 25_000 }"#,
        );
        let element = gst::ElementFactory::make("identity").build().expect("a core element");
        for (bits, units) in [(1_800_000, 1800), (1_801_000, 1825), (10_000, 25)] {
            encoder.set_bitrate(&element, bits);
            assert_eq!(element.property::<u32>("sleep-time"), units, "{bits}");
        }
    }

    /// Bytes that the encoder makes of two seconds at 900 kbit/s, and of two at 200 kbit/s after one to get there.
    fn bytes_at_two_rates(encoder: &EncoderSpec) -> [usize; 2] {
        let launch = "videotestsrc num-buffers=210 pattern=pinwheel horizontal-speed=3 \
                      ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! identity name=here \
                      fakesink name=far";
        let pipeline = gst::parse::launch(launch).expect("usual elements").downcast::<gst::Pipeline>();
        let pipeline = pipeline.expect("a pipeline");
        let bin = encoder.build(Quality::P360).expect("it is installed");
        let element = bin.by_name("encoder").expect("its name");
        encoder.set_bitrate(&element, 900_000);
        pipeline.add(&bin).expect("it is new");
        let [here, far] = ["here", "far"].map(|name| pipeline.by_name(name).expect("named above"));
        gst::Element::link_many([&here, bin.upcast_ref(), &far]).expect("they fit");
        let (fed, bytes) = (Arc::new(AtomicUsize::new(0)), Arc::new([0, 1].map(AtomicUsize::new)));
        let (frames, spec) = (Arc::clone(&fed), encoder.clone());
        here.static_pad("src").expect("it has one").add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            if frames.fetch_add(1, Relaxed) == 120 {
                spec.set_bitrate(&element, 200_000);
            }
            gst::PadProbeReturn::Ok
        });
        let made = Arc::clone(&bytes);
        far.static_pad("sink").expect("it has one").add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            let part = match fed.load(Relaxed) {
                60..120 => Some(0),
                // It has a second to get there.
                150.. => Some(1),
                _ => None,
            };
            if let (Some(part), Some(buffer)) = (part, info.buffer()) {
                made[part].fetch_add(buffer.size(), Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).expect("it plays");
        testing::end(&pipeline);
        [bytes[0].load(Relaxed), bytes[1].load(Relaxed)]
    }

    #[test]
    fn every_encoder_of_this_machine_takes_another_bit_rate_while_it_works() {
        let profile = Profile::load("generic", &[]).expect("a shipped profile");
        let encoders: Vec<EncoderSpec> = [VideoCodec::H264, VideoCodec::Vp8]
            .into_iter()
            .flat_map(|codec| profile.encoders(codec))
            .cloned()
            .collect();
        assert!(encoders.len() > 1, "{encoders:?}");
        for encoder in encoders {
            let [before, after] = bytes_at_two_rates(&encoder);
            assert!(after * 2 < before, "{}: {before} bytes, and then {after}", encoder.element());
            // Two seconds at 200 kbit/s are 50 kB.
            assert!(after < 65_000, "{}: {after}", encoder.element());
        }
    }
}
