//! A configuration that is read again: what has changed, what of it can be applied to a running daemon, and what cannot.
//!
//! Invariant: a key that is applied is one whose configured value has changed; what an operator has set meanwhile by a command
//! stays otherwise. Pure; reading the files is a background task.

use crate::config::{Role, Setting, Settings};
use crate::model::command::{DeviceCommand, SetUserInfo};

/// Keys that a running daemon takes, of either role.
const LIVE: &[&str] = &[
    "user.name",
    "user.avatar_url",
    "home_assistant.enabled",
    "home_assistant.discovery_prefix",
    "log.level",
];

/// Keys that a running guest takes.
const LIVE_GUEST: &[&str] = &[
    "guest.accept_invitations",
    "guest.host_hold",
    "media.camera",
    "media.quality",
    "media.capture_volume",
    "media.output_volume",
    "media.mirror",
];

/// Keys that a running host takes.
const LIVE_HOST: &[&str] = &[
    "host.seats",
    "host.seat_mode",
    "host.accept_applications",
    "host.return",
    "host.hold",
    "host.capacity",
];

/// What has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Applied now.
    pub(super) live: Vec<&'static str>,
    /// Applied by a restart.
    pub(super) restart: Vec<&'static str>,
}

impl Changes {
    /// From what runs to what is written now.
    pub(super) fn between(running: &[Setting], written: &[Setting], role: Role) -> Self {
        let of_role = match role {
            Role::Guest => LIVE_GUEST,
            Role::Host => LIVE_HOST,
        };
        let of_other = match role {
            Role::Guest => "host.",
            Role::Host => "guest.",
        };
        let mut changes = Self::default();
        for (old, new) in running.iter().zip(written).filter(|(old, new)| old.value != new.value) {
            debug_assert_eq!(old.key, new.key, "every list has every key, in the order of the schema");
            if LIVE.contains(&new.key) || of_role.contains(&new.key) {
                changes.live.push(new.key);
            } else if !new.key.starts_with(of_other) {
                changes.restart.push(new.key);
            }
        }
        changes
    }

    /// Whether this key is to be applied now.
    pub(super) fn has(&self, key: &str) -> bool {
        self.live.contains(&key)
    }

    /// The command for a new name or picture.
    pub(super) fn user(&self, written: &Settings) -> Option<DeviceCommand> {
        let user = &written.user.public;
        let name = self.has("user.name").then(|| user.user_name.clone());
        let avatar = self.has("user.avatar_url").then(|| user.avatar_url.clone());
        (name.is_some() || avatar.is_some())
            .then_some(DeviceCommand::SetUserInfo(SetUserInfo { user_name: name, avatar_url: avatar }))
    }

    /// One sentence.
    pub(super) fn summary(&self) -> String {
        match (self.live.as_slice(), self.restart.as_slice()) {
            ([], []) => "nothing has changed".to_owned(),
            (live, []) => format!("applied {}", live.join(", ")),
            ([], restart) => format!("a restart is needed for {}", restart.join(", ")),
            (live, restart) => {
                format!("applied {}; a restart is needed for {}", live.join(", "), restart.join(", "))
            }
        }
    }

    /// What runs once the changes are applied.
    pub(super) fn apply(&self, running: &mut [Setting], written: &[Setting]) {
        for (old, new) in running.iter_mut().zip(written).filter(|(old, _)| self.has(old.key)) {
            old.clone_from(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&'static str, &str)]) -> Vec<Setting> {
        let setting = |(key, value): &(&'static str, &str)| Setting {
            key,
            value: Some((*value).to_owned()),
            origin: "here".to_owned(),
        };
        values.iter().map(setting).collect()
    }

    #[test]
    fn what_needs_a_restart_is_said_until_there_was_one() {
        let mut running = settings(&[("mqtt.url", "a"), ("media.quality", "720p"), ("host.hold", "15")]);
        let written = settings(&[("mqtt.url", "b"), ("media.quality", "360p"), ("host.hold", "20")]);
        let changes = Changes::between(&running, &written, Role::Guest);
        assert_eq!(changes.summary(), "applied media.quality; a restart is needed for mqtt.url");
        changes.apply(&mut running, &written);
        let again = Changes::between(&running, &written, Role::Guest);
        assert_eq!(again.summary(), "a restart is needed for mqtt.url");
        assert_eq!(Changes::between(&written, &written, Role::Host).summary(), "nothing has changed");
        let of_host = Changes::between(&running, &written, Role::Host);
        assert_eq!(of_host.summary(), "applied host.hold; a restart is needed for mqtt.url");
    }
}
