//! The validated configuration: plain values that need no further checking.
//!
//! Every value here is within its range, every default is filled in and every secret is read. How a value was spelled and
//! where it came from is kept only for people, in [`Settings::effective`].

use std::path::PathBuf;
use std::time::Duration;

use super::{Machine, Secret, Setting, UrlTemplate, Warning};
use crate::logging::Verbosity;
use crate::model::command::SeatCount;
use crate::model::controls::ControlSettings;
use crate::model::media::{Mirror, Quality};
use crate::model::server::Origin;
use crate::model::sound::Return;
use crate::model::voice::Voice;
use crate::model::volume::Loudness;
use crate::model::{LiveId, SeatMode, User as ModelUser, UserId};

/// Everything a daemon is told before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What this daemon is in a room.
    pub role: Role,
    /// Who this daemon is.
    pub user: User,
    /// The broker and how to log in there.
    pub mqtt: Mqtt,
    /// The room to be in, and how media travel.
    pub room: Room,
    /// Settings of the guest role.
    pub guest: Guest,
    /// Settings of the host role.
    pub host: Host,
    /// Devices, profile and quality.
    pub media: Media,
    /// What is drawn over the camera's picture, and in its place.
    pub layers: Layers,
    /// How peers find each other.
    pub webrtc: WebRtc,
    /// The Home Assistant integration.
    pub home_assistant: HomeAssistant,
    /// `[log]`.
    pub log: Log,
    /// Tells two machines with one user id apart.
    pub machine: Machine,
    /// What a person should know, though the daemon can start.
    pub warnings: Vec<Warning>,
    /// Every key with its value and its origin, for [`dump`](Self::dump).
    pub effective: Vec<Setting>,
}

/// `role`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Takes a seat in somebody's room.
    #[default]
    Guest,
    /// Owns a room.
    Host,
}

impl Role {
    /// The word in the configuration and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Host => "host",
        }
    }
}

/// `[user]`.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The user as others see it: `user.id` (with `auto` resolved), `user.name` (the id when absent), `user.avatar_url`.
    pub public: ModelUser,
    /// An image file for the slate.
    pub avatar: Option<PathBuf>,
}

/// `[mqtt]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mqtt {
    /// Host name or address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether the connection is encrypted, and with what.
    pub security: Security,
    /// The login, if the broker wants one.
    pub login: Option<Login>,
    /// Topic prefix, without a slash at either end.
    pub prefix: String,
    /// MQTT keep-alive, 5–3600 s; a silent death is noticed after one and a half times this.
    pub keep_alive: Duration,
}

/// How the broker connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// `mqtt://`
    Plain,
    /// `mqtts://`
    Tls(Tls),
}

/// Certificate files (PEM) of an `mqtts://` connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// The client's own certificate.
    pub client: Option<ClientCertificate>,
}

/// A client certificate and its key, both PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The MQTT login.
#[derive(Clone, Debug, PartialEq)]
pub struct Login {
    /// User name; the user id when only a password is configured.
    pub username: String,
    /// Password, without the line end of its file.
    pub password: Option<Secret>,
}

/// `[room]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Room {
    /// Guest: the room to join at start. Host: the live to start. `None` waits for a command.
    pub live_id: Option<LiveId>,
    /// Host: the user id of the peer that receives the media in this daemon's place; `None` for its own stage.
    pub stage: Option<UserId>,
    /// How media travel.
    pub transport: Transport,
    /// Where a WHIP server may lead beside its own origin; a grant may lead there also in clear, or to this machine.
    pub trusted_origins: Vec<Origin>,
    /// Authorities for `https:` and `turns:` in place of the system's.
    pub ca: Option<PathBuf>,
}

/// `room.transport`.
#[derive(Clone, Debug, PartialEq)]
pub enum Transport {
    /// Straight to a peer; SDP and ICE over the room plane.
    Mqtt,
    /// Through a WHIP/WHEP server.
    Whip(Whip),
}

/// Where media go with WHIP; what is absent comes with the host's grant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whip {
    /// WHIP endpoint.
    pub publish_url: Option<UrlTemplate>,
    /// WHEP endpoint.
    pub playback_url: Option<UrlTemplate>,
    /// Host: WHEP endpoint of one guest, for viewers.
    pub watch_url: Option<UrlTemplate>,
    /// Bearer token for all.
    pub token: Option<Secret>,
}

/// `[guest]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// Who may bring this guest onto a seat without an operator.
    pub accept_invitations: AcceptInvitations,
    /// How long a lost host is waited for, 0–86400 s.
    pub host_hold: Duration,
}

/// `guest.accept_invitations`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AcceptInvitations {
    /// An operator answers.
    #[default]
    Manual,
    /// Everybody's are accepted at once.
    Always,
    /// Those of these hosts are accepted at once.
    From(Vec<UserId>),
}

/// `[host]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Number of seats, 1–32.
    pub seats: SeatCount,
    /// Who decides about a seat.
    pub seat_mode: SeatMode,
    /// Who answers applications in the mode `apply`.
    pub accept_applications: AcceptApplications,
    /// How long a lost guest keeps its seat, 0–86400 s.
    pub hold: Duration,
    /// What guests hear of the room.
    pub returned: Return,
    /// Guests a room takes, 1–100000.
    pub capacity: usize,
    /// Sessions of viewers at once, 0–1024.
    pub watching: usize,
}

/// `host.accept_applications`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceptApplications {
    /// An operator answers.
    #[default]
    Manual,
    /// All are accepted at once.
    Always,
}

/// `[media]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// `auto` or the name of a file in `pipelines/`, without its ending.
    pub profile: String,
    /// Directory searched for profiles before the installed ones.
    pub profile_directory: Option<PathBuf>,
    /// `auto`, `none`, an id, a `/dev` path or part of a name.
    pub camera: String,
    /// `auto`, `none`, an id or part of a name.
    pub microphone: String,
    /// `auto`, `none`, an id or part of a name.
    pub speaker: String,
    /// Size of the sent picture.
    pub quality: Quality,
    /// The codec offered first.
    pub codec: Codec,
    /// Microphone volume at start.
    pub capture_volume: Loudness,
    /// Speaker volume at start.
    pub output_volume: Loudness,
    /// What is done to the voice of a real microphone.
    pub voice: Voice,
    /// Mirror the camera's picture at start.
    pub mirror: Mirror,
    /// What is set at a camera whenever it is opened: by its id, or `*` for every one, values by control.
    pub controls: ControlSettings,
    /// Media file for the profile `file`.
    pub file: Option<PathBuf>,
    /// Time between two `stats`, 0.2–3600 s.
    pub stats_interval: Duration,
}

/// `media.codec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// H.264, constrained baseline.
    #[default]
    H264,
    /// VP8.
    Vp8,
}

/// `[layers]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Whether the name is drawn over the camera's picture.
    pub foreground: Foreground,
    /// An SVG in place of the built-in label.
    pub foreground_template: Option<PathBuf>,
    /// An SVG in place of the built-in slate.
    pub background_template: Option<PathBuf>,
}

/// `layers.foreground`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Foreground {
    /// `false`: the picture is sent as it is.
    #[default]
    None,
    /// `true`: with a label.
    Name,
}

/// `[webrtc]`.
#[derive(Clone, Debug, PartialEq)]
pub struct WebRtc {
    /// STUN servers, `stun:host[:port]` (RFC 7064).
    pub stun: Vec<String>,
    /// TURN servers.
    pub turn: Vec<Turn>,
    /// Which candidates may be used.
    pub policy: IcePolicy,
    /// Kilobits a second of pictures and sound together at the start of a call.
    pub start_bitrate: u32,
    /// Kilobits a second below which pictures stand still.
    pub min_bitrate: u32,
    /// Kilobits a second at most; 0: what the quality asks for.
    pub max_bitrate: u32,
}

/// One of `webrtc.turn`.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// `turn:host[:port][?transport=udp|tcp]` or `turns:…` (RFC 7065).
    pub url: String,
    /// User name at the server.
    pub username: String,
    /// Password at the server.
    pub password: Secret,
}

/// `webrtc.policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IcePolicy {
    /// Every candidate.
    #[default]
    All,
    /// Only candidates of a TURN server.
    Relay,
}

/// `[home_assistant]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeAssistant {
    /// Whether discovery messages are published.
    pub enabled: bool,
    /// Topic prefix Home Assistant listens on.
    pub discovery_prefix: String,
}

/// `[log]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// What is logged at least; `-v` and `COGUESTD_LOG` go over it.
    pub level: Verbosity,
}
