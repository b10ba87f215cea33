//! What both ends of a peer connection share: webrtcbin with its ICE servers, and the answers of its promises.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

/// How ways between peers are looked for.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Ice {
    /// `stun:host[:port]`; webrtcbin asks the first.
    pub stun: Vec<String>,
    /// Relays.
    pub turn: Vec<Turn>,
    /// Which ways are allowed.
    pub policy: Policy,
}

/// One relay.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// `turn:host[:port][?transport=udp|tcp]`, or the same with `turns:`.
    pub url: String,
    /// Login.
    pub username: String,
    /// Login; never logged.
    pub password: String,
}

/// Which ways are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// All.
    #[default]
    All,
    /// Only through a relay.
    Relay,
}

impl std::fmt::Debug for Ice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let turn: Vec<&str> = self.turn.iter().map(|turn| turn.url.as_str()).collect();
        f.debug_struct("Ice")
            .field("stun", &self.stun)
            .field("turn", &turn)
            .field("policy", &self.policy)
            .finish()
    }
}

/// A webrtcbin with these servers. What else it needs is the caller's to set before it starts.
pub fn make(ice: &Ice) -> Result<gst::Element, glib::BoolError> {
    let webrtc = gst::ElementFactory::make("webrtcbin").build()?;
    if let Some(host) = ice.stun.first().and_then(|url| url.strip_prefix("stun:")) {
        webrtc.set_property("stun-server", with_port("stun", "", host, 3478));
    }
    for turn in &ice.turn {
        if let Some(url) = turn_url(turn) {
            // Emitted even when the element refuses a server: the others still help.
            webrtc.emit_by_name::<bool>("add-turn-server", &[&url]);
        }
    }
    if ice.policy == Policy::Relay {
        webrtc.set_property_from_str("ice-transport-policy", "relay");
    }
    Ok(webrtc)
}

/// `turn:host` and a login in the form of GStreamer: `turn://user:password@host:port?transport=…`.
fn turn_url(turn: &Turn) -> Option<String> {
    let (scheme, rest) = turn.url.split_once(':')?;
    let port = match scheme {
        "turn" => 3478,
        "turns" => 5349,
        _ => return None,
    };
    let (host, query) = rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
    let login = format!("{}:{}@", escape(&turn.username), escape(&turn.password));
    let url = with_port(scheme, &login, host, port);
    Some(query.map_or(url.clone(), |query| format!("{url}?{query}")))
}

fn with_port(scheme: &str, login: &str, host: &str, port: u16) -> String {
    let bare = host.rsplit(']').next().is_some_and(|tail| !tail.contains(':'));
    if bare { format!("{scheme}://{login}{host}:{port}") } else { format!("{scheme}://{login}{host}") }
}

/// Percent-encodes everything that is not unreserved in RFC 3986.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What a promise of webrtcbin came to: its structure, or the error in words.
pub fn outcome(
    reply: Result<Option<&gst::StructureRef>, gst::PromiseError>,
) -> Result<Option<gst::Structure>, String> {
    let structure = reply.map_err(|error| format!("webrtcbin gave no answer: {error:?}"))?;
    match structure.and_then(|structure| structure.get::<glib::Error>("error").ok()) {
        Some(error) => Err(error.message().to_owned()),
        None => Ok(structure.map(ToOwned::to_owned)),
    }
}

/// The description named `field` (`offer` or `answer`) in an outcome.
pub fn description(
    outcome: Option<gst::Structure>,
    field: &str,
) -> Result<gst_webrtc::WebRTCSessionDescription, String> {
    outcome
        .and_then(|structure| structure.get::<gst_webrtc::WebRTCSessionDescription>(field).ok())
        .ok_or_else(|| format!("webrtcbin made no {field}"))
}

/// A jitter buffer holds the very first packet back for its whole latency, in case one before it is late. A first picture
/// sooner is worth more: the stream begins with a key frame asked for.
pub fn start_at_the_first_packet(webrtc: &gst::Element) {
    let Some(rtpbin) = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) else {
        return;
    };
    rtpbin.connect("new-jitterbuffer", false, |values| {
        if let Some(Ok(buffer)) = values.get(1).map(|value| value.get::<gst::Element>()) {
            buffer.set_property("faststart-min-packets", 1u32);
        }
        None
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_in_the_form_of_gstreamer() {
        let turn = |url: &str| {
            turn_url(&Turn { url: url.into(), username: "kiosk".into(), password: "a:b@c/d".into() })
        };
        let login = "kiosk:a%3Ab%40c%2Fd";
        assert_eq!(turn("turn:relay.example.org"), Some(format!("turn://{login}@relay.example.org:3478")));
        assert_eq!(
            turn("turns:relay.example.org:443?transport=tcp"),
            Some(format!("turns://{login}@relay.example.org:443?transport=tcp"))
        );
        assert_eq!(turn("turn:[2001:db8::1]"), Some(format!("turn://{login}@[2001:db8::1]:3478")));
        assert_eq!(with_port("stun", "", "[2001:db8::1]:99", 3478), "stun://[2001:db8::1]:99");
    }

    #[test]
    fn a_password_is_not_shown() {
        let ice = Ice {
            turn: vec![Turn { url: "turn:a".into(), username: "u".into(), password: "secret".into() }],
            ..Ice::default()
        };
        assert!(!format!("{ice:?}").contains("secret"));
    }
}
