//! What may block for a while: looking for devices. It is done on threads of their own, and comes back as an event.

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::desk::Slot;
use crate::config::{self, Role, Settings, Sources};
use crate::devices;
use crate::model::{Code, Refusal};

/// Room for what was found and not yet taken; more at once wait on their threads.
const DONE: usize = 16;

/// Where cameras and microphones come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// From the machine.
    Devices,
    /// From a profile that needs none: its name stands for both.
    Profile(String),
}

/// The devices of this machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Devices {
    pub(super) cameras: Vec<Value>,
    pub(super) microphones: Vec<Value>,
    pub(super) speakers: Vec<Value>,
}

impl Devices {
    fn find(origin: &Origin) -> Self {
        let sounds = |sounds: Vec<devices::Sound>| {
            sounds.into_iter().map(|sound| json!({"id": sound.id, "name": sound.name})).collect()
        };
        match origin {
            Origin::Devices => Self {
                cameras: devices::cameras()
                    .into_iter()
                    .map(|camera| json!({"id": camera.id, "name": camera.name}))
                    .collect(),
                microphones: sounds(devices::microphones()),
                speakers: sounds(devices::speakers()),
            },
            Origin::Profile(name) => {
                let one = || vec![json!({"id": name, "name": format!("profile {name}")})];
                Self { cameras: one(), microphones: one(), speakers: sounds(devices::speakers()) }
            }
        }
    }

    /// The result of `list_devices`.
    pub(super) fn listing(self) -> Value {
        json!({"cameras": self.cameras, "microphones": self.microphones, "speakers": self.speakers})
    }
}

/// What came back.
#[derive(Debug)]
pub(super) enum Chore {
    /// What there is at the start.
    Surveyed(Devices),
    /// What there is now, for this command.
    Listed(Slot, Devices),
    /// The configuration, read again.
    Reread(Reread),
    /// The camera that was meant, for this command.
    Found(Slot, Result<String, Refusal>),
}

/// A configuration that was read again, and the camera it means if that is another one; or why it is none.
pub(super) type Reread = Result<(Box<Settings>, Camera), config::Error>;

/// The configured camera.
#[derive(Debug)]
pub(super) enum Camera {
    /// As it was.
    Same,
    /// Another one: this.
    Found(String),
    /// Another one, which is not there.
    Missing(Refusal),
}

/// Chores at work.
#[derive(Debug)]
pub(super) struct Chores {
    origin: Origin,
    sender: Sender<Chore>,
    receiver: Receiver<Chore>,
}

impl Chores {
    pub(super) fn new(origin: Origin) -> Self {
        let (sender, receiver) = channel(DONE);
        Self { origin, sender, receiver }
    }

    pub(super) async fn next(&mut self) -> Chore {
        match self.receiver.recv().await {
            Some(chore) => chore,
            // A sender is kept here.
            None => std::future::pending().await,
        }
    }

    pub(super) fn survey(&self) {
        let origin = self.origin.clone();
        self.spawn(move || Chore::Surveyed(Devices::find(&origin)));
    }

    pub(super) fn list_devices(&self, slot: Slot) {
        let origin = self.origin.clone();
        self.spawn(move || Chore::Listed(slot, Devices::find(&origin)));
    }

    pub(super) fn find_camera(&self, slot: Slot, choice: String) {
        let origin = self.origin.clone();
        self.spawn(move || Chore::Found(slot, find_camera(&origin, &choice)));
    }

    /// Reads the configuration again; `camera` is the choice so far.
    pub(super) fn reread(&self, sources: Sources, camera: String) {
        let origin = self.origin.clone();
        self.spawn(move || {
            Chore::Reread(config::load(&sources).map(|settings| {
                let choice = &settings.media.camera;
                let found = if *choice == camera || settings.role == Role::Host {
                    Camera::Same
                } else {
                    find_camera(&origin, choice).map_or_else(Camera::Missing, Camera::Found)
                };
                (Box::new(settings), found)
            }))
        });
    }

    fn spawn(&self, chore: impl FnOnce() -> Chore + Send + 'static) {
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            // Nobody takes it when the program ends.
            sender.blocking_send(chore()).unwrap_or_default();
        });
    }
}

fn find_camera(origin: &Origin, choice: &str) -> Result<String, Refusal> {
    match origin {
        Origin::Profile(name) if choice == "auto" || choice == name => Ok(name.clone()),
        Origin::Profile(name) => {
            Err(Refusal::invalid("camera", format!("the profile {name} has one camera: {name}")))
        }
        Origin::Devices => match devices::resolve_camera(choice) {
            Ok(camera) => Ok(camera.id),
            Err(refusal) if refusal.code == Code::CameraDeviceEmpty => {
                Err(Refusal::invalid("camera", refusal.message))
            }
            Err(refusal) => Err(refusal),
        },
    }
}
