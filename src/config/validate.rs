//! From merged values to [`Settings`]: one function per section, each key checked once.

mod controls;
mod network;
mod paths;

use std::path::{Path, PathBuf};

use ::config::ValueKind;

use self::paths::{cannot_read, folder, readable};
use super::reader::{Found, Reader, quoted, shown};
use super::settings::{
    AcceptApplications, AcceptInvitations, Codec, Foreground, Guest, HomeAssistant, Host, Layers, Log, Media,
    Role, Room, Settings, Transport, User, Whip,
};
use super::{Error, Machine, Secret, Setting, Sources, UrlTemplate, Warning, machine, secret};
use crate::authorities;
use crate::files;
use crate::logging::Verbosity;
use crate::model::command::SeatCount;
use crate::model::media::{Mirror, Quality};
use crate::model::server::Origin;
use crate::model::sound::Return;
use crate::model::voice::Voice;
use crate::model::volume::Loudness;
use crate::model::{self, LiveId, SeatMode, UserId, UserName, Volume};

/// Longest hold, in seconds: a day.
const MAX_HOLD: f64 = 86_400.0;

/// Where media go and come from with WHIP.
const URLS: [&str; 3] = ["room.publish_url", "room.playback_url", "room.watch_url"];

/// Longest topic prefix, in bytes.
const MAX_PREFIX: usize = 128;

/// Most origins that are trusted; each is compared with at every step of an exchange.
const MAX_ORIGINS: usize = 32;

/// Longest name of a device or a login, in bytes.
const MAX_NAME: usize = 256;

/// Checks everything; the first mistake ends it.
pub(super) fn settings(reader: &Reader, sources: &Sources) -> Result<Settings, Error> {
    let machine = machine::identify(&sources.root);
    let mut check = Check {
        reader,
        credentials: sources.credentials(),
        root: sources.root.clone(),
        warnings: Vec::new(),
    };
    let role = reader.get("role").word(&[("guest", Role::Guest), ("host", Role::Host)])?;
    let user = check.user(&machine)?;
    let mqtt = check.mqtt(&user.public.user_id)?;
    let room = check.room()?;
    let guest = check.guest()?;
    let host = check.host()?;
    let media = check.media()?;
    let layers = check.layers()?;
    let webrtc = check.webrtc()?;
    let home_assistant = check.home_assistant()?;
    let log = check.log()?;
    let effective = effective(reader, &user);
    let warnings = check.warnings;
    Ok(Settings {
        role,
        user,
        mqtt,
        room,
        guest,
        host,
        media,
        layers,
        webrtc,
        home_assistant,
        log,
        machine,
        warnings,
        effective,
    })
}

/// What people see: ids resolved, and no query of an address, which often holds a key.
fn effective(reader: &Reader, user: &User) -> Vec<Setting> {
    let mut effective = reader.settings();
    for setting in &mut effective {
        match setting.key {
            "user.id" => setting.value = Some(quoted(user.public.user_id.as_str())),
            "user.name" => setting.value = Some(quoted(user.public.user_name.as_str())),
            "room.publish_url" | "room.playback_url" | "room.watch_url" => {
                if let Some((address, _)) = setting.value.as_deref().and_then(|url| url.split_once('?')) {
                    setting.value = Some(format!("{address}?[redacted]\""));
                }
            }
            _ => {}
        }
    }
    effective
}

struct Check<'a> {
    reader: &'a Reader,
    credentials: Option<PathBuf>,
    root: PathBuf,
    warnings: Vec<Warning>,
}

impl Check<'_> {
    fn user(&mut self, machine: &Machine) -> Result<User, Error> {
        let found = self.reader.get("user.id");
        let named = match found.text()?.as_str() {
            "auto" if machine.source.is_none() => Err(
                "finds nothing on this machine that survives a restart (no machine id, serial number, network card or \
                 host name of its own): give it an id",
            ),
            "auto" => Ok(format!("kiosk-{}", machine.hash)),
            "auto:hostname" => machine::hostname(&self.root),
            "auto:serial" => machine::serial(&self.root),
            "auto:mac" => machine::mac(&self.root),
            id => Ok(id.to_owned()),
        };
        let id: UserId = named.map_err(|problem| found.refuse(problem))?.try_into().map_err(|_| {
            found.refuse(
                "must be \"auto\", \"auto:hostname\", \"auto:serial\", \"auto:mac\", or 1 to 64 characters of \
                 A-Z a-z 0-9 _ . - (not \".\", not \"..\")",
            )
        })?;
        let name = self.reader.find("user.name").map(|found| {
            UserName::try_from(found.text()?)
                .map_err(|_| found.refuse("must be at most 128 bytes without control characters"))
        });
        let url = self.reader.find("user.avatar_url");
        let url_text = url.as_ref().map(Found::text).transpose()?;
        let public = model::User::new(id, name.transpose()?, url_text).map_err(|_| {
            url.unwrap_or_else(|| self.reader.get("user.avatar_url")).refuse("must be at most 512 bytes")
        })?;
        let avatar = self.reader.find("user.avatar").map(|found| self.optional_file(&found)).transpose()?;
        Ok(User { public, avatar })
    }

    /// A file that can be done without.
    fn optional_file(&mut self, found: &Found) -> Result<PathBuf, Error> {
        let file = found.path()?;
        if let Err(error) = files::open(&file) {
            let reason = error.to_string();
            self.warnings.push(Warning::Missing { key: found.key.clone(), file: file.clone(), reason });
        }
        Ok(file)
    }

    fn topic_prefix(&self, key: &str) -> Result<String, Error> {
        let found = self.reader.get(key);
        let prefix = found.text()?;
        let fits = prefix.len() <= MAX_PREFIX
            && !prefix.starts_with(['$', '/'])
            && !prefix.ends_with('/')
            && !prefix.contains(|c: char| matches!(c, '+' | '#') || c.is_control());
        if fits {
            return Ok(prefix);
        }
        let problem =
            "must be a topic of at most 128 bytes without + and #, no / at either end, no $ at its start";
        Err(found.refuse(problem))
    }

    /// The file of a secret: an absolute path, or a credential.
    fn secret_file(&self, found: &Found) -> Result<PathBuf, Error> {
        let text = found.text()?;
        let name = text.strip_prefix("credential:").unwrap_or(&text);
        if Path::new(&text).is_absolute() {
            return Ok(text.into());
        }
        let plain_name = Path::new(name).components().count() == 1 && !matches!(name, "." | "..");
        match &self.credentials {
            _ if !plain_name => {
                Err(found.refuse("must be an absolute path or the name of a systemd credential"))
            }
            Some(directory) => Ok(directory.join(name)),
            None => Err(found.refuse(format!(
                "names the systemd credential {name:?}, but $CREDENTIALS_DIRECTORY is not set: add \
                 LoadCredential={name}:FILE to the unit, or give an absolute path"
            ))),
        }
    }

    fn secret(&mut self, found: &Found) -> Result<Secret, Error> {
        let file = self.secret_file(found)?;
        let (secret, exposure) = secret::read(&file).map_err(|problem| found.refuse(problem))?;
        match exposure {
            secret::Exposure::Private => {}
            secret::Exposure::Public => {
                self.warnings.push(Warning::ReadableByOthers { key: found.key.clone(), file });
            }
        }
        Ok(secret)
    }

    fn room(&mut self) -> Result<Room, Error> {
        let id = "must be 1 to 64 characters of A-Z a-z 0-9 _ . -, and not \".\" or \"..\"";
        let live_id = self
            .reader
            .find("room.live_id")
            .map(|found| LiveId::try_from(found.text()?).map_err(|_| found.refuse(id)));
        let stage = self
            .reader
            .find("room.stage")
            .map(|found| UserId::try_from(found.text()?).map_err(|_| found.refuse(id)));
        let (live_id, stage) = (live_id.transpose()?, stage.transpose()?);
        let whip = self.whip()?;
        let transport = self.reader.get("room.transport").word(&[("mqtt", false), ("whip", true)])?;
        let transport = if transport {
            Transport::Whip(whip)
        } else {
            for key in URLS.into_iter().chain(["room.token_file"]) {
                if self.reader.find(key).is_some() {
                    let needs = "`room.transport = \"whip\"`";
                    self.warnings.push(Warning::Unused { key: key.into(), needs });
                }
            }
            Transport::Mqtt
        };
        let ca = self.reader.find("room.ca_file").map(|found| {
            let file = found.path()?;
            authorities::read(Some(&file)).map_err(|problem| found.refuse(problem))?;
            Ok(file)
        });
        let ca = ca.transpose()?;
        Ok(Room { live_id, stage, transport, trusted_origins: self.trusted_origins()?, ca })
    }

    fn trusted_origins(&self) -> Result<Vec<Origin>, Error> {
        let list = self.reader.get("room.trusted_origins");
        let origin = |item: &Found| Origin::new(&item.text()?).map_err(|problem| item.refuse(problem));
        let origins = list.items()?.iter().map(origin).collect::<Result<Vec<_>, _>>()?;
        if origins.len() > MAX_ORIGINS {
            return Err(list.refuse(format!("must list at most {MAX_ORIGINS}")));
        }
        Ok(origins)
    }

    fn whip(&mut self) -> Result<Whip, Error> {
        let template = |key| {
            let found: Option<Found> = self.reader.find(key);
            let read =
                |found: &Found| UrlTemplate::new(&found.text()?).map_err(|problem| found.refuse(problem));
            found.as_ref().map(read).transpose()
        };
        let [publish_url, playback_url, watch_url] = URLS.map(template);
        let (publish_url, playback_url, watch_url) = (publish_url?, playback_url?, watch_url?);
        let token = self.reader.find("room.token_file").map(|found| self.secret(&found)).transpose()?;
        if token.is_some() {
            for (key, url) in URLS.into_iter().zip([&publish_url, &playback_url, &watch_url]) {
                if url.as_ref().is_some_and(UrlTemplate::in_clear) {
                    self.warnings.push(Warning::SecretInClear { key: key.into(), scheme: "https" });
                }
            }
        }
        Ok(Whip { publish_url, playback_url, watch_url, token })
    }

    fn guest(&self) -> Result<Guest, Error> {
        let found = self.reader.get("guest.accept_invitations");
        let accept_invitations = match &found.kind {
            ValueKind::Array(_) => {
                let id = |item: &Found| {
                    let problem = "must list user ids of hosts (1 to 64 characters of A-Z a-z 0-9 _ . -, no \".\" or \"..\")";
                    UserId::try_from(item.text()?).map_err(|_| item.refuse(problem))
                };
                AcceptInvitations::From(found.items()?.iter().map(id).collect::<Result<_, _>>()?)
            }
            ValueKind::String(word) if word == "manual" => AcceptInvitations::Manual,
            ValueKind::String(word) if word == "always" => AcceptInvitations::Always,
            other => {
                let is = shown(other);
                return Err(found.refuse(format!(
                    "must be \"manual\", \"always\" or a list of host ids such as [\"host-1\"] (is {is})"
                )));
            }
        };
        Ok(Guest {
            accept_invitations,
            host_hold: self.reader.get("guest.host_hold").seconds(0.0, MAX_HOLD)?,
        })
    }

    fn host(&self) -> Result<Host, Error> {
        let seats = self.reader.get("host.seats");
        let capacity = self.reader.get("host.capacity").whole(1, 100_000)?;
        let watching = self.reader.get("host.watching").whole(0, 1024)?;
        Ok(Host {
            seats: SeatCount::try_from(seats.whole(1, 32)?).map_err(|problem| seats.refuse(problem))?,
            seat_mode: self
                .reader
                .get("host.seat_mode")
                .word(&[("apply", SeatMode::Apply), ("free", SeatMode::Free)])?,
            accept_applications: self
                .reader
                .get("host.accept_applications")
                .word(&[("manual", AcceptApplications::Manual), ("always", AcceptApplications::Always)])?,
            returned: self.reader.get("host.return").word(&Return::ALL.map(|word| (word.as_str(), word)))?,
            hold: self.reader.get("host.hold").seconds(0.0, MAX_HOLD)?,
            capacity: usize::try_from(capacity).expect("checked to be 1 to 100000"),
            watching: usize::try_from(watching).expect("checked to be 0 to 1024"),
        })
    }

    fn media(&mut self) -> Result<Media, Error> {
        let file = self.reader.find("media.file").map(|found| readable(&found)).transpose()?;
        let profile = self.profile()?;
        if profile == "file" && file.is_none() {
            let found = self.reader.get("media.profile");
            return Err(found.refuse("is \"file\": name the media file in `media.file`"));
        }
        let sizes = [Quality::P360, Quality::P540, Quality::P720, Quality::P1080];
        Ok(Media {
            profile,
            profile_directory: self.reader.find("media.profile_directory").map(|f| folder(&f)).transpose()?,
            camera: name(&self.reader.get("media.camera"))?,
            microphone: name(&self.reader.get("media.microphone"))?,
            speaker: name(&self.reader.get("media.speaker"))?,
            quality: self.reader.get("media.quality").word(&sizes.map(|size| (size.as_str(), size)))?,
            codec: self.reader.get("media.codec").word(&[("h264", Codec::H264), ("vp8", Codec::Vp8)])?,
            capture_volume: self.volume("media.capture_volume")?,
            output_volume: self.volume("media.output_volume")?,
            voice: Voice {
                echo_cancellation: self.reader.get("media.echo_cancellation").switch()?,
                noise_suppression: self.reader.get("media.noise_suppression").switch()?,
                auto_gain_control: self.reader.get("media.auto_gain_control").switch()?,
            },
            mirror: Mirror::from(self.reader.get("media.mirror").switch()?),
            controls: controls::read(&self.reader.get("media.controls"))?,
            file,
            stats_interval: self.reader.get("media.stats_interval").seconds(0.2, 3600.0)?,
        })
    }

    fn layers(&mut self) -> Result<Layers, Error> {
        let foreground = match self.reader.get("layers.foreground").switch()? {
            true => Foreground::Name,
            false => Foreground::None,
        };
        let mut template = |key| self.reader.find(key).map(|found| self.optional_file(&found)).transpose();
        Ok(Layers {
            foreground,
            foreground_template: template("layers.foreground_template")?,
            background_template: template("layers.background_template")?,
        })
    }

    fn profile(&self) -> Result<String, Error> {
        let found = self.reader.get("media.profile");
        let profile = found.text()?;
        let fits = profile.len() <= 64
            && profile.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits {
            Ok(profile)
        } else {
            Err(found.refuse("must be \"auto\" or the name of a profile (letters, digits, - and _)"))
        }
    }

    fn volume(&self, key: &str) -> Result<Loudness, Error> {
        let Some(found) = self.reader.find(key) else { return Ok(Loudness::AsItIs) };
        let volume = Volume::try_from(found.whole(0, 100)?).map_err(|problem| found.refuse(problem))?;
        Ok(Loudness::Set(volume))
    }

    fn log(&self) -> Result<Log, Error> {
        let words = [
            ("warn", Verbosity::Quiet),
            ("info", Verbosity::Normal),
            ("debug", Verbosity::Debug),
            ("trace", Verbosity::Trace),
        ];
        Ok(Log { level: self.reader.get("log.level").word(&words)? })
    }

    fn home_assistant(&self) -> Result<HomeAssistant, Error> {
        Ok(HomeAssistant {
            enabled: self.reader.get("home_assistant.enabled").switch()?,
            discovery_prefix: self.topic_prefix("home_assistant.discovery_prefix")?,
        })
    }
}

/// A name of a device or a login.
fn name(found: &Found) -> Result<String, Error> {
    let text = found.text()?;
    if text.is_empty() || text.len() > MAX_NAME || text.contains(char::is_control) {
        return Err(found.refuse("must be 1 to 256 bytes without control characters"));
    }
    Ok(text)
}
