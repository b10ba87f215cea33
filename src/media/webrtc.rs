//! What both ends of a peer connection share: webrtcbin with its ICE servers, and the answers of its promises.

use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;

use super::rtp_session;
use super::turn_tls::{Behind, Doors, How};

/// How ways between peers are looked for.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Ice {
    /// `stun:host[:port]`; webrtcbin asks the first.
    pub stun: Vec<String>,
    /// Relays.
    pub turn: Vec<Turn>,
    /// Which ways are allowed.
    pub policy: Policy,
    /// Authorities for the certificates of `turns:` servers, in place of the system's.
    pub ca: Option<PathBuf>,
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
    let tcp = if ice.turn.iter().any(Turn::is_over_tcp) { Tcp::Asked } else { Tcp::No };
    keep_to_what_is_asked(&webrtc, tcp)?;
    if let Some(host) = ice.stun.first().and_then(|url| url.strip_prefix("stun:")) {
        webrtc.set_property("stun-server", with_port("stun", "", host, 3478));
    }
    for turn in open_doors(&webrtc, ice) {
        if let Some(url) = turn_url(&turn) {
            // Emitted even when the element refuses a server: the others still help.
            webrtc.emit_by_name::<bool>("add-turn-server", &[&url]);
        }
    }
    if ice.policy == Policy::Relay {
        webrtc.set_property_from_str("ice-transport-policy", "relay");
    }
    rtp_session::set_up(&webrtc);
    Ok(webrtc)
}

/// Whether ICE is to open sockets of TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tcp {
    No,
    /// libnice reaches a relay over TCP only from a candidate of TCP.
    Asked,
}

/// Ta, the pause between two checks of pairs of addresses, in milliseconds: the least that RFC 8445 allows (section 14.2). libnice's own is
/// 20, and with three addresses at either end the pair that works may be the last of nine.
const CHECK_EVERY: u32 = 5;

/// libnice left to itself asks the router to map ports (UPnP: it listens on 1900 and fetches whatever address is answered there), and
/// listens for TCP on every address.
fn keep_to_what_is_asked(webrtc: &gst::Element, tcp: Tcp) -> Result<(), glib::BoolError> {
    let no_agent = || glib::bool_error!("webrtcbin has no agent of libnice");
    let ice: Option<glib::Object> = webrtc.property("ice-agent");
    let ice = ice.filter(|ice| ice.find_property("agent").is_some()).ok_or_else(no_agent)?;
    let agent: Option<glib::Object> = ice.property("agent");
    let agent = agent.ok_or_else(no_agent)?;
    // What was built without UPnP has no such property.
    if agent.find_property("upnp").is_some() {
        agent.set_property("upnp", false);
    }
    agent.set_property("ice-tcp", tcp == Tcp::Asked);
    agent.set_property("stun-pacing-timer", CHECK_EVERY);
    Ok(())
}

impl Turn {
    fn is_over_tcp(&self) -> bool {
        self.url.starts_with("turns:") || self.url.contains("transport=tcp")
    }
}

/// The relays as libnice can ask them: those that want TLS are behind a door of this machine, which is open as long as the webrtcbin
/// is there.
fn open_doors(webrtc: &gst::Element, ice: &Ice) -> Vec<Turn> {
    let (behind, plain): (Vec<_>, Vec<_>) = ice.turn.iter().partition(|turn| needs_door(turn).is_some());
    let mut relays: Vec<Turn> = plain.into_iter().cloned().collect();
    if behind.is_empty() {
        return relays;
    }
    match Doors::open(behind.iter().filter_map(|turn| needs_door(turn)).collect(), ice.ca.clone()) {
        Ok(doors) => {
            relays.extend(behind.into_iter().zip(doors.ports()).map(|(turn, port)| Turn {
                url: format!("turn:127.0.0.1:{port}?transport=tcp"),
                ..turn.clone()
            }));
            webrtc.add_weak_ref_notify(move || drop(doors));
        }
        Err(error) => tracing::warn!("no TURN server is reached over TLS: {error}"),
    }
    relays
}

/// What a door for this relay leads to; `None` for one that libnice reaches by itself.
fn needs_door(turn: &Turn) -> Option<Behind> {
    let (scheme, rest) = turn.url.split_once(':')?;
    let (server, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (how, default) = match scheme {
        "turns" => (How::Tls, 5349),
        // Over TCP libnice loses the zone of a link-local address.
        "turn" if query == "transport=tcp" && server.contains('%') => (How::Tcp, 3478),
        _ => return None,
    };
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => server.split_at(server.find(':').unwrap_or(server.len())),
    };
    let port = port.strip_prefix(':').map_or(Some(default), |port| port.parse().ok())?;
    Some(Behind { host: host.to_owned(), port, how })
}

/// `turn:host` and a login in the form of GStreamer: `turn://user:password@host:port?transport=…`.
fn turn_url(turn: &Turn) -> Option<String> {
    let (scheme, rest) = turn.url.split_once(':')?;
    let port = match scheme {
        "turn" => 3478,
        _ => return None,
    };
    let (host, query) = rest.split_once('?').map_or((rest, None), |(host, query)| (host, Some(query)));
    let login = format!("{}:{}@", escape(&turn.username), escape(&turn.password));
    let url = with_port(scheme, &login, host, port);
    Some(query.map_or(url.clone(), |query| format!("{url}?{query}")))
}

/// The zone of an address is escaped here (RFC 6874); as it is GStreamer reads no host at all.
fn with_port(scheme: &str, login: &str, host: &str, port: u16) -> String {
    let host = host.replace('%', "%25");
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

/// webrtcbin doing what it was told before. It works things off one after the other on a thread of its own, so the answer to one more
/// question comes last.
#[derive(Debug)]
pub struct Settling {
    question: gst::Promise,
    answered: mpsc::Receiver<()>,
    until: Instant,
}

impl Settling {
    /// Asks; at most `cap` from now are waited for the answer.
    pub fn begin(webrtc: &gst::Element, cap: Duration) -> Self {
        let (answer, answered) = mpsc::sync_channel(1);
        let question = gst::Promise::with_change_func(move |_| answer.try_send(()).unwrap_or_default());
        webrtc.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &question]);
        Self { question, answered, until: Instant::now() + cap }
    }

    /// Waits. The question is to be kept until webrtcbin is gone.
    pub fn wait(self) -> gst::Promise {
        let left = self.until.saturating_duration_since(Instant::now());
        if self.answered.recv_timeout(left).is_err() {
            tracing::warn!("webrtcbin is stopped in the midst of something");
        }
        self.question
    }
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

/// Has a webrtcbin make an offer; `made` gets it, on a thread of GStreamer's.
pub fn create_offer(
    webrtc: &gst::Element,
    made: impl FnOnce(Result<Box<gst_webrtc::WebRTCSessionDescription>, String>) + Send + 'static,
) {
    let promise = gst::Promise::with_change_func(move |reply| {
        made(outcome(reply).and_then(|offer| description(offer, "offer")).map(Box::new));
    });
    webrtc.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
}

/// A description for webrtcbin.
pub fn parsed(
    kind: gst_webrtc::WebRTCSDPType,
    sdp: &str,
) -> Result<gst_webrtc::WebRTCSessionDescription, String> {
    let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).map_err(|error| error.to_string())?;
    Ok(gst_webrtc::WebRTCSessionDescription::new(kind, message))
}

/// Packets are taken as they come, by jitter buffers that expect nothing. By default one
///
/// * holds the very first packet back for its whole latency, in case one before it is late. A first picture sooner is worth more:
///   the stream begins with a key frame asked for.
/// * expects each packet when the last ones let it: where lost ones are asked for again, that of the next one before it was sent. A
///   pause (no sound, a slate) is a loss then, and what comes after it is dropped. A gap in the numbers is asked for all the same.
///   webrtcbin asks for every stream of a transport when it shall for one.
pub fn take_packets_as_they_come(webrtc: &gst::Element) {
    let Some(rtpbin) = webrtc.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin")) else {
        return;
    };
    rtpbin.connect("new-jitterbuffer", false, |values| {
        if let Some(Ok(buffer)) = values.get(1).map(|value| value.get::<gst::Element>()) {
            buffer.set_property("faststart-min-packets", 1u32);
            buffer.set_property("rtx-next-seqnum", false);
        }
        None
    });
}

#[cfg(test)]
mod tests {
    use gstreamer_app::AppSrc;

    use super::*;

    #[test]
    fn servers_in_the_form_of_gstreamer() {
        let turn = |url: &str| {
            turn_url(&Turn { url: url.into(), username: "kiosk".into(), password: "a:b@c/d".into() })
        };
        let login = "kiosk:a%3Ab%40c%2Fd";
        assert_eq!(turn("turn:relay.example.org"), Some(format!("turn://{login}@relay.example.org:3478")));
        assert_eq!(turn("turns:relay.example.org:443?transport=tcp"), None, "libnice would speak in clear");
        assert_eq!(turn("turn:[2001:db8::1]"), Some(format!("turn://{login}@[2001:db8::1]:3478")));
        assert_eq!(with_port("stun", "", "[2001:db8::1]:99", 3478), "stun://[2001:db8::1]:99");
        assert_eq!(with_port("stun", "", "[fe80::1%eth0]", 3478), "stun://[fe80::1%25eth0]:3478");
    }

    #[test]
    fn what_libnice_cannot_reach_is_behind_a_door() {
        let door =
            |url: &str| needs_door(&Turn { url: url.into(), username: "u".into(), password: "p".into() });
        let behind = |host: &str, port, how| Some(Behind { host: host.into(), port, how });
        assert_eq!(door("turns:relay.example.org"), behind("relay.example.org", 5349, How::Tls));
        assert_eq!(door("turns:[2001:db8::1]:443?transport=tcp"), behind("2001:db8::1", 443, How::Tls));
        assert_eq!(door("turn:[fe80::1%eth0]?transport=tcp"), behind("fe80::1%eth0", 3478, How::Tcp));
        for near in
            ["turn:a", "turn:a?transport=tcp", "turn:[2001:db8::1]?transport=tcp", "turn:[fe80::1%eth0]"]
        {
            assert_eq!(door(near), None, "{near}");
        }
    }

    #[test]
    fn no_port_is_mapped_and_tcp_is_used_for_a_relay_only() {
        gst::init().expect("GStreamer starts");
        let relay = |url: &str| Turn { url: url.into(), username: "u".into(), password: "p".into() };
        for (turn, tcp) in [
            (vec![], false),
            (vec![relay("turn:192.0.2.1")], false),
            (vec![relay("turn:192.0.2.1"), relay("turn:192.0.2.1?transport=tcp")], true),
            (vec![relay("turns:192.0.2.1")], true),
        ] {
            let webrtc = make(&Ice { turn, ..Ice::default() }).expect("it is installed");
            let agent = webrtc.property::<glib::Object>("ice-agent").property::<glib::Object>("agent");
            assert!(!agent.property::<bool>("upnp"));
            assert_eq!(agent.property::<bool>("ice-tcp"), tcp);
        }
    }

    /// A packet of Opus in RTP.
    fn packet(number: u8, time: u32) -> gst::Buffer {
        let [a, b, c, d] = time.to_be_bytes();
        gst::Buffer::from_slice([0x80, 111, 0, number, a, b, c, d, 0, 0, 0, 7, 0xf8])
    }

    #[test]
    fn a_packet_after_a_pause_is_not_taken_for_a_lost_one() {
        gst::init().expect("GStreamer starts");
        let launch = "appsrc name=source is-live=true do-timestamp=true format=time \
                      caps=application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=111 \
                      ! .recv_rtp_sink_0 rtpbin name=rtpbin latency=120 do-lost=true do-retransmission=true";
        let pipeline = gst::parse::launch(launch).expect("usual elements").downcast::<gst::Pipeline>();
        let pipeline = pipeline.expect("a pipeline");
        take_packets_as_they_come(pipeline.upcast_ref());
        let (came, comes) = std::sync::mpsc::channel();
        pipeline.by_name("rtpbin").expect("named above").connect_pad_added(move |_, pad| {
            let came = came.clone();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                came.send(info.buffer().and_then(|packet| packet.map_readable().ok()?.get(3).copied()))
                    .unwrap_or_default();
                gst::PadProbeReturn::Handled
            });
        });
        let source = pipeline.by_name("source").and_then(|source| source.downcast::<AppSrc>().ok());
        let source = source.expect("named above");
        pipeline.set_state(gst::State::Playing).expect("it plays");
        let mut time = 0;
        for number in 0..15 {
            let pause = if number % 5 == 0 { 400 } else { 20 };
            std::thread::sleep(std::time::Duration::from_millis(pause));
            time += 48 * u32::try_from(pause).expect("little");
            source.push_buffer(packet(number, time)).expect("it is taken");
        }
        for number in 0..15 {
            let came = comes.recv_timeout(std::time::Duration::from_secs(30)).expect("it comes");
            assert_eq!(came, Some(number));
        }
        pipeline.set_state(gst::State::Null).expect("it stops");
    }

    #[test]
    fn a_decoder_hears_of_what_is_lost() {
        gst::init().expect("GStreamer starts");
        let webrtc = make(&Ice::default()).expect("it is installed").downcast::<gst::Bin>().expect("a bin");
        assert!(webrtc.by_name("rtpbin").expect("in every webrtcbin").property::<bool>("do-lost"));
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
