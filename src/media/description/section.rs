//! One section of a description: read, and taken or rejected.

use std::collections::{BTreeMap, BTreeSet};

use super::bundle::Bundle;
use super::{Bundling, Direction, Kind, Section, Unusable, candidate};
use crate::media::codec::Codec;
use crate::media::fingerprint::Fingerprints;

/// The header extension that numbers packets for transport-wide feedback.
pub const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Attributes that are passed on as they are.
const PASSED_ON: [&str; 7] = ["rtcp", "rtcp-rsize", "ice-options", "ssrc", "ssrc-group", "msid", "extmap"];
/// So many of them at most; those beyond are dropped. A browser has thirty; webrtcbin looks through all it has for each.
pub(super) const MOST_ATTRIBUTES: usize = 96;
/// What is said back of a section that is not taken is no longer.
const LONGEST_WORD: usize = 64;

/// The `a=` lines of one part.
pub(super) struct Attributes<'a>(pub(super) Vec<(&'a str, &'a str)>);

impl<'a> Attributes<'a> {
    pub(super) fn of(lines: &[&'a str]) -> Self {
        let attributes = lines.iter().filter_map(|line| line.strip_prefix("a="));
        Self(attributes.map(|a| a.split_once(':').unwrap_or((a, ""))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| *value)
    }
}

/// The fields of a media line.
pub(super) struct MediaLine<'a> {
    pub(super) kind: &'a str,
    port: &'a str,
    proto: &'a str,
    formats: Vec<&'a str>,
}

impl<'a> MediaLine<'a> {
    pub(super) fn of(lines: &[&'a str]) -> Result<Self, Unusable> {
        let first = lines.first().copied().unwrap_or_default();
        let mut fields = first.trim_start_matches("m=").split(' ').filter(|field| !field.is_empty());
        let (Some(kind), Some(port), Some(proto)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(Unusable("a media line is incomplete"));
        };
        let formats: Vec<&str> = fields.collect();
        if formats.is_empty() || ![kind, proto, formats[0]].into_iter().all(is_word) {
            return Err(Unusable("a media line is incomplete"));
        }
        Ok(Self { kind, port, proto, formats })
    }

    fn kind(&self) -> Option<Kind> {
        match self.kind {
            "audio" => Some(Kind::Audio),
            "video" => Some(Kind::Video),
            _ => None,
        }
    }
}

/// A section that is not taken, by us or by who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejected {
    /// How an answer says so (RFC 3264, section 6): of its formats one is enough.
    pub(super) lines: String,
    pub(super) why: Unusable,
}

impl Rejected {
    pub(super) fn of(line: &MediaLine, attributes: &Attributes, why: Unusable) -> Self {
        let first = line.formats.first().copied().unwrap_or("0");
        let mut lines = format!("m={} 0 {} {first}\r\nc=IN IP4 0.0.0.0\r\n", line.kind, line.proto);
        if let Some(mid) = attributes.get("mid").filter(|mid| is_token(mid)) {
            lines.push_str(&format!("a=mid:{mid}\r\n"));
        }
        lines.push_str("a=inactive\r\n");
        Self { lines, why }
    }
}

/// One section, read.
pub(super) struct Reading<'a> {
    pub(super) section: Section,
    pub(super) fingerprints: Fingerprints,
    pub(super) candidates: Vec<String>,
    payloads: Vec<&'a str>,
    attributes: &'a Attributes<'a>,
    ufrag: &'a str,
    password: &'a str,
    setup: &'a str,
}

impl<'a> Reading<'a> {
    /// Reads a section; what is not taken costs that section only, and the inner error says why. What is malformed costs all.
    pub(super) fn of(
        line: &MediaLine<'a>,
        attributes: &'a Attributes<'a>,
        bundle: &Bundle<'a>,
        can: impl Fn(Codec) -> bool,
    ) -> Result<Result<Self, Unusable>, Unusable> {
        let (kind, codec, payload, payloads) = match taken(line, attributes, bundle, can) {
            Ok(taken) => taken,
            Err(why) => return Ok(Err(why)),
        };
        let mid =
            attributes.get("mid").filter(|mid| is_token(mid)).ok_or(Unusable("a section has no mid"))?;
        let transport = |name| bundle.transport(attributes, name).get(name);
        if transport("rtcp-mux").is_none() {
            return Err(Unusable("a section has no rtcp-mux"));
        }
        let ice = |name: &'static str, least: usize| {
            transport(name).filter(|value| (least..=256).contains(&value.len()) && value.chars().all(is_ice))
        };
        let direction = Direction::of(attributes, bundle.session());
        Ok(Ok(Self {
            section: Section {
                kind,
                mid: mid.to_owned(),
                codec,
                payload,
                direction,
                transport_cc: transport_cc(attributes),
            },
            payloads,
            ufrag: ice("ice-ufrag", 4).ok_or(Unusable("a section has no ice-ufrag"))?,
            password: ice("ice-pwd", 22).ok_or(Unusable("a section has no ice-pwd"))?,
            fingerprints: certificates(bundle.transport(attributes, "fingerprint"))?,
            setup: transport("setup")
                .filter(|value| matches!(*value, "actpass" | "active" | "passive"))
                .ok_or(Unusable("a section has no setup"))?,
            candidates: attributes
                .all("candidate")
                .filter_map(|value| candidate(&format!("candidate:{value}")).map(str::to_owned))
                .collect(),
            attributes,
        }))
    }

    /// Goes only the ways that were offered.
    pub(super) fn keep_within(&mut self, offered: Direction) {
        self.section.direction = self.section.direction.within(offered);
    }

    pub(super) fn write(&self, out: &mut Vec<String>) {
        let kind = match self.section.kind {
            Kind::Audio => "audio",
            Kind::Video => "video",
        };
        self.write_head(kind, &self.payloads, &self.section.mid, self.section.direction, out);
        let (mut named, mut left) = (BTreeSet::new(), MOST_ATTRIBUTES);
        for (name, value) in &self.attributes.0 {
            let kept = match *name {
                "rtpmap" | "fmtp" | "rtcp-fb" => is_of(value, &self.payloads),
                "extmap" => is_extension(value),
                "ssrc" => value.split(' ').next().is_some_and(|ssrc| ssrc.parse::<u32>().is_ok()),
                other => PASSED_ON.contains(&other),
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

    /// A section that was offered and rejected, as webrtcbin understands it: nothing goes over it, and its transport is this one's.
    pub(super) fn write_inactive(&self, line: &MediaLine, offered: &Attributes, out: &mut Vec<String>) {
        let mid = offered.get("mid").unwrap_or_default();
        self.write_head(line.kind, &line.formats, mid, Direction::Inactive, out);
        for (name, value) in offered.0.iter().filter(|(name, _)| matches!(*name, "rtpmap" | "fmtp")) {
            out.push(format!("a={name}:{value}"));
        }
    }

    fn write_head(
        &self,
        kind: &str,
        payloads: &[&str],
        mid: &str,
        direction: Direction,
        out: &mut Vec<String>,
    ) {
        out.push(format!("m={kind} 9 UDP/TLS/RTP/SAVPF {}", payloads.join(" ")));
        out.push("c=IN IP4 0.0.0.0".to_owned());
        out.push(format!("a=mid:{mid}"));
        out.push("a=rtcp-mux".to_owned());
        out.push(format!("a=ice-ufrag:{}", self.ufrag));
        out.push(format!("a=ice-pwd:{}", self.password));
        // webrtcbin wants one, and compares nothing with it.
        out.extend(self.fingerprints.first().map(|print| format!("a=fingerprint:{print}")));
        out.push(format!("a=setup:{}", self.setup));
        out.push(format!("a={}", direction.as_str()));
    }
}

/// What is taken of a section, or why it is not.
fn taken<'a>(
    line: &MediaLine<'a>,
    attributes: &Attributes<'a>,
    bundle: &Bundle,
    can: impl Fn(Codec) -> bool,
) -> Result<(Kind, Codec, u8, Vec<&'a str>), Unusable> {
    let kind = line.kind().ok_or(Unusable("only audio and video sections are taken"))?;
    if !line.proto.ends_with("RTP/SAVPF") {
        return Err(Unusable("a media line is not for RTP over DTLS"));
    }
    let bundled = bundle.has(attributes);
    // Without a port of its own a section of a bundle is not rejected, but has no other transport.
    let bundle_only = bundled && attributes.get("bundle-only").is_some();
    if !bundle_only && !line.port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Err(Unusable::REJECTED);
    }
    if !bundled && bundle.bundling() == Bundling::Bundled {
        return Err(Unusable("a section is outside of the bundle"));
    }
    let (codec, payload, payloads) =
        choose(attributes, &line.formats, kind, can).ok_or(Unusable("no codec in common"))?;
    Ok((kind, codec, payload, payloads))
}

fn is_of(value: &str, payloads: &[&str]) -> bool {
    value.split([' ', '*']).next().is_some_and(|first| payloads.contains(&first))
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

/// What a part names (RFC 8122, section 5).
fn certificates(part: &Attributes) -> Result<Fingerprints, Unusable> {
    let named = Fingerprints::read(part.all("fingerprint"));
    if named.first().is_none() {
        return Err(Unusable("a section has no fingerprint by SHA-256, SHA-384 or SHA-512"));
    }
    Ok(named)
}

/// A word of a media line that may be said back.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+".contains(c))
}

fn is_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

fn is_ice(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+' || c == '/'
}

/// The number that transport-wide feedback has in this section.
fn transport_cc(attributes: &Attributes) -> Option<u8> {
    let extensions = attributes.all("extmap").filter(|value| is_extension(value));
    let (id, _) =
        extensions.filter_map(|value| value.split_once(' ')).find(|(_, uri)| *uri == TRANSPORT_CC)?;
    id.split('/').next()?.parse().ok()
}

/// `1-14[/direction] URI`, and nothing webrtcbin would have to interpret.
fn is_extension(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(id, uri)| {
        let id = id.split('/').next().unwrap_or_default();
        id.parse::<u8>().is_ok_and(|id| (1..=14).contains(&id)) && !uri.contains(' ')
    })
}
