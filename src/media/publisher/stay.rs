//! The present stay: what its plan wants of the devices, and what the stage does not take of it.
//!
//! A section that the stage rejects costs itself only (RFC 8829). Invariant: a device whose sound or pictures are refused stays closed
//! until the stay ends. Pure.

use crate::media::description::Kind;
use crate::media::profile::Profile;
use crate::model::media::{AudioPlan, Plan, Report, VideoPlan};
use crate::model::message::DeviceKind;
use crate::model::settings::VideoCodec;
use crate::model::{Media, Refusal};

/// A stay on a seat, as media see it.
#[derive(Debug)]
pub struct ActiveStay {
    epoch: u64,
    media: Media,
    plan: Plan,
    /// What the stage does not take, and that in words.
    refused: Vec<(Kind, String)>,
    /// The codecs that it does not take.
    declined: Vec<VideoCodec>,
}

impl ActiveStay {
    pub fn new(epoch: u64) -> Self {
        let (media, plan) = (Media::Audio, Plan::default());
        Self { epoch, media, plan, refused: Vec::new(), declined: Vec::new() }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Audio alone where the stage refuses pictures.
    pub fn media(&self) -> Media {
        self.media
    }

    /// A peer begins, with these media and this plan.
    pub fn begin(&mut self, media: Media, plan: Plan) {
        self.media = if self.refuses(Kind::Video) { Media::Audio } else { media };
        self.plan = plan;
    }

    pub fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// Whether it has pictures.
    pub fn is_seen(&self) -> bool {
        self.media == Media::Video
    }

    /// The epoch, if its plan wants this device open.
    pub fn wants(&self, device: DeviceKind) -> Option<u64> {
        let open = match device {
            DeviceKind::Camera => self.is_seen() && self.plan.video == VideoPlan::Camera,
            DeviceKind::Microphone => self.plan.audio == AudioPlan::Microphone && !self.refuses(Kind::Audio),
        };
        open.then_some(self.epoch)
    }

    /// The stage does not take pictures in this codec. The other one, if it was not declined yet and the profile encodes it.
    pub fn decline(&mut self, codec: VideoCodec, profile: &Profile) -> Option<VideoCodec> {
        self.declined.push(codec);
        let other = codec.other();
        (!self.declined.contains(&other) && !profile.encoders(other).is_empty()).then_some(other)
    }

    /// Which codecs the stage does not take, in words.
    pub fn declined(&self) -> String {
        let names: Vec<String> = self.declined.iter().map(|codec| format!("no {}", codec.name())).collect();
        format!("the stage takes {}", names.join(" and "))
    }

    /// The stage takes nothing of these kinds. What is new of that, in words.
    pub fn refuse(&mut self, kinds: &[Kind]) -> Vec<String> {
        let why = |kind: Kind| match kind {
            Kind::Audio => "the stage takes no sound".to_owned(),
            Kind::Video => self.declined(),
        };
        let new: Vec<(Kind, String)> =
            kinds.iter().filter(|kind| !self.refuses(**kind)).map(|kind| (*kind, why(*kind))).collect();
        let said = new.iter().map(|(_, why)| why.clone()).collect();
        self.refused.extend(new);
        if self.refuses(Kind::Video) {
            self.media = Media::Audio;
        }
        said
    }

    fn refuses(&self, kind: Kind) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == kind)
    }

    /// A device that the plan wants open, and whose kind the stage refuses, does not open.
    pub fn refused_devices(&self) -> Vec<Report> {
        let failed = |(kind, why): &(Kind, String)| {
            let (device, wanted) = match kind {
                Kind::Audio => (DeviceKind::Microphone, self.plan.audio == AudioPlan::Microphone),
                Kind::Video => (DeviceKind::Camera, self.plan.video == VideoPlan::Camera),
            };
            let error = Refusal::new(device.start_fail(), why.clone());
            wanted.then_some(Report::DeviceFailed { epoch: self.epoch, device, error })
        };
        self.refused.iter().filter_map(failed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Plan = Plan { audio: AudioPlan::Microphone, video: VideoPlan::Camera };

    fn stay() -> ActiveStay {
        let mut stay = ActiveStay::new(7);
        stay.begin(Media::Video, OPEN);
        stay
    }

    fn wanted(stay: &ActiveStay) -> [Option<u64>; 2] {
        [DeviceKind::Camera, DeviceKind::Microphone].map(|device| stay.wants(device))
    }

    #[test]
    fn devices_are_open_as_the_plan_wants() {
        let mut stay = ActiveStay::new(7);
        assert_eq!(wanted(&stay), [None, None], "nothing before a peer begins");
        stay.begin(Media::Video, OPEN);
        assert_eq!(wanted(&stay), [Some(7), Some(7)]);
        stay.set_plan(Plan { video: VideoPlan::Slate, ..OPEN });
        assert_eq!(wanted(&stay), [None, Some(7)]);
        stay.begin(Media::Audio, OPEN);
        assert_eq!(wanted(&stay), [None, Some(7)], "a seat without pictures has no camera");
    }

    #[test]
    fn what_is_refused_stays_closed_until_the_stay_ends() {
        let mut stay = stay();
        assert_eq!(stay.refuse(&[Kind::Audio]), ["the stage takes no sound"]);
        assert_eq!(wanted(&stay), [Some(7), None]);
        assert_eq!(stay.refuse(&[Kind::Audio]), Vec::<String>::new(), "that is known");
        assert_eq!(stay.refused_devices().len(), 1);
        stay.begin(Media::Video, OPEN);
        assert_eq!(wanted(&stay), [Some(7), None], "also with the next peer");
        stay.set_plan(Plan { audio: AudioPlan::Silence, ..OPEN });
        assert_eq!(stay.refused_devices(), [], "nobody wants it open");
    }

    #[test]
    fn pictures_are_offered_in_the_other_codec_once() {
        let profile = Profile::load("test", &[]).expect("a shipped profile");
        let mut stay = stay();
        assert_eq!(stay.decline(VideoCodec::H264, &profile), Some(VideoCodec::Vp8));
        assert_eq!(stay.decline(VideoCodec::Vp8, &profile), None);
        assert_eq!(stay.refuse(&[Kind::Video]), ["the stage takes no H.264 and no VP8"]);
        assert_eq!((stay.media(), wanted(&stay)), (Media::Audio, [None, Some(7)]));
    }
}
