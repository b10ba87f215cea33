//! The ways to open a camera, best first: what was chosen of its offers, with the profile's capture that takes it.

use gstreamer as gst;

use crate::media::bridge::FrameKind;
use crate::media::profile::{Capture, Memory, Profile, Takes};
use crate::model::capture::{Choice, Drawing, Encoding, Offer, Passing, choices, reason};
use crate::model::media::Quality;

/// Most choices that are tried before the camera is left to itself.
const TRIED: usize = 6;

/// One way to open a device.
#[derive(Debug, Clone)]
pub struct CaptureCandidate {
    pub capture: Capture,
    /// What is captured; `None`: what the elements agree on.
    pub choice: Option<Choice>,
    /// Why, in words.
    pub why: String,
}

/// All candidates, in the order to be tried; never none where the profile has a capture that gives pixels.
pub fn candidates(
    captures: &[Capture],
    offers: &[Offer],
    wanted: Quality,
    drawing: Drawing,
) -> Vec<CaptureCandidate> {
    let takers = |choice: &Choice| {
        let choice = *choice;
        let kept = drawing == Drawing::No && (choice.width, choice.height) == choice.sent.size();
        captures.iter().filter(move |capture| {
            takes(capture.takes, &choice) && (kept && capture.shares_at(choice.sent) || !capture.may_share())
        })
    };
    let mut taken = choices(offers, wanted, Drawing::Needed);
    if drawing == Drawing::No {
        // What goes out as it is may still not do so: then there is what is drawn into.
        let untouched = choices(offers, wanted, drawing);
        taken.splice(0..0, untouched.into_iter().take_while(|choice| choice.passing == Passing::Untouched));
    }
    taken.retain(|choice| takers(choice).next().is_some());
    let why = reason(&taken, wanted);
    let mut found = Vec::new();
    for choice in taken.iter().take(TRIED) {
        for capture in takers(choice) {
            let why = if found.is_empty() { why.clone() } else { "what was better did not work".to_owned() };
            found.push(CaptureCandidate { capture: capture.clone(), choice: Some(*choice), why });
        }
    }
    // A camera that keeps to nothing it offers, or offers nothing, may still deliver. What it encodes then is decoded.
    let plain =
        |capture: &Capture| CaptureCandidate { capture: capture.clone(), choice: None, why: String::new() };
    let gives_pixels = |capture: &&Capture| {
        let untouched = capture.takes == Some(Takes::Untouched);
        let shares = drawing == Drawing::No && capture.shares_at(wanted);
        !untouched && (shares || !capture.may_share())
    };
    found.extend(captures.iter().filter(gives_pixels).map(plain));
    found
}

/// What is captured of a camera's offers for this size, and why; `None`: the camera is left to itself.
pub fn choose(
    profile: &Profile,
    offers: &[Offer],
    wanted: Quality,
    drawing: Drawing,
) -> Option<(Choice, String)> {
    let first = candidates(&profile.cameras, offers, wanted, drawing).into_iter().next()?;
    Some((first.choice?, first.why))
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

impl CaptureCandidate {
    /// What crosses the bridge.
    pub fn kind(&self) -> FrameKind {
        match (self.capture.shares, self.choice.map(|choice| choice.passing)) {
            (Memory::Camera, _) => FrameKind::Shared,
            (Memory::Own, Some(Passing::Untouched)) => FrameKind::Encoded,
            (Memory::Own, Some(Passing::Encoded | Passing::Decoded) | None) => FrameKind::Raw,
        }
    }

    /// What the element `format` is to let through.
    pub fn format(&self) -> Option<gst::Caps> {
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
            let ways = candidates(&profile.cameras, &offers, wanted, drawing);
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
        let ways = candidates(&profile.cameras, &offers, Quality::P720, Drawing::Needed);
        let formats: Vec<String> =
            ways.iter().filter_map(CaptureCandidate::format).map(|caps| caps.to_string()).collect();
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
        let ways = candidates(&profile.cameras, &[], Quality::P720, Drawing::Needed);
        assert_eq!(ways.len(), pixels(&profile).count());
    }

    #[test]
    fn a_camera_shares_its_memory_while_its_pictures_are_sent_as_they_are() {
        let capture = |text: &str| -> Capture { toml::from_str(text).expect("a capture") };
        let captures = [
            capture("takes = \"raw\"\nshares = true\nmultiple_of = [64, 16]\nlaunch = \"shared\""),
            capture("shares = true\nmultiple_of = [64, 16]\nlaunch = \"any size\""),
            capture("takes = \"raw\"\nlaunch = \"copied\""),
        ];
        let nv12 = Encoding::Raw(Pixels::Nv12);
        let offers = [offer(nv12, 1280, 720, 30), offer(nv12, 640, 360, 30), offer(nv12, 640, 480, 30)];
        let launched = |wanted, drawing, offers: &[Offer]| -> Vec<(String, FrameKind)> {
            let ways = candidates(&captures, offers, wanted, drawing);
            ways.into_iter().map(|way| (way.capture.launch.clone(), way.kind())).collect()
        };
        let (shared, copied) =
            (("shared".to_owned(), FrameKind::Shared), ("copied".to_owned(), FrameKind::Raw));
        let any_size = ("any size".to_owned(), FrameKind::Shared);
        let plain = launched(Quality::P720, Drawing::No, &offers[..1]);
        assert_eq!(plain, [shared.clone(), copied.clone(), shared, any_size, copied.clone()]);
        // 360 is no multiple of 16; 640x480 is sent as 640x360.
        for offers in [&offers[1..2], &offers[2..]] {
            assert_eq!(launched(Quality::P360, Drawing::No, offers), vec![copied.clone(); 2]);
        }
        assert_eq!(launched(Quality::P720, Drawing::Needed, &offers[..1]), vec![copied; 2]);
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
