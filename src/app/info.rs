//! The retained `info` of this daemon.

use serde_json::{Value, json};

use super::background::DeviceList;
use super::fitting;
use crate::config::{Role, Settings};
use crate::model::User;
use crate::mqtt::connection::Granted;

/// What the daemon says of itself.
#[derive(Debug)]
pub(super) struct Info {
    fields: Value,
    user: User,
}

impl Info {
    pub(super) fn new(settings: &Settings, pipeline: &str, encoders: &[String]) -> Self {
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
            "machine": settings.machine.hash,
        });
        Self { fields, user }
    }

    /// Whether this is the user that it tells of.
    pub(super) fn is_of(&self, user: &User) -> bool {
        self.user == *user
    }

    /// Takes note of who the user is; whether that is news.
    pub(super) fn set_user(&mut self, user: &User) -> bool {
        let news = !self.is_of(user);
        if news {
            self.user = user.clone();
            self.fields["user"] = json!(user);
        }
        news
    }

    /// Takes what was found; whether that is news.
    pub(super) fn set_devices(&mut self, devices: &DeviceList) -> bool {
        let before = self.fields.clone();
        self.fields["cameras"] = json!(devices.facts.cameras);
        self.fields["microphones"] = json!(devices.facts.microphones);
        // A microphone that is in use cannot be asked: what it said before still holds.
        let known = before["microphones"].as_array().into_iter().flatten();
        for known in known.filter(|known| !known["channels"].is_null()) {
            let now = self.fields["microphones"].as_array_mut().into_iter().flatten();
            for silent in now.filter(|now| now["id"] == known["id"] && now["channels"].is_null()) {
                *silent = known.clone();
            }
        }
        self.fields != before
    }

    /// As it is kept at a broker that grants this.
    pub(super) fn payload(&self, topic: &str, granted: &Granted) -> String {
        fitting::info(topic, &self.fields, granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::background::DeviceFacts;

    #[test]
    fn a_microphone_that_is_in_use_is_described_as_before() {
        let user = serde_json::from_value(json!({"user_id": "kiosk-1"})).expect("a user");
        let mut info = Info { fields: json!({}), user };
        let devices = |channels: Value, id: &str| DeviceList {
            facts: DeviceFacts {
                cameras: vec![],
                microphones: vec![json!({"id": id, "channels": channels})],
            },
            ..DeviceList::default()
        };
        assert!(info.set_devices(&devices(json!(2), "desk")));
        assert!(!info.set_devices(&devices(json!(null), "desk")), "no news");
        assert_eq!(info.fields["microphones"], json!([{"id": "desk", "channels": 2}]));
        assert!(info.set_devices(&devices(json!(null), "other")));
        assert_eq!(info.fields["microphones"], json!([{"id": "other", "channels": null}]));
    }
}
