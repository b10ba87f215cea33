//! The ways to open a camera: what was chosen of its offers, with the profile's capture that takes it.

use gstreamer as gst;

use super::profile::{Capture, Profile, Takes};
use crate::model::capture::{Choice, Drawing, Encoding, Offer, Passing, choices, reason};
use crate::model::media::Quality;

/// Most choices that are tried before the camera is left to itself.
const TRIED: usize = 6;

/// One way.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) capture: Capture,
    /// What is captured; `None`: what the elements agree on.
    pub(super) choice: Option<Choice>,
    /// Why, in words.
    pub(super) why: String,
}

/// All ways, in the order to be tried; never none where the profile has a capture that gives pixels.
pub(super) fn ways(captures: &[Capture], offers: &[Offer], wanted: Quality, drawing: Drawing) -> Vec<Way> {
    let takers = |choice: &Choice| {
        let choice = *choice;
        captures.iter().filter(move |capture| takes(capture.takes, &choice))
    };
    let mut taken = choices(offers, wanted, Drawing::Needed);
    if drawing == Drawing::No {
        // What goes out as it is may still not do so: then there is what is drawn into.
        let untouched = choices(offers, wanted, drawing);
        taken.splice(0..0, untouched.into_iter().take_while(|choice| choice.passing == Passing::Untouched));
    }
    taken.retain(|choice| takers(choice).next().is_some());
    let why = reason(&taken, wanted);
    let mut ways = Vec::new();
    for choice in taken.iter().take(TRIED) {
        for capture in takers(choice) {
            let why = if ways.is_empty() { why.clone() } else { "what was better did not work".to_owned() };
            ways.push(Way { capture: capture.clone(), choice: Some(*choice), why });
        }
    }
    // A camera that keeps to nothing it offers, or offers nothing, may still deliver. What it encodes then is decoded.
    let plain = |capture: &Capture| Way { capture: capture.clone(), choice: None, why: String::new() };
    ways.extend(captures.iter().filter(|capture| capture.takes != Some(Takes::Untouched)).map(plain));
    ways
}

impl Profile {
    /// What is captured of a camera's offers for this size, and why; `None`: the camera is left to itself.
    pub fn choose(&self, offers: &[Offer], wanted: Quality, drawing: Drawing) -> Option<(Choice, String)> {
        let first = ways(&self.cameras, offers, wanted, drawing).into_iter().next()?;
        Some((first.choice?, first.why))
    }
}

fn takes(takes: Option<Takes>, choice: &Choice) -> bool {
    match (takes, choice.passing, choice.encoding) {
        (Some(Takes::Raw), Passing::Encoded, Encoding::Raw(_))
        | (Some(Takes::Jpeg), Passing::Decoded, Encoding::Jpeg)
        | (Some(Takes::H264), Passing::Decoded, Encoding::H264)
        | (Some(Takes::Untouched), Passing::Untouched, Encoding::H264) => true,
        (Some(Takes::Raw | Takes::Jpeg | Takes::H264 | Takes::Untouched) | None, _, _) => false,
    }
}

impl Way {
    /// Whether it goes out as the camera encoded it.
    pub(super) fn passing(&self) -> Passing {
        self.choice.map_or(Passing::Encoded, |choice| choice.passing)
    }

    /// What the element `format` is to let through.
    pub(super) fn format(&self) -> Option<gst::Caps> {
        let Choice { encoding, width, height, rate, .. } = self.choice?;
        let builder = match encoding {
            Encoding::Raw(pixels) => gst::Caps::builder("video/x-raw").field("format", pixels.as_str()),
            Encoding::Jpeg => gst::Caps::builder("image/jpeg"),
            Encoding::H264 => gst::Caps::builder("video/x-h264"),
        };
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let rate = gst::Fraction::new(number(rate.frames), number(rate.seconds).max(1));
        let (width, height) = (number(width), number(height));
        Some(builder.field("width", width).field("height", height).field("framerate", rate).build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::capture::{Pixels, Rate};

    fn offer(encoding: Encoding, width: u32, height: u32, rate: u32) -> Offer {
        Offer { encoding, width, height, rates: vec![Rate::per_second(rate)] }
    }

    /// Captures that give pixels.
    fn pixels(profile: &Profile) -> impl Iterator<Item = &Capture> {
        profile.cameras.iter().filter(|capture| capture.takes != Some(Takes::Untouched))
    }

    #[test]
    fn what_the_camera_encodes_goes_out_as_it_is_unless_something_is_drawn() {
        let profile = Profile::load("generic", &[]).expect("a profile");
        let offers = [offer(Encoding::H264, 1280, 720, 30), offer(Encoding::Raw(Pixels::Yuy2), 640, 360, 30)];
        let passings = |wanted, drawing| -> Vec<Passing> {
            let ways = ways(&profile.cameras, &offers, wanted, drawing);
            ways.iter().filter_map(|way| Some(way.choice?.passing)).collect()
        };
        let untouched = passings(Quality::P720, Drawing::No);
        assert_eq!(
            untouched[..2],
            [Passing::Untouched, Passing::Decoded],
            "and if it does not go out, decoded"
        );
        assert!(!passings(Quality::P720, Drawing::Needed).contains(&Passing::Untouched));
        assert!(!passings(Quality::P360, Drawing::No).contains(&Passing::Untouched), "of its own size only");
    }

    #[test]
    fn the_best_first_and_the_camera_left_to_itself_last() {
        let profile = Profile::load("generic", &[]).expect("a profile");
        let yuy2 = Encoding::Raw(Pixels::Yuy2);
        let offers = [offer(yuy2, 1280, 720, 10), offer(Encoding::Jpeg, 1280, 720, 30)];
        let ways = ways(&profile.cameras, &offers, Quality::P720, Drawing::Needed);
        let formats: Vec<String> = ways.iter().filter_map(Way::format).map(|caps| caps.to_string()).collect();
        assert_eq!(
            formats,
            [
                "image/jpeg, width=(int)1280, height=(int)720, framerate=(fraction)30/1",
                "video/x-raw, format=(string)YUY2, width=(int)1280, height=(int)720, framerate=(fraction)10/1",
            ]
        );
        assert_eq!(ways.len(), 2 + pixels(&profile).count());
        assert!(ways.iter().skip(2).all(|way| way.choice.is_none()));
    }

    #[test]
    fn a_camera_that_says_nothing_is_tried_in_every_way() {
        let profile = Profile::load("generic", &[]).expect("a profile");
        let ways = ways(&profile.cameras, &[], Quality::P720, Drawing::Needed);
        assert_eq!(ways.len(), pixels(&profile).count());
    }

    #[test]
    fn every_raw_format_has_a_name_that_gstreamer_knows() {
        gst::init().expect("GStreamer starts");
        use Pixels::{Bgr, Grey, I420, Nv12, Nv21, Rgb, Uyvy, Yuy2, Yv12};
        for pixels in [I420, Nv12, Yuy2, Uyvy, Nv21, Yv12, Rgb, Bgr, Grey] {
            let format: gstreamer_video::VideoFormat = pixels.as_str().parse().expect("a format");
            assert_ne!(format, gstreamer_video::VideoFormat::Unknown, "{pixels:?}");
        }
    }
}
