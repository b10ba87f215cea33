//! How a publisher works, and what it asks of the machine's devices.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::media::layers;
use crate::media::profile::Profile;
use crate::media::rate::RateLimits;
use crate::media::webrtc::Ice;
use crate::model::Refusal;
use crate::model::capture::{Drawing, Offer};
use crate::model::media::{Mirror, Quality};
use crate::model::message::DeviceKind;
use crate::model::settings::VideoCodec;
use crate::model::voice::Voice;
use crate::model::volume::{Loudness, Side, Taken};

/// A device that a choice means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Its id in events and snapshots.
    pub id: String,
    /// What the profile's element is given.
    pub address: String,
    /// What a camera offers; empty when it does not say.
    pub offers: Vec<Offer>,
    /// Its node, by which notices name it.
    pub node: PathBuf,
}

/// Finds the device that a choice of the configuration or of `switch_camera` means; may block.
pub type Locate = Arc<dyn Fn(DeviceKind, &str) -> Result<Located, Refusal> + Send + Sync>;

/// Adds to a refusal what the machine knows of its cause; may take a moment.
pub type Explain = Arc<dyn Fn(DeviceKind, &Located, Refusal) -> Refusal + Send + Sync>;

/// Finds the speaker; `None` where there is none.
pub type LocateSpeaker = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Applies a volume at the card of an address, or reports what it stands at, where its mixer has one; may block.
pub type TurnMixer = Arc<dyn Fn(Side, &str, Loudness) -> Taken + Send + Sync>;

/// How a publisher works.
#[derive(Clone)]
pub struct Settings {
    /// Which elements capture, encode and play.
    pub profile: Profile,
    /// Finds cameras and microphones.
    pub locate: Locate,
    /// Explains why one fails.
    pub explain: Explain,
    /// Finds the speaker.
    pub locate_speaker: LocateSpeaker,
    /// Applies volumes at a card.
    pub mixer: TurnMixer,
    /// The choice of a camera.
    pub camera: String,
    /// The choice of a microphone.
    pub microphone: String,
    /// The choice of a speaker; `none` for none.
    pub speaker: String,
    /// The size of the pictures sent.
    pub quality: Quality,
    /// Whether pictures are sent mirrored.
    pub mirror: Mirror,
    /// How the voice from a microphone that has an address is processed.
    pub voice: Voice,
    /// Volume of the microphone.
    pub capture_volume: Loudness,
    /// Volume of the speaker.
    pub output_volume: Loudness,
    /// The codec that is offered first.
    pub codec: VideoCodec,
    /// The file of the profile `file`.
    pub file: Option<PathBuf>,
    /// ICE servers and policy.
    pub ice: Ice,
    /// Between what bounds the rate moves; the quality is that of `quality`.
    pub rate: RateLimits,
    /// The time between two reports of statistics.
    pub stats_interval: Duration,
    /// The user's name, for the layers.
    pub name: String,
    /// What the layers are painted from.
    pub layers: layers::Settings,
}

impl Settings {
    /// Whether what a camera encodes may be sent as it is.
    pub(super) fn drawing(&self) -> Drawing {
        drawing(&self.profile, self.codec, self.mirror, self.layers.foreground)
    }
}

/// Whether what a camera encodes may be sent as it is: it is in the codec that is offered, and nothing changes the picture.
pub fn drawing(
    profile: &Profile,
    codec: VideoCodec,
    mirror: Mirror,
    foreground: layers::Foreground,
) -> Drawing {
    let plain = mirror == Mirror::No && foreground == layers::Foreground::None;
    if plain && profile.offered(codec) == VideoCodec::H264 { Drawing::No } else { Drawing::Needed }
}
