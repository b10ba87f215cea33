//! What may block for a while: looking for devices. It is done on threads of their own, and comes back as an event.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::commands::CommandSlot;
use crate::config::{self, Role, Settings, Sources};
use crate::devices::{self, Witness};
use crate::model::capture::{Choice, Encoding, Offer};
use crate::model::command::SetCameraControl;
use crate::model::controls::Control;
use crate::model::hotplug::Notice;
use crate::model::media::Quality;
use crate::model::{Code, Refusal};

/// Room for what was found and not yet taken; more at once wait on their threads.
const DONE: usize = 16;

/// So many bytes of controls keep a reply within the 64 KiB of a message.
const CONTROLS_BYTES_MAX: usize = 56 * 1024;

/// Where cameras and microphones come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeviceOrigin {
    /// From the machine.
    Devices,
    /// From a profile that needs none: its name stands for both.
    Profile(String),
    /// Microphones from the machine, the camera from a profile that has just the one.
    Sounds(String),
}

/// The devices of this machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DeviceList {
    pub(super) cameras: Vec<Value>,
    pub(super) microphones: Vec<Value>,
    pub(super) speakers: Vec<Value>,
    /// What `info` says of cameras and microphones.
    pub(super) facts: DeviceFacts,
}

/// Devices with what is worth knowing from afar, and no more: `info` is kept by the broker.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DeviceFacts {
    pub(super) cameras: Vec<Value>,
    pub(super) microphones: Vec<Value>,
}

impl DeviceOrigin {
    /// The name of the profile that has the one camera itself.
    fn own_camera(&self) -> Option<&str> {
        match self {
            Self::Devices => None,
            Self::Profile(name) | Self::Sounds(name) => Some(name),
        }
    }

    /// Likewise of the microphone.
    fn own_microphone(&self) -> Option<&str> {
        match self {
            Self::Devices | Self::Sounds(_) => None,
            Self::Profile(name) => Some(name),
        }
    }
}

/// What is captured of a camera that offers this, for this size.
pub(super) type Choose = Arc<dyn Fn(&[Offer], Quality) -> Option<Choice> + Send + Sync>;

/// What is plugged in, of what the profile does not bring itself.
struct Plugged {
    cameras: Vec<devices::Camera>,
    microphones: Vec<devices::Sound>,
}

impl Plugged {
    fn look(origin: &DeviceOrigin) -> Self {
        Self {
            cameras: origin.own_camera().map_or_else(devices::cameras, |_| Vec::new()),
            microphones: origin.own_microphone().map_or_else(devices::microphones, |_| Vec::new()),
        }
    }
}

/// The one of the profile's own, or what is said of each that was found.
fn entries<T>(own: Option<&str>, found: &[T], entry: impl Fn(&T) -> Value) -> Vec<Value> {
    match own {
        Some(name) => vec![json!({"id": name, "name": format!("profile {name}")})],
        None => found.iter().map(entry).collect(),
    }
}

impl DeviceList {
    fn find(origin: &DeviceOrigin) -> Self {
        Self::list(origin, &Plugged::look(origin))
    }

    /// As [`DeviceList::find`], and asks each device what it can do.
    fn survey(origin: &DeviceOrigin, choose: &Choose, quality: Quality) -> Self {
        let plugged = Plugged::look(origin);
        let camera = |camera: &devices::Camera| camera_facts(camera, choose, quality);
        let facts = DeviceFacts {
            cameras: entries(origin.own_camera(), &plugged.cameras, camera),
            microphones: entries(origin.own_microphone(), &plugged.microphones, microphone_facts),
        };
        Self { facts, ..Self::list(origin, &plugged) }
    }

    fn list(origin: &DeviceOrigin, plugged: &Plugged) -> Self {
        let camera = |camera: &devices::Camera| json!({"id": camera.id, "name": camera.name});
        let sound = |sound: &devices::Sound| json!({"id": sound.id, "name": sound.name});
        Self {
            cameras: entries(origin.own_camera(), &plugged.cameras, camera),
            microphones: entries(origin.own_microphone(), &plugged.microphones, sound),
            speakers: devices::speakers().iter().map(sound).collect(),
            facts: DeviceFacts::default(),
        }
    }

    /// The result of `list_devices`.
    fn listing(self) -> Value {
        json!({"cameras": self.cameras, "microphones": self.microphones, "speakers": self.speakers})
    }
}

/// What came back.
#[derive(Debug)]
pub(super) enum TaskResult {
    /// A device came or went.
    Noticed(Notice),
    /// What there is, at the start and after such notices.
    Surveyed(DeviceList),
    /// What is plugged in, or what was asked about a camera's controls, for this command.
    Answered(CommandSlot, Result<Value, Refusal>),
    /// The configuration, read again.
    Reread(Reread),
    /// The camera that was meant, for this command.
    Found(CommandSlot, Result<String, Refusal>),
}

/// A configuration that was read again, and the camera it means if that is another one; or why it is none.
pub(super) type Reread = Result<(Box<Settings>, CameraLookup), String>;

/// The configured camera.
#[derive(Debug)]
pub(super) enum CameraLookup {
    /// As it was.
    Same,
    /// Another one: this.
    Found(String),
    /// Another one, which is not there.
    Missing(Refusal),
}

/// Blocking work on threads of its own.
pub(super) struct BackgroundTasks {
    origin: DeviceOrigin,
    choose: Choose,
    witness: Witness,
    sender: Sender<TaskResult>,
    receiver: Receiver<TaskResult>,
}

impl BackgroundTasks {
    /// Of the machine's devices the witness tells what comes and goes.
    pub(super) fn new(origin: DeviceOrigin, choose: Choose, witness: Witness) -> Self {
        let (sender, receiver) = channel(DONE);
        Self { origin, choose, witness, sender, receiver }
    }

    pub(super) async fn next(&mut self) -> TaskResult {
        tokio::select! {
            biased;
            notice = self.witness.next() => TaskResult::Noticed(notice),
            // A sender is kept here: it never ends.
            Some(result) = self.receiver.recv() => result,
        }
    }

    /// Looks at everything; `quality` is what the cameras are wanted for.
    pub(super) fn survey(&self, quality: Quality) {
        let (origin, choose) = (self.origin.clone(), Arc::clone(&self.choose));
        self.spawn(move || TaskResult::Surveyed(DeviceList::survey(&origin, &choose, quality)));
    }

    pub(super) fn list_devices(&self, slot: CommandSlot) {
        let origin = self.origin.clone();
        self.spawn(move || TaskResult::Answered(slot, Ok(DeviceList::find(&origin).listing())));
    }

    /// What can be turned at the camera of this choice.
    pub(super) fn camera_controls(&self, slot: CommandSlot, choice: String) {
        let origin = self.origin.clone();
        self.spawn(move || TaskResult::Answered(slot, camera_controls(&origin, &choice)));
    }

    pub(super) fn set_camera_control(&self, slot: CommandSlot, choice: String, wish: SetCameraControl) {
        let origin = self.origin.clone();
        self.spawn(move || TaskResult::Answered(slot, set_camera_control(&origin, &choice, &wish)));
    }

    pub(super) fn find_camera(&self, slot: CommandSlot, choice: String) {
        let origin = self.origin.clone();
        self.spawn(move || TaskResult::Found(slot, find_camera(&origin, &choice)));
    }

    /// Reads the configuration again; `camera` is the choice so far.
    pub(super) fn reread(&self, sources: Sources, camera: String) {
        let origin = self.origin.clone();
        self.spawn(move || {
            let read = config::load(&sources).map_err(|error| error.to_string());
            // What needs a restart is to survive it.
            let usable = |settings: Settings| match super::check(&settings) {
                Ok(()) => Ok(settings),
                Err(error) => Err(error.to_string()),
            };
            TaskResult::Reread(read.and_then(usable).map(|settings| {
                let choice = &settings.media.camera;
                let found = if *choice == camera || settings.role == Role::Host {
                    CameraLookup::Same
                } else {
                    find_camera(&origin, choice).map_or_else(CameraLookup::Missing, CameraLookup::Found)
                };
                (Box::new(settings), found)
            }))
        });
    }

    fn spawn(&self, result: impl FnOnce() -> TaskResult + Send + 'static) {
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            // Nobody takes it when the program ends.
            sender.blocking_send(result()).unwrap_or_default();
        });
    }
}

fn camera_facts(camera: &devices::Camera, choose: &Choose, quality: Quality) -> Value {
    let offers = devices::offers(camera);
    let best = choose(&offers, quality).map(|choice| choice.to_string());
    json!({
        "id": camera.id,
        "name": camera.name,
        "bus": camera.bus,
        "h264": offers.iter().any(|offer| offer.encoding == Encoding::H264),
        "capture": best,
    })
}

fn microphone_facts(sound: &devices::Sound) -> Value {
    let abilities = devices::microphone_abilities(sound);
    json!({
        "id": sound.id,
        "name": sound.name,
        "channels": abilities.channels.map(|(_, most)| most),
        "rates": abilities.rates,
        "mixer": !abilities.mixer.is_empty(),
    })
}

/// The camera of this choice, as a device with controls.
fn device(origin: &DeviceOrigin, choice: &str) -> Result<devices::Camera, Refusal> {
    let Some(name) = origin.own_camera() else { return devices::resolve_camera(choice) };
    let message = format!("the camera of the profile {name} has no controls");
    Err(Refusal::new(Code::CameraDeviceEmpty, message))
}

fn camera_controls(origin: &DeviceOrigin, choice: &str) -> Result<Value, Refusal> {
    let camera = device(origin, choice)?;
    let mut room = CONTROLS_BYTES_MAX;
    let fits = |control: &Value| {
        room = room.saturating_sub(control.to_string().len());
        room > 0
    };
    let controls: Vec<Value> =
        devices::controls(&camera)?.iter().map(Control::json).take_while(fits).collect();
    Ok(json!({"camera": camera.id, "controls": controls}))
}

fn set_camera_control(
    origin: &DeviceOrigin,
    choice: &str,
    wish: &SetCameraControl,
) -> Result<Value, Refusal> {
    let camera = device(origin, choice)?;
    let control = devices::set_control(&camera, &wish.control, &wish.value)?;
    Ok(json!({"camera": camera.id, "control": control.json()}))
}

fn find_camera(origin: &DeviceOrigin, choice: &str) -> Result<String, Refusal> {
    match origin.own_camera() {
        Some(name) if choice == "auto" || choice == name => Ok(name.to_owned()),
        Some(name) => Err(Refusal::invalid("camera", format!("the profile {name} has one camera: {name}"))),
        None => match devices::resolve_camera(choice) {
            Ok(camera) => Ok(camera.id),
            Err(refusal) if refusal.code == Code::CameraDeviceEmpty => {
                Err(Refusal::invalid("camera", refusal.message))
            }
            Err(refusal) => Err(refusal),
        },
    }
}
