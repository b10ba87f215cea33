//! The shells: what connects the pure machines to the world.
//!
//! Invariant: all decisions about rooms are made in `guest` and `host`; all that waits or retries is an adapter. What is here
//! turns events into inputs, outputs into wishes, and settles commands. Not here: rules, topics' spelling, pipelines.

mod background;
mod client_id;
mod commands;
mod fitting;
mod guest;
mod home_assistant;
mod host;
mod identity;
mod info;
mod mqtt_port;
pub mod probe;
mod reload;
mod role;
mod shell;
mod signals;
mod trouble;
mod watchdog;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{IcePolicy, Media, Role, Security, Settings, Sources};
use crate::devices::Witness;
use crate::media::encoder::available;
use crate::media::profile::{self, Profile};
use crate::media::publisher;
use crate::media::rate::RateLimits;
use crate::media::webrtc::{Ice, Policy, Turn};
use crate::model::message::DeviceKind;
use crate::mqtt::connection::{self, Will};
use crate::mqtt::topics::Topics;
use crate::mqtt::wire::device;

use background::{BackgroundTasks, Choose, DeviceOrigin};
use info::Info;
use mqtt_port::MqttPort;
use shell::Shell;

/// Where installed profiles are, the first before the later.
const PROFILES: [&str; 2] = ["/etc/coguestd/pipelines", "/usr/share/coguestd/pipelines"];

/// Why the daemon cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate of the broker connection.
    #[error(transparent)]
    Tls(#[from] connection::Error),
    /// The host's stage.
    #[error(transparent)]
    Stage(#[from] crate::media::stage::OpenError),
    /// The guest's media.
    #[error(transparent)]
    Publisher(#[from] crate::media::publisher::OpenError),
    /// The profile.
    #[error(transparent)]
    Profile(#[from] crate::media::profile::Error),
    /// No encoder works any more in this process; another one may have better luck.
    #[error("media gave up: {0}")]
    Media(String),
    /// The system.
    #[error("the system does not hand out signals: {0}")]
    Signals(#[from] std::io::Error),
}

impl Error {
    /// Whether somebody has to change the configuration, or install something, before a restart helps.
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Tls(_) | Self::Profile(_) => true,
            Self::Stage(error) => matches!(error, crate::media::stage::OpenError::Missing(_)),
            Self::Publisher(error) => match error {
                crate::media::publisher::OpenError::Missing(_)
                | crate::media::publisher::OpenError::Picture { .. }
                | crate::media::publisher::OpenError::NoFile(_) => true,
                crate::media::publisher::OpenError::Init(_)
                | crate::media::publisher::OpenError::Certificate(_)
                | crate::media::publisher::OpenError::Thread(_) => false,
            },
            Self::Signals(_) | Self::Media(_) => false,
        }
    }
}

/// Is what the settings say, until asked to stop (SIGTERM, SIGINT). Asked to (SIGHUP), it reads `sources` again.
///
/// # Errors
/// What cannot start; a broker that cannot be reached is no error.
pub async fn run(settings: Settings, sources: Sources) -> Result<(), Error> {
    let user_id = settings.user.public.user_id.clone();
    live(settings, sources).await?;
    tracing::info!(%user_id, "{user_id} stopped");
    Ok(())
}

/// Ends the process, all being said. Nothing that is registered for the exit is run: libraries would be taken apart there under threads
/// that still use them (OpenSSL makes a key, GStreamer loads plugins), and crash.
#[allow(unsafe_code, reason = "the standard library has only the ordinary exit")]
pub fn end(status: u8) -> ! {
    // Who does not read any more misses nothing.
    std::io::stdout().flush().unwrap_or_default();
    // SAFETY: it takes an integer and hands the process to the kernel.
    unsafe { libc::_exit(status.into()) }
}

async fn live(settings: Settings, sources: Sources) -> Result<(), Error> {
    match settings.role {
        Role::Guest => {
            let (role, profile) = guest::GuestRole::open(&settings)?;
            let pipeline = profile.name().to_owned();
            let origin = match (profile.chooses(DeviceKind::Camera), profile.chooses(DeviceKind::Microphone))
            {
                (true, _) => DeviceOrigin::Devices,
                (false, true) => DeviceOrigin::Sounds(pipeline.clone()),
                (false, false) => DeviceOrigin::Profile(pipeline.clone()),
            };
            let witness = match &origin {
                DeviceOrigin::Devices | DeviceOrigin::Sounds(_) => Witness::start(),
                DeviceOrigin::Profile(_) => Witness::blind(),
            };
            let drawing = guest::drawing(&settings, &profile);
            let choose: Choose = Arc::new(move |offers, quality| {
                Some(publisher::choose(&profile, offers, quality, drawing)?.0)
            });
            let background = BackgroundTasks::new(origin, choose, witness);
            shell(settings, sources, role, &pipeline, background)?.run().await?;
        }
        Role::Host => {
            let role = host::HostRole::open(&settings)?;
            let choose: Choose = Arc::new(|_, _| None);
            let background = BackgroundTasks::new(DeviceOrigin::Devices, choose, Witness::blind());
            shell(settings, sources, role, "stage", background)?.run().await?;
        }
    }
    Ok(())
}

fn shell<R: role::RoleAdapter>(
    settings: Settings,
    sources: Sources,
    role: R,
    pipeline: &str,
    background: BackgroundTasks,
) -> Result<Shell<R>, Error> {
    let user_id = settings.user.public.user_id.clone();
    let topics = Topics::new(&settings.mqtt.prefix, user_id.clone());
    let client_id = client_id::of(&user_id, client_id::runtime_directory().as_deref());
    let will = Will { topic: topics.status(), payload: device::OFFLINE.into() };
    let connection = connection::Settings { will: Some(will), ..connection_settings(&settings, client_id) };
    let (link, incoming) = connection::open(connection)?;
    let port = MqttPort::new(link, topics, user_id);
    let info = Info::new(&settings, pipeline, &available::available());
    Ok(Shell::new(role, port, incoming, background, info, settings, sources))
}

/// Whether the daemon would start with these settings on this machine: the same checks in the same order as [`run`], without opening a
/// device, a connection or a thread. May block.
///
/// # Errors
/// Those of [`run`].
pub fn check(settings: &Settings) -> Result<(), Error> {
    match settings.role {
        Role::Guest => {
            let profile = guest::load_profile(settings)?.profile;
            crate::media::publisher::check_profile(&profile, settings.media.file.as_deref())?;
        }
        Role::Host => crate::media::stage::check()?,
    }
    Ok(connection::check(&connection_settings(settings, String::new()))?)
}

/// Whether a host can publish its room at a broker that grants this, as configured and with nobody in it. A guest has none.
///
/// # Errors
/// In words, with both sizes.
pub(crate) fn check_room(settings: &Settings, granted: &connection::Granted) -> Result<(), String> {
    match settings.role {
        Role::Guest => Ok(()),
        Role::Host => host::check_room(settings, granted).map_err(|refusal| refusal.message),
    }
}

/// Whether media can be opened as configured, without opening them: the name of the profile, or what is missing. May block.
pub(crate) fn check_media(settings: &Settings) -> Result<String, Error> {
    match settings.role {
        Role::Guest => {
            crate::media::publisher::check()?;
            let name = guest::load_profile(settings)?.profile.name().to_owned();
            // Closer than the daemon looks, which loads no plugin before it must.
            Profile::examine(&name, &profile_directories(&settings.media))?;
            Ok(name)
        }
        Role::Host => {
            crate::media::stage::check()?;
            Ok("stage".to_owned())
        }
    }
}

/// Whether the profile takes devices of the machine of this kind, also where it cannot be used; one that cannot be read might.
pub(crate) fn takes_devices(settings: &Settings, profile: &str, device: DeviceKind) -> bool {
    settings.role == Role::Guest
        && profile::chooses(profile, &profile_directories(&settings.media), device).unwrap_or(true)
}

/// How the configured broker is reached by a client of this id, which says no will.
pub(crate) fn connection_settings(settings: &Settings, client_id: String) -> connection::Settings {
    let mqtt = &settings.mqtt;
    let tls = match &mqtt.security {
        Security::Plain => None,
        Security::Tls(tls) => Some(connection::TlsFiles {
            ca_file: tls.ca.clone(),
            client_certificate_file: tls.client.as_ref().map(|client| client.certificate.clone()),
            client_key_file: tls.client.as_ref().map(|client| client.key.clone()),
        }),
    };
    let password = mqtt.login.as_ref().and_then(|login| login.password.as_ref());
    connection::Settings {
        tls,
        username: mqtt.login.as_ref().map(|login| login.username.clone()),
        password: password.map(|password| password.expose().to_owned()),
        keep_alive: mqtt.keep_alive,
        ..connection::Settings::new(&mqtt.host, mqtt.port, client_id)
    }
}

/// Where profiles are, the first before the later.
fn profile_directories(media: &Media) -> Vec<PathBuf> {
    media.profile_directory.clone().into_iter().chain(PROFILES.map(PathBuf::from)).collect()
}

fn rate_limits(settings: &Settings) -> RateLimits {
    let webrtc = &settings.webrtc;
    RateLimits {
        start: webrtc.start_bitrate * 1_000,
        least: webrtc.min_bitrate * 1_000,
        most: webrtc.max_bitrate * 1_000,
        quality: settings.media.quality,
    }
}

fn ice(settings: &Settings) -> Ice {
    let turn = |turn: &crate::config::Turn| Turn {
        url: turn.url.clone(),
        username: turn.username.clone(),
        password: turn.password.expose().to_owned(),
    };
    Ice {
        stun: settings.webrtc.stun.clone(),
        turn: settings.webrtc.turn.iter().map(turn).collect(),
        policy: match settings.webrtc.policy {
            IcePolicy::All => Policy::All,
            IcePolicy::Relay => Policy::Relay,
        },
        ca: settings.room.ca.clone(),
    }
}

fn seed() -> [u8; 32] {
    rand::random()
}
