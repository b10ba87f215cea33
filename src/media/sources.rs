//! The sources that packets name (RFC 3550), counted before anything keeps a state for each: SRTP has a stream for every SSRC, read
//! before the packet is known to be authentic, and an RTP session has one for every SSRC, every CSRC and every chunk of SDES. Pure.
//!
//! Invariant: of one transport no more than [`MOST`] are ever named to what is behind it; a packet that names one more is not for it.

use std::collections::BTreeSet;

/// A peer has two streams, and as many for what is sent again; a server that mixes or forwards a room names more.
const MOST: usize = 64;

/// What was named so far.
#[derive(Debug, Default)]
pub struct Sources(BTreeSet<u32>);

impl Sources {
    /// Whether all of these are known, or there is room for them. If not, none is remembered.
    fn admits(&mut self, named: impl Iterator<Item = u32>) -> bool {
        let new: BTreeSet<u32> = named.filter(|source| !self.0.contains(source)).take(MOST + 1).collect();
        if self.0.len() + new.len() > MOST {
            return false;
        }
        self.0.extend(new);
        true
    }

    /// Whether a packet of SRTP or SRTCP may pass, by what is legible of it; what is no packet of either passes.
    pub fn admit_protected(&mut self, packet: &[u8]) -> bool {
        match packet {
            // RFC 7983: what begins otherwise is neither.
            [first, ..] if !(128..192).contains(first) => true,
            // RFC 5761, section 4: these are types of RTCP.
            [_, 192..=223, ..] => word(packet, 4).is_some_and(|source| self.admits(std::iter::once(source))),
            [first, ..] => {
                let contributing = usize::from(first & 0x0f);
                // The last one is there when the head is whole.
                word(packet, 8 + 4 * contributing).is_some()
                    && self.admits((0..=contributing).filter_map(|at| word(packet, 8 + 4 * at)))
            }
            [] => false,
        }
    }

    /// Whether decrypted RTCP may pass. What is wrong behind its first packets is for its reader to find.
    pub fn admit_reports(&mut self, compound: &[u8]) -> bool {
        let mut named = Vec::new();
        let mut rest = compound;
        while let [first, kind, high, low, ..] = *rest {
            let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
            let Some((packet, behind)) = rest.split_at_checked(length) else { break };
            match kind {
                // SDES: chunks of a source and its items.
                202 => named.extend(chunks(&packet[4..], first & 0x1f)),
                // BYE: a list of sources.
                203 => named.extend((0..usize::from(first & 0x1f)).filter_map(|at| word(packet, 4 + 4 * at))),
                _ => named.extend(word(packet, 4)),
            }
            rest = behind;
        }
        self.admits(named.into_iter())
    }
}

fn word(packet: &[u8], at: usize) -> Option<u32> {
    let bytes = packet.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

/// The sources of the chunks of an SDES packet (RFC 3550, section 6.5).
fn chunks(mut rest: &[u8], count: u8) -> Vec<u32> {
    let mut sources = Vec::new();
    for _ in 0..count {
        let Some(source) = word(rest, 0) else { break };
        sources.push(source);
        let mut at = 4;
        while let Some([kind, length]) = rest.get(at..at + 2)
            && *kind != 0
        {
            at += 2 + usize::from(*length);
        }
        // Items end with a null octet, and the chunk on the next 32-bit boundary.
        rest = rest.get((at / 4 + 1) * 4..).unwrap_or_default();
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtp(source: u32, contributing: &[u32]) -> Vec<u8> {
        let mut packet = vec![0x80 | u8::try_from(contributing.len()).expect("few"), 96, 0, 1, 0, 0, 0, 0];
        packet.extend(source.to_be_bytes());
        packet.extend(contributing.iter().flat_map(|source| source.to_be_bytes()));
        packet.extend([0; 20]);
        packet
    }

    fn report(source: u32) -> Vec<u8> {
        [[0x80, 201, 0, 1].as_slice(), &source.to_be_bytes()].concat()
    }

    fn described(sources: &[u32]) -> Vec<u8> {
        let chunk =
            |source: &u32| [source.to_be_bytes().as_slice(), &[1, 3, b'a', b'b', b'c', 0, 0, 0]].concat();
        let chunks: Vec<u8> = sources.iter().flat_map(chunk).collect();
        let length = u16::try_from(chunks.len() / 4).expect("short").to_be_bytes();
        let first = 0x80 | u8::try_from(sources.len()).expect("few");
        [[first, 202, length[0], length[1]].as_slice(), &chunks].concat()
    }

    #[test]
    fn a_call_of_the_usual_kind_passes_whole() {
        let mut sources = Sources::default();
        for _ in 0..1_000 {
            for source in 1..=6 {
                assert!(sources.admit_protected(&rtp(source, &[])));
                assert!(sources.admit_protected(&report(source)));
            }
            assert!(sources.admit_reports(&[report(1), described(&[1, 2])].concat()));
            // DTLS, STUN, TURN's channels.
            assert!([[22, 1], [0, 1], [64, 0]].iter().all(|packet| sources.admit_protected(packet)));
        }
        assert_eq!(sources.0.len(), 6);
    }

    #[test]
    fn who_names_ever_new_sources_is_heard_no_more_and_those_before_are() {
        let new = |name: fn(u32) -> Vec<u8>| (100..1_100).map(name).collect::<Vec<_>>();
        for packets in [
            new(|source| rtp(source, &[])),
            new(report),
            new(|source| rtp(1, &[source])),
            new(|source| rtp(1, &(0..15).map(|at| 10_000 + source * 15 + at).collect::<Vec<_>>())),
        ] {
            let mut sources = Sources::default();
            assert!(sources.admit_protected(&rtp(1, &[])));
            let passed = packets.iter().filter(|packet| sources.admit_protected(packet)).count();
            assert!(passed < MOST && sources.0.len() <= MOST, "{passed}");
            assert!(sources.admit_protected(&rtp(1, &[])), "what was there goes on");
        }
        for compound in [described(&(0..31).collect::<Vec<_>>()), {
            let mut bye = vec![0x80 | 31, 203, 0, 31];
            bye.extend((1_000..1_031_u32).flat_map(u32::to_be_bytes));
            bye
        }] {
            let mut sources = Sources::default();
            sources.admit_protected(&rtp(1_000_000, &[]));
            assert!(sources.admit_reports(&compound));
            assert_eq!(sources.0.len(), 32, "all of them are read");
        }
    }

    #[test]
    fn any_bytes_are_read_to_an_end() {
        for length in 0..64 {
            for seed in 0..=255_u8 {
                let packet: Vec<u8> =
                    (0..length).map(|at: u8| seed.wrapping_mul(at).wrapping_add(seed)).collect();
                let mut sources = Sources::default();
                sources.admit_protected(&packet);
                sources.admit_reports(&packet);
            }
        }
        assert!(!Sources::default().admit_protected(&[0x8f, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "cut off");
    }
}
