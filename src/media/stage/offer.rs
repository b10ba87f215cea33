//! A guest's offer, read before webrtcbin sees it.
//!
//! Pure. What a guest sends is bytes from afar, and webrtcbin asserts on some of what RFC 8829 calls wrong. So the offer is read here, line
//! by line, and written anew from what is understood: one audio and one video section at most are taken, each with the first codec that can
//! be decoded here and its retransmissions. Its invariant: what [`Offer::sdp`] holds has every attribute that webrtcbin relies on,
//! once, in range. Candidates inside the offer are taken out, to go the way of those that come later.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::decode::Codec;

/// The protocol's longest message.
const LONGEST: usize = 64 * 1024;
/// A guest offers two sections; a browser that once shared its screen offers one more.
const MOST_SECTIONS: usize = 4;
/// Candidates in one offer beyond these are dropped.
const MOST_CANDIDATES: usize = 32;
/// A candidate line with every extension is a third of this.
const LONGEST_CANDIDATE: usize = 512;

/// Session attributes that are passed on. ICE and DTLS attributes go into the sections.
const SESSION_ATTRIBUTES: [&str; 2] = ["extmap-allow-mixed", "msid-semantic"];
/// Section attributes that are passed on as they are.
const SECTION_ATTRIBUTES: [&str; 11] = [
    "rtcp",
    "rtcp-rsize",
    "ice-options",
    "sendrecv",
    "sendonly",
    "recvonly",
    "inactive",
    "ssrc",
    "ssrc-group",
    "msid",
    "extmap",
];

/// What is wrong with an offer, in words for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(&'static str);

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// What becomes of one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Audio or video.
    pub kind: Kind,
    /// Its name.
    pub mid: String,
    /// The codec that is taken.
    pub codec: Codec,
}

/// Whether all sections share one transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundling {
    /// One for all.
    Bundled,
    /// One each.
    Separate,
}

/// An offer that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is handed to webrtcbin.
    pub sdp: String,
    /// Its sections in order.
    pub sections: Vec<Section>,
    /// Whether they share one transport.
    pub bundling: Bundling,
    /// Candidates that came inside: section index and `candidate:…`.
    pub candidates: Vec<(u32, String)>,
}

impl Offer {
    /// Reads `text`; `can` says which codecs can be decoded here.
    pub fn read(text: &str, can: impl Fn(Codec) -> bool) -> Result<Self, Unusable> {
        if text.len() > LONGEST {
            return Err(Unusable("the offer is longer than 64 KiB"));
        }
        if text.chars().any(|c| c.is_control() && c != '\r' && c != '\n') {
            return Err(Unusable("the offer has control characters"));
        }
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        if lines.first() != Some(&"v=0") {
            return Err(Unusable("the offer does not begin with v=0"));
        }
        let mut parts = lines.chunk_by(|_, next| !next.starts_with("m="));
        let session = Attributes::of(parts.next().unwrap_or_default());
        let raw: Vec<&[&str]> = parts.collect();
        if raw.is_empty() || raw.len() > MOST_SECTIONS {
            return Err(Unusable("the offer must have one to four media sections"));
        }
        let sections =
            raw.iter().map(|lines| Reading::of(lines, &session, &can)).collect::<Result<Vec<_>, _>>()?;
        let mids: BTreeSet<&str> = sections.iter().map(|s| s.section.mid.as_str()).collect();
        if mids.len() < sections.len() {
            return Err(Unusable("two media sections have one mid"));
        }
        let bundling = bundling(&session, &mids)?;
        let candidates = (0u32..)
            .zip(&sections)
            .flat_map(|(index, s)| s.candidates.iter().map(move |c| (index, c.clone())))
            .take(MOST_CANDIDATES)
            .collect();
        Ok(Self {
            sdp: write(&session, &sections, bundling),
            bundling,
            candidates,
            sections: sections.into_iter().map(|s| s.section).collect(),
        })
    }

    /// The first section of a kind.
    pub fn first(&self, kind: Kind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }

    /// The index of the section that a candidate names, by mid or by index.
    pub fn section_of(&self, mid: Option<&str>, index: Option<u32>) -> Option<u32> {
        let by_mid = mid.and_then(|mid| self.sections.iter().position(|s| s.mid == mid));
        let index = by_mid.and_then(|at| u32::try_from(at).ok()).or(index)?;
        (usize::try_from(index).ok()? < self.sections.len()).then_some(index)
    }
}

/// `line` as a candidate that can be handed to ICE: `candidate:` and the fields of RFC 8839, with an address that is a number.
/// Names (mDNS) are not looked up.
pub fn candidate(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line.strip_prefix("a=").unwrap_or(line);
    let fields: Vec<&str> = line.strip_prefix("candidate:")?.split(' ').collect();
    let [foundation, component, transport, priority, address, port, typ, kind, ..] = fields.as_slice() else {
        return None;
    };
    let good = line.len() <= LONGEST_CANDIDATE
        && line.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && (1..=32).contains(&foundation.len())
        && matches!(*component, "1" | "2")
        && ["udp", "tcp"].iter().any(|name| name.eq_ignore_ascii_case(transport))
        && priority.parse::<u32>().is_ok()
        && address.parse::<IpAddr>().is_ok()
        && port.parse::<u16>().is_ok()
        && *typ == "typ"
        && matches!(*kind, "host" | "srflx" | "prflx" | "relay");
    good.then_some(line)
}

/// The `a=` lines of one part.
struct Attributes<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    fn of(lines: &[&'a str]) -> Self {
        let attributes = lines.iter().filter_map(|line| line.strip_prefix("a="));
        Self(attributes.map(|a| a.split_once(':').unwrap_or((a, ""))).collect())
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| *value)
    }
}

/// One section, read.
struct Reading<'a> {
    section: Section,
    payloads: Vec<&'a str>,
    attributes: Attributes<'a>,
    ufrag: &'a str,
    password: &'a str,
    fingerprint: &'a str,
    setup: &'a str,
    candidates: Vec<String>,
}

impl<'a> Reading<'a> {
    fn of(
        lines: &[&'a str],
        session: &Attributes<'a>,
        can: impl Fn(Codec) -> bool,
    ) -> Result<Self, Unusable> {
        let first = lines.first().copied().unwrap_or_default();
        let fields: Vec<&str> = first.trim_start_matches("m=").split(' ').collect();
        let [kind, port, proto, payloads @ ..] = fields.as_slice() else {
            return Err(Unusable("a media line is incomplete"));
        };
        let kind = match *kind {
            "audio" => Kind::Audio,
            "video" => Kind::Video,
            _ => return Err(Unusable("only audio and video sections are taken")),
        };
        let attributes = Attributes::of(lines);
        let open = port.parse::<u16>().is_ok_and(|port| port > 0) || attributes.get("bundle-only").is_some();
        if !open || !proto.ends_with("RTP/SAVPF") {
            return Err(Unusable("a media line is not for RTP over DTLS"));
        }
        let mid =
            attributes.get("mid").filter(|mid| is_token(mid)).ok_or(Unusable("a section has no mid"))?;
        if attributes.get("rtcp-mux").is_none() {
            return Err(Unusable("a section has no rtcp-mux"));
        }
        let (codec, payloads) =
            choose(&attributes, payloads, kind, can).ok_or(Unusable("no codec in common"))?;
        let either = |name| attributes.get(name).or_else(|| session.get(name));
        let ice = |name: &'static str, least: usize| {
            either(name).filter(|value| (least..=256).contains(&value.len()) && value.chars().all(is_ice))
        };
        let read = Self {
            section: Section { kind, mid: mid.to_owned(), codec },
            payloads,
            ufrag: ice("ice-ufrag", 4).ok_or(Unusable("a section has no ice-ufrag"))?,
            password: ice("ice-pwd", 22).ok_or(Unusable("a section has no ice-pwd"))?,
            fingerprint: either("fingerprint")
                .filter(|value| is_fingerprint(value))
                .ok_or(Unusable("a section has no fingerprint"))?,
            setup: either("setup")
                .filter(|value| matches!(*value, "actpass" | "active" | "passive"))
                .ok_or(Unusable("a section has no setup"))?,
            candidates: attributes
                .all("candidate")
                .filter_map(|value| candidate(&format!("candidate:{value}")).map(str::to_owned))
                .collect(),
            attributes,
        };
        Ok(read)
    }

    fn write(&self, out: &mut Vec<String>) {
        let kind = match self.section.kind {
            Kind::Audio => "audio",
            Kind::Video => "video",
        };
        out.push(format!("m={kind} 9 UDP/TLS/RTP/SAVPF {}", self.payloads.join(" ")));
        out.push("c=IN IP4 0.0.0.0".to_owned());
        out.push(format!("a=mid:{}", self.section.mid));
        out.push("a=rtcp-mux".to_owned());
        out.push(format!("a=ice-ufrag:{}", self.ufrag));
        out.push(format!("a=ice-pwd:{}", self.password));
        out.push(format!("a=fingerprint:{}", self.fingerprint));
        out.push(format!("a=setup:{}", self.setup));
        for (name, value) in &self.attributes.0 {
            let of_payload =
                || value.split([' ', '*']).next().is_some_and(|first| self.payloads.contains(&first));
            let kept = match *name {
                "rtpmap" | "fmtp" | "rtcp-fb" => of_payload(),
                "extmap" => is_extension(value),
                "ssrc" => value.split(' ').next().is_some_and(|ssrc| ssrc.parse::<u32>().is_ok()),
                other => SECTION_ATTRIBUTES.contains(&other),
            };
            match (kept, value.is_empty()) {
                (true, true) => out.push(format!("a={name}")),
                (true, false) => out.push(format!("a={name}:{value}")),
                (false, _) => {}
            }
        }
    }
}

/// The first payload type whose codec can be decoded, and that of its retransmissions.
fn choose<'a>(
    attributes: &Attributes<'a>,
    offered: &[&'a str],
    kind: Kind,
    can: impl Fn(Codec) -> bool,
) -> Option<(Codec, Vec<&'a str>)> {
    let map = |payload: &str| {
        attributes
            .all("rtpmap")
            .filter_map(|value| value.split_once(' '))
            .find(|(of, _)| *of == payload)
            .map(|m| m.1)
    };
    let known = |payload: &str| payload.parse::<u8>().is_ok_and(|number| number < 128);
    let (codec, payload) = offered.iter().filter(|p| known(p)).find_map(|payload| {
        let (name, rate) = map(payload)?.split_once('/')?;
        let codec = Codec::of(name)?;
        let fits = match (kind, codec) {
            (Kind::Audio, Codec::Opus) => rate == "48000/2",
            (Kind::Video, Codec::H264 | Codec::Vp8) => rate == "90000",
            (Kind::Audio, Codec::H264 | Codec::Vp8) | (Kind::Video, Codec::Opus) => false,
        };
        (fits && can(codec)).then_some((codec, *payload))
    })?;
    let apt = format!("apt={payload}");
    let again = offered.iter().filter(|p| known(p)).find(|again| {
        map(again).is_some_and(|name| name.eq_ignore_ascii_case("rtx/90000"))
            && attributes
                .all("fmtp")
                .filter_map(|value| value.split_once(' '))
                .any(|(of, parameters)| of == **again && parameters.split(';').any(|p| p.trim() == apt))
    });
    Some((codec, std::iter::once(payload).chain(again.copied()).collect()))
}

fn bundling(session: &Attributes, mids: &BTreeSet<&str>) -> Result<Bundling, Unusable> {
    let Some(group) = session.all("group").find_map(|group| group.strip_prefix("BUNDLE")) else {
        return Ok(Bundling::Separate);
    };
    let bundled: BTreeSet<&str> = group.split_whitespace().collect();
    if bundled == *mids { Ok(Bundling::Bundled) } else { Err(Unusable("the bundle is not of all sections")) }
}

fn write(session: &Attributes, sections: &[Reading], bundling: Bundling) -> String {
    let mut out: Vec<String> = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"].map(str::to_owned).to_vec();
    if bundling == Bundling::Bundled {
        let mids: Vec<&str> = sections.iter().map(|s| s.section.mid.as_str()).collect();
        out.push(format!("a=group:BUNDLE {}", mids.join(" ")));
    }
    for (name, value) in session.0.iter().filter(|(name, _)| SESSION_ATTRIBUTES.contains(name)) {
        out.push(if value.is_empty() { format!("a={name}") } else { format!("a={name}:{value}") });
    }
    for section in sections {
        section.write(&mut out);
    }
    out.push(String::new());
    out.join("\r\n")
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_ice(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}

fn is_fingerprint(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(hash, digest)| {
        hash.eq_ignore_ascii_case("sha-256")
            && digest.len() == 32 * 3 - 1
            && digest.split(':').all(|byte| byte.len() == 2 && u8::from_str_radix(byte, 16).is_ok())
    })
}

/// `1-14[/direction] URI`, and nothing webrtcbin would have to interpret.
fn is_extension(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(id, uri)| {
        let id = id.split('/').next().unwrap_or_default();
        id.parse::<u8>().is_ok_and(|id| (1..=14).contains(&id)) && !uri.contains(' ')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINT: &str =
        "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

    fn offer() -> String {
        format!(
            "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n\
             a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {PRINT}\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\n\
             a=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\na=rtpmap:0 PCMU/8000\r\n\
             a=candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host generation 0\r\n\
             a=candidate:2 1 udp 2122260223 kiosk.local 54321 typ host\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 45 96 97 98 99\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\n\
             a=setup:actpass\r\na=sendonly\r\na=x-secret:1\r\na=rtpmap:45 AV1/90000\r\na=rtpmap:96 VP8/90000\r\n\
             a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 H264/90000\r\n\
             a=fmtp:98 packetization-mode=1\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98\r\n"
        )
    }

    fn read(text: &str) -> Result<Offer, Unusable> {
        Offer::read(text, |_| true)
    }

    #[test]
    fn the_first_codec_that_can_be_decoded_is_taken_with_its_retransmissions() {
        let all = read(&offer()).expect("a good offer");
        assert_eq!(all.sections.iter().map(|s| s.codec).collect::<Vec<_>>(), [Codec::Opus, Codec::Vp8]);
        assert!(all.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{}", all.sdp);
        let h264 = Offer::read(&offer(), |codec| codec != Codec::Vp8).expect("a good offer");
        assert!(h264.sdp.contains("m=video 9 UDP/TLS/RTP/SAVPF 98 99\r\n"), "{}", h264.sdp);
        for gone in ["AV1", "PCMU", "x-secret", "a=candidate", "VP8", "apt=96"] {
            assert!(!h264.sdp.contains(gone), "{gone} in {}", h264.sdp);
        }
        assert_eq!(
            h264.sdp.matches("a=ice-ufrag:abcd").count(),
            2,
            "session attributes go into each section"
        );
        assert_eq!(h264.bundling, Bundling::Bundled);
    }

    #[test]
    fn candidates_inside_are_taken_out_and_names_dropped() {
        let candidates = read(&offer()).expect("a good offer").candidates;
        let good = "candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host generation 0";
        assert_eq!(candidates, [(0, good.to_owned())]);
    }

    #[test]
    fn a_candidate_finds_its_section_by_name_or_by_number() {
        let offer = read(&offer()).expect("a good offer");
        assert_eq!(offer.section_of(Some("1"), None), Some(1));
        assert_eq!(offer.section_of(Some("1"), Some(0)), Some(1));
        assert_eq!(offer.section_of(None, Some(0)), Some(0));
        assert_eq!(offer.section_of(Some("7"), Some(2)), None);
        assert_eq!(offer.section_of(None, None), None);
    }

    #[test]
    fn what_webrtcbin_relies_on_must_be_there() {
        let long = "x".repeat(LONGEST + 1);
        let cases: [(&str, &str, &str); 14] = [
            ("v=0", "v=1", "does not begin"),
            ("a=mid:1", "a=mid:0", "one mid"),
            ("a=mid:1\r\n", "", "no mid"),
            ("a=rtcp-mux\r\n", "", "rtcp-mux"),
            ("a=ice-ufrag:abcd", "a=ice-ufrag:ab", "ice-ufrag"),
            ("a=ice-pwd:0123456789012345678901", "a=ice-pwd:%n%n%n%n%n%n%n%n%n%n%n", "ice-pwd"),
            ("sha-256 00:11", "sha-256 0:11", "fingerprint"),
            ("a=setup:actpass", "a=setup:holdconn", "setup"),
            ("m=video 9", "m=application 9", "only audio and video"),
            ("m=video 9", "m=video 0", "RTP over DTLS"),
            ("UDP/TLS/RTP/SAVPF 45", "RTP/AVP 45", "RTP over DTLS"),
            ("BUNDLE 0 1", "BUNDLE 0 1 2", "bundle"),
            ("opus/48000/2", "opus/8000/2", "no codec"),
            ("s=-", "s=\u{1}", "control characters"),
        ];
        for (from, to, why) in cases {
            let error = read(&offer().replace(from, to)).expect_err(why);
            assert!(error.to_string().contains(why), "{error} is not about {why}");
        }
        assert!(read(&long).is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn only_candidates_with_an_address_are_taken() {
        for good in [
            "candidate:1 1 UDP 2015363327 192.0.2.2 41234 typ host",
            "a=candidate:a+/ 1 tcp 1 2001:db8::1 9 typ srflx raddr 192.0.2.1 rport 9 tcptype active",
        ] {
            assert!(candidate(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "candidate:",
            "candidate:1 1 UDP 2015363327 kiosk.local 41234 typ host",
            "candidate:1 3 UDP 2015363327 192.0.2.2 41234 typ host",
            "candidate:1 1 UDP 99999999999 192.0.2.2 41234 typ host",
            "candidate:1 1 UDP 1 192.0.2.2 99999 typ host",
            "candidate:1 1 UDP 1 192.0.2.2 1 typ nothing",
            "candidate:1 1 UDP 1 192.0.2.2 1 typ host \r\na=x",
        ] {
            assert_eq!(candidate(bad), None, "{bad}");
        }
        let long = format!("candidate:1 1 UDP 1 192.0.2.2 1 typ host {}", "x".repeat(LONGEST_CANDIDATE));
        assert_eq!(candidate(&long), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(text in ".{0,400}", at in 0usize..1200, with in "[a-z=: \r\n0-9]{0,12}") {
            let _ = read(&text).map(|offer| offer.sections.len());
            let mut broken = offer();
            let at = broken.floor_char_boundary(at.min(broken.len()));
            broken.insert_str(at, &with);
            let _ = read(&broken).map(|offer| offer.sections.len());
            let _ = candidate(&text).is_some();
        }
    }
}
