//! Facts about this machine, gathered once. All of it may block.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::limits::{self, Room};
use crate::app;
use crate::config::{Role, Settings};
use crate::devices::{self, Setting};
use crate::media::encoder::available::{self, Trial};
use crate::model::Refusal;
use crate::model::message::DeviceKind;

/// How long an encoder may take for its trial; a small board beside a live daemon needs seconds.
const TRIAL: Duration = Duration::from_secs(6);

/// What was found.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) clock: Clock,
    /// The profile's name, or why media cannot be opened.
    pub(super) profile: Result<String, String>,
    /// Those that are installed, up to the first that works.
    pub(super) encoders: Vec<Encoder>,
    /// `None`: not wanted.
    pub(super) camera: Option<Result<Node, Refusal>>,
    pub(super) microphone: Option<Result<Node, Refusal>>,
    pub(super) speaker: Option<Result<Node, Refusal>>,
    pub(super) account: Account,
    /// Of a host.
    pub(super) room: Option<Room>,
}

/// The time.
#[derive(Debug)]
pub(super) struct Clock {
    /// Seconds since 1970.
    pub(super) now: i64,
    /// Whether a time server was heard; `None` where nobody knows.
    pub(super) synchronized: Option<bool>,
}

/// An encoder that was tried.
#[derive(Debug, Clone)]
pub(super) struct Encoder {
    pub(super) element: String,
    /// Why it does not work.
    pub(super) fault: Option<String>,
}

/// A device.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// For people.
    pub(super) name: String,
    /// Who has it open: `NAME PID`, as far as this user may see it.
    pub(super) holders: Vec<String>,
    /// What its mixer says.
    pub(super) mixer: Option<Setting>,
}

/// As whom this runs.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) is_root: bool,
    pub(super) groups: Vec<String>,
    /// Groups that own the devices in use.
    pub(super) needed: Vec<&'static str>,
}

/// Looks at everything the settings want.
pub(super) fn gather(settings: &Settings) -> Facts {
    let profile = app::check_media(settings).map_err(|error| error.to_string());
    let media = &settings.media;
    let used = profile.as_deref().unwrap_or(&media.profile);
    let wanted = |device, choice: &str| choice != "none" && app::takes_devices(settings, used, device);
    let camera = wanted(DeviceKind::Camera, &media.camera).then(|| {
        devices::resolve_camera(&media.camera).map(|camera| Node {
            name: format!("{} ({})", camera.name, camera.id),
            holders: held(&camera.path),
            mixer: None,
        })
    });
    let sound = |sound: devices::Sound, setting: fn(&devices::Sound) -> Option<Setting>| Node {
        mixer: setting(&sound),
        name: format!("{} ({})", sound.name, sound.id),
        holders: held(&sound.node),
    };
    let microphone = wanted(DeviceKind::Microphone, &media.microphone).then(|| {
        devices::resolve_microphone(&media.microphone).map(|found| sound(found, devices::capture_level))
    });
    let speaker = (settings.role == Role::Guest && media.speaker != "none")
        .then(|| devices::resolve_speaker(&media.speaker).map(|found| sound(found, devices::playback_level)))
        // Nobody has to have one: auto takes what there is.
        .filter(|found| found.is_ok() || media.speaker != "auto");
    let mut needed = Vec::new();
    if camera.is_some() {
        needed.push("video");
    }
    if microphone.is_some() || speaker.is_some() {
        needed.push("audio");
    }
    Facts {
        clock: clock(),
        profile,
        encoders: tried(settings),
        camera,
        microphone,
        speaker,
        account: account(needed),
        room: limits::gather(settings),
    }
}

/// With three pictures through each.
fn tried(settings: &Settings) -> Vec<Encoder> {
    let fault = |trial| match trial {
        Trial::Missing => None,
        Trial::Works(_) => Some(None),
        Trial::Fails(why) => Some(Some(why)),
        Trial::Late => Some(Some(format!("no three pictures in {} s", TRIAL.as_secs()))),
    };
    available::try_for_one(settings.media.quality, TRIAL)
        .into_iter()
        .filter_map(|tried| Some(Encoder { fault: fault(tried.trial)?, element: tried.element }))
        .collect()
}

/// Who has a node open.
fn held(node: &Path) -> Vec<String> {
    devices::holders(node).iter().map(ToString::to_string).collect()
}

fn clock() -> Clock {
    // systemd-timesyncd makes the folder at its start, and the file when a server has answered.
    let folder = Path::new("/run/systemd/timesync");
    let synchronized = folder.is_dir().then(|| folder.join("synchronized").exists());
    Clock { now: jiff::Timestamp::now().as_second(), synchronized }
}

fn account(needed: Vec<&'static str>) -> Account {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let numbers = |field: &str| -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
        line.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    let user = fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid());
    let own: Vec<u32> = numbers("Groups:").into_iter().chain(numbers("Gid:")).collect();
    let named = |file: &str, wanted: &dyn Fn(u32) -> bool| -> Vec<String> {
        let text = fs::read_to_string(file).unwrap_or_default();
        let name = |line: &str| {
            let mut fields = line.split(':');
            let (name, number) = (fields.next()?, fields.nth(1)?.parse().ok()?);
            wanted(number).then(|| name.to_owned())
        };
        text.lines().filter_map(name).collect()
    };
    let name = named("/etc/passwd", &|number| number == user).into_iter().next();
    Account {
        name: name.unwrap_or_else(|| user.to_string()),
        is_root: user == 0,
        groups: named("/etc/group", &|number| own.contains(&number)),
        needed,
    }
}
