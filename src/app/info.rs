//! The retained `info` of this daemon.

use serde_json::{Value, json};

use super::chores::{Devices, Origin};
use crate::config::{Role, Settings};
use crate::model::User;

/// What the daemon says of itself.
#[derive(Debug)]
pub(super) struct Info {
    fields: Value,
    user: User,
    origin: Origin,
}

impl Info {
    pub(super) fn new(settings: &Settings, pipeline: &str, encoders: &[String], origin: Origin) -> Self {
        let user = settings.user.public.clone();
        let role = match settings.role {
            Role::Guest => "guest",
            Role::Host => "host",
        };
        let fields = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "role": role,
            "user": user,
            "cameras": [],
            "microphones": [],
            "encoders": encoders,
            "pipeline": pipeline,
            "machine": settings.machine,
        });
        Self { fields, user, origin }
    }

    /// Where devices come from.
    pub(super) fn synthetic(&self) -> Origin {
        self.origin.clone()
    }

    /// Takes note of who the user is; whether that is news.
    pub(super) fn set_user(&mut self, user: &User) -> bool {
        let news = self.user != *user;
        if news {
            self.user = user.clone();
            self.fields["user"] = json!(user);
        }
        news
    }

    pub(super) fn set_devices(&mut self, devices: &Devices) {
        self.fields["cameras"] = json!(devices.facts.cameras);
        self.fields["microphones"] = json!(devices.facts.microphones);
    }

    pub(super) fn payload(&self) -> String {
        self.fields.to_string()
    }
}
