//! An offer or an answer from afar, read before webrtcbin sees it.
//!
//! Pure. What the other side sends is any bytes, and webrtcbin asserts on some of what RFC 8829 calls wrong. So it is read here, line
//! by line, and written anew from what is understood, section by section: one that is not taken here, or that the other side rejects,
//! costs itself only. Of each the first codec that can be decoded here is taken, and its retransmissions. Its invariant: what
//! [`Description::sdp`] holds has every attribute that webrtcbin relies on, once, in range. Candidates inside it are taken out, to go the
//! way of those that come later.

mod bundle;
mod direction;
mod section;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;

use self::bundle::Bundle;
pub use self::direction::Direction;
pub use self::section::TRANSPORT_CC;
use self::section::{Attributes, MediaLine, Reading, Rejected};
use super::codec::Codec;
use super::fingerprint::Fingerprints;

/// The protocol's longest message.
const LONGEST: usize = 64 * 1024;
/// Sections of one description; a browser in a conference of many has more, but is no guest.
const MOST_SECTIONS: usize = 16;
/// Sections of one kind: a guest offers one, a browser that once shared its screen one more. Those beyond are rejected.
const MOST_OF_A_KIND: usize = 2;
/// Candidates in one description beyond these are dropped.
const MOST_CANDIDATES: usize = 32;
/// Attributes of the session that are passed on; there are two.
const MOST_SESSION_ATTRIBUTES: usize = 8;
/// A candidate line with every extension is a third of this.
const LONGEST_CANDIDATE: usize = 512;

/// Session attributes that are passed on. ICE and DTLS attributes go into the sections.
const SESSION_ATTRIBUTES: [&str; 2] = ["extmap-allow-mixed", "msid-semantic"];

/// What a section says of its transport.
const TRANSPORT: [&str; 4] = ["ice-ufrag", "ice-pwd", "fingerprint", "setup"];

/// What is wrong with a description, in words for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(&'static str);

impl Unusable {
    /// Who answers takes nothing of what was offered.
    pub const REJECTED: Self = Self("everything is rejected");
}

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
    /// The number of its header extension for transport-wide feedback, if it has that.
    pub transport_cc: Option<u8>,
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
    /// The sections that are taken, in order.
    pub sections: Vec<Section>,
    /// Whether they share one transport.
    pub bundling: Bundling,
    /// The certificates that are named, section by section.
    pub certificates: Vec<Fingerprints>,
    /// Candidates that came inside: section index, at webrtcbin, and `candidate:…`.
    pub candidates: Vec<(u32, String)>,
    /// By their place, what is not taken.
    rejected: BTreeMap<usize, Rejected>,
}

/// A description in parts.
struct Parts<'a> {
    session: Attributes<'a>,
    sections: Vec<(MediaLine<'a>, Attributes<'a>)>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, Unusable> {
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
            return Err(Unusable("the description must have one to 16 media sections"));
        }
        let sections = raw.into_iter().map(|lines| Ok((MediaLine::of(lines)?, Attributes::of(lines))));
        Ok(Self { session, sections: sections.collect::<Result<_, _>>()? })
    }

    fn bundle(&'a self) -> Bundle<'a> {
        Bundle::of(&self.session, &self.sections)
    }
}

impl Description {
    /// Reads an offer; `can` says which codecs can be decoded here. What is not taken is nothing to webrtcbin, and
    /// [`complete`](Self::complete) rejects it.
    ///
    /// # Errors
    /// It is malformed, or nothing of it can be taken.
    pub fn offer(text: &str, can: impl Fn(Codec) -> bool) -> Result<Self, Unusable> {
        let parts = Parts::of(text)?;
        let bundle = parts.bundle();
        let (mut taken, mut rejected) = (Vec::new(), BTreeMap::new());
        for (place, (line, attributes)) in parts.sections.iter().enumerate() {
            let read = Reading::of(line, attributes, &bundle, &can)?;
            match read {
                Ok(section) if count(&taken, section.section.kind) == MOST_OF_A_KIND => {
                    let why = Unusable("more than two sections of one kind");
                    rejected.insert(place, Rejected::of(line, attributes, why));
                }
                Ok(section) => taken.push(section),
                Err(why) => drop(rejected.insert(place, Rejected::of(line, attributes, why))),
            }
        }
        all_differ(&taken)?;
        if let (true, Some(first)) = (taken.is_empty(), rejected.values().next()) {
            return Err(first.why);
        }
        let mut sdp = head(&parts.session, bundle.bundling(), taken.iter().map(|s| s.section.mid.as_str()));
        taken.iter().for_each(|section| section.write(&mut sdp));
        let candidates = candidates((0u32..).zip(&taken));
        Ok(Self::whole(sdp, bundle.bundling(), taken, rejected, candidates))
    }

    /// Reads the answer to what was `offered` here. What it rejects is there for webrtcbin, and nothing goes over it.
    ///
    /// # Errors
    /// It is malformed, or answers something else, or rejects everything.
    pub fn answer(text: &str, offered: &str) -> Result<Self, Unusable> {
        let ours = Parts::of(offered)?;
        let parts = Parts::of(text)?;
        let bundle = parts.bundle();
        let another = Unusable("the answer is to another offer");
        if parts.sections.len() != ours.sections.len() {
            return Err(another);
        }
        let (mut taken, mut rejected) = (BTreeMap::new(), BTreeMap::new());
        for (place, ((line, attributes), (our_line, our_attributes))) in
            parts.sections.iter().zip(&ours.sections).enumerate()
        {
            if line.kind != our_line.kind {
                return Err(another);
            }
            match Reading::of(line, attributes, &bundle, |_| true)? {
                Ok(section) if our_attributes.get("mid") != Some(&section.section.mid) => {
                    return Err(another);
                }
                // Where all was offered over one transport, another is not listened at.
                Ok(_) if bundle.bundling() == Bundling::Separate && !taken.is_empty() => {
                    let why = Unusable("the answer does not bundle what was offered as a bundle");
                    rejected.insert(place, Rejected::of(line, attributes, why));
                }
                Ok(mut section) => {
                    section.keep_within(Direction::of(our_attributes, &ours.session));
                    taken.insert(place, section);
                }
                Err(why) => drop(rejected.insert(place, Rejected::of(line, attributes, why))),
            }
        }
        let (Some(transport), mids) = (taken.values().next(), mids(&ours)) else {
            return Err(Unusable::REJECTED);
        };
        let mut sdp = head(&parts.session, Bundling::Bundled, mids);
        for (place, (line, attributes)) in ours.sections.iter().enumerate() {
            match taken.get(&place) {
                Some(section) => section.write(&mut sdp),
                None => transport.write_inactive(line, attributes, &mut sdp),
            }
        }
        let places =
            taken.iter().map(|(place, section)| (u32::try_from(*place).unwrap_or(u32::MAX), section));
        let candidates = candidates(places);
        let taken = taken.into_values().collect();
        Ok(Self::whole(sdp, Bundling::Bundled, taken, rejected, candidates))
    }

    fn whole(
        mut sdp: Vec<String>,
        bundling: Bundling,
        taken: Vec<Reading>,
        rejected: BTreeMap<usize, Rejected>,
        candidates: Vec<(u32, String)>,
    ) -> Self {
        sdp.push(String::new());
        Self {
            sdp: sdp.join("\r\n"),
            bundling,
            candidates,
            certificates: taken.iter().map(|s| s.fingerprints.clone()).collect(),
            sections: taken.into_iter().map(|s| s.section).collect(),
            rejected,
        }
    }

    /// The section of a kind that counts: the first that its author sends, or else the first.
    pub fn first(&self, kind: Kind) -> Option<&Section> {
        self.first_sent(kind).or_else(|| self.sections.iter().find(|section| section.kind == kind))
    }

    /// The first section of a kind that comes from who wrote this.
    pub fn first_sent(&self, kind: Kind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind && section.direction.sends())
    }

    /// The first section of a kind that who wrote this receives.
    pub fn first_received(&self, kind: Kind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind && section.direction.receives())
    }

    /// Of an offer: the index, at webrtcbin, of the section that a candidate names, by mid or by index.
    pub fn section_of(&self, mid: Option<&str>, index: Option<u32>) -> Option<u32> {
        let by_mid = mid.and_then(|mid| self.sections.iter().position(|s| s.mid == mid));
        let by_place = || {
            let place = usize::try_from(index?).ok()?;
            let before = self.rejected.range(..place).count();
            (!self.rejected.contains_key(&place)).then_some(place - before)
        };
        let at = by_mid.or_else(by_place).filter(|at| *at < self.sections.len())?;
        u32::try_from(at).ok()
    }

    /// Of an offer: where the section stands that is this one at webrtcbin.
    pub fn place_of(&self, at: u32) -> Option<u32> {
        let mut places =
            (0..self.sections.len() + self.rejected.len()).filter(|place| !self.rejected.contains_key(place));
        u32::try_from(places.nth(usize::try_from(at).ok()?)?).ok()
    }

    /// webrtcbin's answer to this offer, with what is rejected in its place.
    pub fn complete(&self, answer: &str) -> String {
        let starts = answer.match_indices("m=").map(|(at, _)| at);
        let mut cuts: Vec<usize> =
            starts.filter(|at| answer[..*at].ends_with('\n')).chain([answer.len()]).collect();
        cuts.dedup();
        let mut whole = answer[..cuts[0]].to_owned();
        // No way leads to what is rejected, but webrtcbin at the other end reads no section without one.
        let transport = |line: &&str| TRANSPORT.iter().any(|name| line.starts_with(&format!("a={name}:")));
        let first = cuts.get(1).map_or("", |end| &answer[cuts[0]..*end]);
        let transport: String = first.lines().filter(transport).map(|line| format!("{line}\r\n")).collect();
        let mut own = cuts.windows(2).map(|cut| &answer[cut[0]..cut[1]]);
        for place in 0..self.sections.len() + self.rejected.len() {
            match self.rejected.get(&place) {
                Some(rejected) => whole.extend([rejected.lines.as_str(), &transport]),
                None => whole.extend(own.next()),
            }
        }
        whole
    }
}

/// `line` as a candidate that can be handed to ICE: `candidate:` and the fields of RFC 8839, with an address that is a number.
/// Names (mDNS) are not looked up. ICE asks whatever address it is given, so it gets those of UDP that one host can have, for RTP with
/// RTCP beside it.
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
        && *component == "1"
        && transport.eq_ignore_ascii_case("udp")
        && priority.parse::<u32>().is_ok()
        && address.parse::<IpAddr>().is_ok_and(is_of_one_host)
        && port.parse::<NonZeroU16>().is_ok()
        && *typ == "typ"
        && matches!(*kind, "host" | "srflx" | "prflx" | "relay");
    good.then_some(line)
}

fn is_of_one_host(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let everybody = IpAddr::V4(Ipv4Addr::BROADCAST);
    !address.is_multicast() && !address.is_unspecified() && address != everybody
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

fn candidates<'a, 'b: 'a>(sections: impl Iterator<Item = (u32, &'a Reading<'b>)>) -> Vec<(u32, String)> {
    let all = sections.flat_map(|(at, section)| section.candidates.iter().map(move |c| (at, c.clone())));
    all.take(MOST_CANDIDATES).collect()
}

fn count(taken: &[Reading], kind: Kind) -> usize {
    taken.iter().filter(|section| section.section.kind == kind).count()
}

fn mids<'a>(parts: &'a Parts<'a>) -> impl Iterator<Item = &'a str> {
    parts.sections.iter().filter_map(|(_, attributes)| attributes.get("mid"))
}

fn all_differ(taken: &[Reading]) -> Result<(), Unusable> {
    let mids: BTreeSet<&str> = taken.iter().map(|section| section.section.mid.as_str()).collect();
    if mids.len() < taken.len() { Err(Unusable("two media sections have one mid")) } else { Ok(()) }
}

fn head<'a>(session: &Attributes, bundling: Bundling, mids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut out: Vec<String> = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"].map(str::to_owned).to_vec();
    if bundling == Bundling::Bundled {
        out.push(format!("a=group:BUNDLE {}", mids.collect::<Vec<_>>().join(" ")));
    }
    let passed = session.0.iter().filter(|(name, _)| SESSION_ATTRIBUTES.contains(name));
    for (name, value) in passed.take(MOST_SESSION_ATTRIBUTES) {
        out.push(if value.is_empty() { format!("a={name}") } else { format!("a={name}:{value}") });
    }
    out
}

#[cfg(test)]
mod tests;
