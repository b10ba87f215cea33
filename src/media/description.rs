//! An offer or an answer from afar, read before webrtcbin sees it.
//!
//! Pure. What the other side sends is any bytes, and webrtcbin asserts on some of what RFC 8829 calls wrong. So it is read here, line
//! by line, and written anew from what is understood: one audio and one video section at most are taken, each with the first codec that can
//! be decoded here and its retransmissions. Its invariant: what [`Description::sdp`] holds has every attribute that webrtcbin relies on,
//! once, in range. Candidates inside it are taken out, to go the way of those that come later.

mod direction;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

pub use self::direction::Direction;
use super::codec::Codec;
use super::fingerprint::Fingerprints;

/// The protocol's longest message.
const LONGEST: usize = 64 * 1024;
/// A guest offers two sections; a browser that once shared its screen offers one more.
const MOST_SECTIONS: usize = 4;
/// Candidates in one description beyond these are dropped.
const MOST_CANDIDATES: usize = 32;
/// Attributes of one section that are passed on as they are; those beyond are dropped. A browser has thirty; webrtcbin looks through
/// all it has for each.
const MOST_ATTRIBUTES: usize = 96;
/// Of the session likewise; there are two.
const MOST_SESSION_ATTRIBUTES: usize = 8;
/// A candidate line with every extension is a third of this.
const LONGEST_CANDIDATE: usize = 512;

/// Session attributes that are passed on. ICE and DTLS attributes go into the sections.
const SESSION_ATTRIBUTES: [&str; 2] = ["extmap-allow-mixed", "msid-semantic"];
/// Section attributes that are passed on as they are.
const SECTION_ATTRIBUTES: [&str; 7] =
    ["rtcp", "rtcp-rsize", "ice-options", "ssrc", "ssrc-group", "msid", "extmap"];

/// What is wrong with a description, in words for the log.
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
    /// Its payload type.
    pub payload: u8,
    /// Which ways media go, as its author sees it.
    pub direction: Direction,
}

/// Whether all sections share one transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundling {
    /// One for all.
    Bundled,
    /// One each.
    Separate,
}

/// A description that webrtcbin can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// What is handed to webrtcbin.
    pub sdp: String,
    /// Its sections in order.
    pub sections: Vec<Section>,
    /// Whether they share one transport.
    pub bundling: Bundling,
    /// The certificates that are named, section by section.
    pub certificates: Vec<Fingerprints>,
    /// Candidates that came inside: section index and `candidate:…`.
    pub candidates: Vec<(u32, String)>,
}

impl Description {
    /// Reads `text`; `can` says which codecs can be decoded here.
    pub fn read(text: &str, can: impl Fn(Codec) -> bool) -> Result<Self, Unusable> {
        if text.len() > LONGEST {
            return Err(Unusable("the description is longer than 64 KiB"));
        }
        if text.chars().any(|c| c.is_control() && c != '\r' && c != '\n') {
            return Err(Unusable("the description has control characters"));
        }
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        if lines.first() != Some(&"v=0") {
            return Err(Unusable("the description does not begin with v=0"));
        }
        let mut parts = lines.chunk_by(|_, next| !next.starts_with("m="));
        let session = Attributes::of(parts.next().unwrap_or_default());
        let raw: Vec<&[&str]> = parts.collect();
        if raw.is_empty() || raw.len() > MOST_SECTIONS {
            return Err(Unusable("the description must have one to four media sections"));
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
            certificates: sections.iter().map(|s| s.fingerprints.clone()).collect(),
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

/// Whether a candidate of this machine is told: none of TCP (nobody asks for one; a relay's is of UDP, however it is reached), and no
/// link-local address, which means nothing to anybody else without its interface (RFC 8445, section 5.1.1.1).
pub fn is_told(line: &str) -> bool {
    let mut fields = line.split(' ').skip(2);
    let udp = fields.next().is_some_and(|transport| transport.eq_ignore_ascii_case("udp"));
    let address = fields.nth(1).and_then(|address| address.parse::<IpAddr>().ok());
    let local = match address {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_unicast_link_local(),
        None => false,
    };
    udp && !local
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
    fingerprints: Fingerprints,
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
        let (codec, payload, payloads) =
            choose(&attributes, payloads, kind, can).ok_or(Unusable("no codec in common"))?;
        let direction = Direction::of(&attributes, session);
        let either = |name| attributes.get(name).or_else(|| session.get(name));
        let ice = |name: &'static str, least: usize| {
            either(name).filter(|value| (least..=256).contains(&value.len()) && value.chars().all(is_ice))
        };
        let read = Self {
            section: Section { kind, mid: mid.to_owned(), codec, payload, direction },
            payloads,
            ufrag: ice("ice-ufrag", 4).ok_or(Unusable("a section has no ice-ufrag"))?,
            password: ice("ice-pwd", 22).ok_or(Unusable("a section has no ice-pwd"))?,
            fingerprints: certificates(&attributes, session)?,
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
        // webrtcbin wants one, and compares nothing with it.
        out.extend(self.fingerprints.first().map(|print| format!("a=fingerprint:{print}")));
        out.push(format!("a=setup:{}", self.setup));
        out.push(format!("a={}", self.section.direction.as_str()));
        let (mut named, mut left) = (BTreeSet::new(), MOST_ATTRIBUTES);
        for (name, value) in &self.attributes.0 {
            let of_payload =
                || value.split([' ', '*']).next().is_some_and(|first| self.payloads.contains(&first));
            let kept = match *name {
                "rtpmap" | "fmtp" | "rtcp-fb" => of_payload(),
                "extmap" => is_extension(value),
                "ssrc" => value.split(' ').next().is_some_and(|ssrc| ssrc.parse::<u32>().is_ok()),
                other => SECTION_ATTRIBUTES.contains(&other),
            };
            // The name of each codec is never crowded out.
            let is_name = *name == "rtpmap" && kept && named.insert(value.split(' ').next());
            if kept && !is_name {
                let Some(rest) = usize::checked_sub(left, 1) else { continue };
                left = rest;
            }
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
) -> Option<(Codec, u8, Vec<&'a str>)> {
    // Each looked through once: a description has room for thousands of both.
    let mut names = BTreeMap::new();
    for (of, name) in attributes.all("rtpmap").filter_map(|value| value.split_once(' ')) {
        names.entry(of).or_insert(name);
    }
    let map = |payload: &str| names.get(payload).copied();
    let known = |payload: &str| payload.parse::<u8>().is_ok_and(|number| number < 128);
    let (codec, number, payload) = offered.iter().filter(|p| known(p)).find_map(|payload| {
        let (name, rate) = map(payload)?.split_once('/')?;
        let codec = Codec::of(name)?;
        let fits = match (kind, codec) {
            (Kind::Audio, Codec::Opus) => rate == "48000/2",
            (Kind::Video, Codec::H264 | Codec::Vp8) => rate == "90000",
            (Kind::Audio, Codec::H264 | Codec::Vp8) | (Kind::Video, Codec::Opus) => false,
        };
        let number = payload.parse().ok()?;
        (fits && can(codec)).then_some((codec, number, *payload))
    })?;
    let apt = format!("apt={payload}");
    let of_it = attributes.all("fmtp").filter_map(|value| value.split_once(' '));
    let of_it = of_it.filter(|(_, parameters)| parameters.split(';').any(|p| p.trim() == apt));
    let repeats: BTreeSet<&str> = of_it.map(|(again, _)| again).collect();
    let again = offered.iter().filter(|p| known(p)).find(|again| {
        map(again).is_some_and(|name| name.eq_ignore_ascii_case("rtx/90000")) && repeats.contains(**again)
    });
    Some((codec, number, std::iter::once(payload).chain(again.copied()).collect()))
}

/// Those of the section, or else those of the session (RFC 8122, section 5).
fn certificates(section: &Attributes, session: &Attributes) -> Result<Fingerprints, Unusable> {
    let of = |part: &Attributes| Fingerprints::read(part.all("fingerprint"));
    let named = section.get("fingerprint").map_or_else(|| of(session), |_| of(section));
    if named.first().is_none() {
        return Err(Unusable("a section has no fingerprint by SHA-256, SHA-384 or SHA-512"));
    }
    Ok(named)
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
    let passed = session.0.iter().filter(|(name, _)| SESSION_ATTRIBUTES.contains(name));
    for (name, value) in passed.take(MOST_SESSION_ATTRIBUTES) {
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

/// `1-14[/direction] URI`, and nothing webrtcbin would have to interpret.
fn is_extension(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(id, uri)| {
        let id = id.split('/').next().unwrap_or_default();
        id.parse::<u8>().is_ok_and(|id| (1..=14).contains(&id)) && !uri.contains(' ')
    })
}

#[cfg(test)]
mod tests;
