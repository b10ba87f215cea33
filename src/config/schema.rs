//! The keys there are: their names, shapes and defaults, and the nearest right name for a wrong one.
//!
//! Invariant: every key the program reads is in [`KEYS`], and nothing else is accepted.

/// What an environment variable or a flag, which are text, is read as; a file says it by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, taken as it is.
    Text,
    /// A number or `true`/`false`.
    Literal,
    /// A list; text is split at its commas.
    List,
    /// One word, or a list.
    WordOrList,
    /// A list of tables, written as TOML.
    Tables,
    /// A file; relative to the configuration file that names it.
    File,
    /// A file with a secret; a systemd credential when relative.
    Secret,
}

/// A key with its default, written as TOML; `None` for "absent".
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) default: Option<&'static str>,
}

const fn key(name: &'static str, kind: Kind, default: Option<&'static str>) -> Key {
    Key { name, kind, default }
}

/// Every key, in the order in which people read them.
pub(super) const KEYS: &[Key] = &[
    key("role", Kind::Text, Some("\"guest\"")),
    key("user.id", Kind::Text, Some("\"auto\"")),
    key("user.name", Kind::Text, None),
    key("user.avatar", Kind::File, None),
    key("user.avatar_url", Kind::Text, None),
    key("mqtt.url", Kind::Text, Some("\"mqtt://127.0.0.1:1883\"")),
    key("mqtt.username", Kind::Text, None),
    key("mqtt.password_file", Kind::Secret, None),
    key("mqtt.ca_file", Kind::File, None),
    key("mqtt.client_certificate_file", Kind::File, None),
    key("mqtt.client_key_file", Kind::Secret, None),
    key("mqtt.prefix", Kind::Text, Some("\"coguest/v1\"")),
    key("mqtt.keep_alive", Kind::Literal, Some("15")),
    key("room.live_id", Kind::Text, None),
    key("room.transport", Kind::Text, Some("\"mqtt\"")),
    key("room.stage", Kind::Text, None),
    key("room.publish_url", Kind::Text, None),
    key("room.playback_url", Kind::Text, None),
    key("room.watch_url", Kind::Text, None),
    key("room.token_file", Kind::Secret, None),
    key("room.trusted_origins", Kind::List, Some("[]")),
    key("room.ca_file", Kind::File, None),
    key("guest.accept_invitations", Kind::WordOrList, Some("\"manual\"")),
    key("guest.host_hold", Kind::Literal, Some("60")),
    key("host.seats", Kind::Literal, Some("8")),
    key("host.seat_mode", Kind::Text, Some("\"apply\"")),
    key("host.accept_applications", Kind::Text, Some("\"manual\"")),
    key("host.return", Kind::Text, Some("\"others\"")),
    key("host.hold", Kind::Literal, Some("15")),
    key("host.capacity", Kind::Literal, Some("10000")),
    key("host.watching", Kind::Literal, Some("64")),
    key("media.profile", Kind::Text, Some("\"auto\"")),
    key("media.profile_directory", Kind::File, None),
    key("media.camera", Kind::Text, Some("\"auto\"")),
    key("media.microphone", Kind::Text, Some("\"auto\"")),
    key("media.speaker", Kind::Text, Some("\"auto\"")),
    key("media.quality", Kind::Text, Some("\"720p\"")),
    key("media.codec", Kind::Text, Some("\"h264\"")),
    key("media.capture_volume", Kind::Literal, None),
    key("media.output_volume", Kind::Literal, None),
    key("media.echo_cancellation", Kind::Literal, Some("true")),
    key("media.noise_suppression", Kind::Literal, Some("true")),
    key("media.auto_gain_control", Kind::Literal, Some("true")),
    key("media.mirror", Kind::Literal, Some("false")),
    key("media.controls", Kind::Tables, Some("{}")),
    key("media.file", Kind::File, None),
    key("media.stats_interval", Kind::Literal, Some("5")),
    key("layers.foreground", Kind::Literal, Some("false")),
    key("layers.foreground_template", Kind::File, None),
    key("layers.background_template", Kind::File, None),
    key("webrtc.stun", Kind::List, Some("[]")),
    key("webrtc.turn", Kind::Tables, Some("[]")),
    key("webrtc.policy", Kind::Text, Some("\"all\"")),
    key("webrtc.start_bitrate", Kind::Literal, Some("800")),
    key("webrtc.min_bitrate", Kind::Literal, Some("100")),
    key("webrtc.max_bitrate", Kind::Literal, Some("0")),
    key("home_assistant.enabled", Kind::Literal, Some("false")),
    key("home_assistant.discovery_prefix", Kind::Text, Some("\"homeassistant\"")),
    key("log.level", Kind::Text, Some("\"info\"")),
];

/// Keys of one entry of `webrtc.turn`.
pub(super) const TURN_KEYS: &[&str] = &["url", "username", "password_file"];

/// Names that would hold a secret itself, and the key that names its file instead.
const SECRETS: &[(&str, &str)] = &[
    ("mqtt.password", "mqtt.password_file"),
    ("room.token", "room.token_file"),
    ("webrtc.turn.password", "webrtc.turn.password_file"),
];

/// How alike two words must be to be worth a guess (Jaro–Winkler, 0–1).
const ALIKE: f64 = 0.8;

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether `name` is a section such as `mqtt`.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| section_of(key.name) == name) && !name.is_empty()
}

/// The key that names the file of the secret that somebody wrote into `name`.
pub(super) fn file_of_secret(name: &str) -> Option<&'static str> {
    SECRETS.iter().find(|(secret, _)| *secret == name).map(|(_, file)| *file)
}

/// The remedy for an unknown `name`: the nearest right one, or the names that its section has.
pub(super) fn remedy(name: &str) -> String {
    match nearest(name) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => {
            let section = section_of(name);
            let mut known: Vec<&str> =
                KEYS.iter().filter(|key| section_of(key.name) == section).map(|key| key.name).collect();
            if section.is_empty() || known.is_empty() {
                known = sections();
                return format!("; there are `role` and the sections {}", known.join(", "));
            }
            format!("; there are {}", known.join(", "))
        }
    }
}

/// The remedy for an unknown `name` within an entry of `webrtc.turn`.
pub(super) fn turn_remedy(name: &str) -> String {
    let near = TURN_KEYS
        .iter()
        .map(|key| (strsim::jaro_winkler(key, name), key))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, near)) => format!(" (did you mean `webrtc.turn.{near}`?)"),
        None => format!("; there are {}", TURN_KEYS.join(", ")),
    }
}

fn nearest(name: &str) -> Option<&'static str> {
    let whole = KEYS.iter().map(|key| (likeness(name, key.name), key.name));
    // Only a word without a section can be meant as one.
    let headings = sections().into_iter().filter(|_| section_of(name).is_empty());
    let headings = headings.map(|section| (strsim::jaro_winkler(name, section), section));
    whole
        .chain(headings)
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, near)| near)
}

/// In the same section the last word counts; the right word in a wrong section is nearly right; of a name
/// without a section all of it counts.
fn likeness(name: &str, key: &str) -> f64 {
    let (word, right) = (last_of(name), last_of(key));
    if section_of(name) == section_of(key) {
        strsim::jaro_winkler(word, right)
    } else if word == right {
        0.95
    } else if section_of(name).is_empty() {
        strsim::jaro_winkler(name, key) * 0.95
    } else {
        0.0
    }
}

fn sections() -> Vec<&'static str> {
    let mut sections: Vec<_> =
        KEYS.iter().map(|key| section_of(key.name)).filter(|s| !s.is_empty()).collect();
    sections.dedup();
    sections
}

/// `mqtt` of `mqtt.url`; empty for a key outside any section.
pub(super) fn section_of(name: &str) -> &str {
    name.split_once('.').map_or("", |(section, _)| section)
}

fn last_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_right_name() {
        for (wrong, right) in [
            ("room.live", "room.live_id"),
            ("mqtt.pasword_file", "mqtt.password_file"),
            ("live_id", "room.live_id"),
            ("mqt", "mqtt"),
            ("rolle", "role"),
            ("guest.hold", "host.hold"),
            ("mqtt.keepalive", "mqtt.keep_alive"),
            ("mqtt_url", "mqtt.url"),
        ] {
            assert_eq!(remedy(wrong), format!(" (did you mean `{right}`?)"), "{wrong}");
        }
        assert!(remedy("room.zzz").starts_with("; there are room.live_id, "));
        assert!(remedy("zzz").starts_with("; there are `role` and the sections user, mqtt, "));
        assert_eq!(turn_remedy("user"), " (did you mean `webrtc.turn.username`?)");
    }
}
