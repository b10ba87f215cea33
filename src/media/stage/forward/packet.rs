//! A packet of the guest's as a viewer gets it (RFC 3550). Pure.
//!
//! Payload type and SSRC are those of the viewers' offers. Header extensions and contributing sources are left out: they were agreed on with the
//! guest, and mean something else to a viewer, or say something about the guest's network. Numbers, times, the marker and the payload stay.

use crate::media::codec::Codec;

/// Without contributing sources and extensions.
const HEADER: usize = 12;

/// The packet with this payload type and SSRC; `None`: it is none of RTP.
pub fn readdressed(packet: &[u8], payload: u8, ssrc: u32) -> Option<Vec<u8>> {
    let [first, second, ..] = *packet else { return None };
    if first >> 6 != 2 {
        return None;
    }
    let mut start = HEADER + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(start + 2..)?.first_chunk::<2>()?;
        start += 4 + 4 * usize::from(u16::from_be_bytes(*words));
    }
    let payload_bytes = packet.get(start..)?;
    let mut out = Vec::with_capacity(HEADER + payload_bytes.len());
    // Version and padding; the padding stands at the end of the payload.
    out.push(first & 0xe0);
    out.push(second & 0x80 | payload & 0x7f);
    out.extend(&packet[2..8]);
    out.extend(ssrc.to_be_bytes());
    out.extend(payload_bytes);
    Some(out)
}

/// Whether a key frame begins in this packet, which [`readdressed`] made: a parameter set or a slice of one in H.264 (RFC 6184), a
/// frame's first bytes in VP8 (RFC 7741).
pub fn begins_key_frame(codec: Codec, packet: &[u8]) -> bool {
    let payload = packet.get(HEADER..).unwrap_or_default();
    match codec {
        Codec::Opus => false,
        Codec::H264 => h264_key_frame(payload),
        Codec::Vp8 => vp8_key_frame(payload).unwrap_or(false),
    }
}

fn h264_key_frame(payload: &[u8]) -> bool {
    const SLICE: u8 = 5;
    const SEQUENCE_PARAMETERS: u8 = 7;
    const AGGREGATE: u8 = 24;
    const FRAGMENT: u8 = 28;
    let is_key = |unit: u8| matches!(unit & 0x1f, SLICE | SEQUENCE_PARAMETERS);
    match payload {
        [first, units @ ..] if first & 0x1f == AGGREGATE => {
            let mut rest = units;
            while let [high, low, unit @ ..] = rest {
                if unit.first().is_some_and(|unit| is_key(*unit)) {
                    return true;
                }
                rest = unit.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
            }
            false
        }
        [first, header, ..] if first & 0x1f == FRAGMENT => header & 0x80 != 0 && is_key(*header),
        [first, ..] => is_key(*first),
        [] => false,
    }
}

fn vp8_key_frame(payload: &[u8]) -> Option<bool> {
    let first = *payload.first()?;
    // The start of the first partition.
    if first & 0x17 != 0x10 {
        return Some(false);
    }
    let mut at = 1;
    if first & 0x80 != 0 {
        let extension = *payload.get(at)?;
        at += 1;
        if extension & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extension & 0x40 != 0) + usize::from(extension & 0x30 != 0);
    }
    Some(payload.get(at)? & 1 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: [u8; 14] = [0x80, 0xe0, 0x12, 0x34, 1, 2, 3, 4, 9, 9, 9, 9, 0xaa, 0xbb];

    #[test]
    fn what_is_the_guests_own_is_left_out_and_the_rest_stays() {
        let plain = readdressed(&PLAIN, 111, 7).expect("a packet");
        assert_eq!(plain, [0x80, 0xef, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 7, 0xaa, 0xbb]);
        let mut full = PLAIN[..12].to_vec();
        full[0] = 0xb2;
        full.extend([1, 1, 1, 1, 2, 2, 2, 2]);
        full.extend([0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0]);
        full.extend([0xaa, 0xbb, 0, 2]);
        let bare = readdressed(&full, 111, 7).expect("a packet");
        assert_eq!(bare[0], 0xa0, "it is still padded");
        assert_eq!(bare[1..12], plain[1..12]);
        assert_eq!(bare[12..], [0xaa, 0xbb, 0, 2]);
    }

    #[test]
    fn a_key_frame_is_known_by_its_first_packet() {
        let begins = |codec, payload: &[u8]| begins_key_frame(codec, &[&PLAIN[..12], payload].concat());
        for (payload, key) in [
            (&[0x65, 1][..], true),
            (&[0x67, 1], true),
            (&[0x41, 1], false),
            (&[0x7c, 0x85, 1], true),
            (&[0x7c, 0x05, 1], false),
            (&[0x7c, 0x81, 1], false),
            (&[0x78, 0, 1, 0x67, 0, 1, 0x68], true),
            (&[0x78, 0, 1, 0x41, 0, 2, 0x65, 1], true),
            (&[0x78, 0, 9, 0x41], false),
            (&[], false),
        ] {
            assert_eq!(begins(Codec::H264, payload), key, "{payload:x?}");
        }
        for (payload, key) in [
            (&[0x10, 0x00][..], true),
            (&[0x10, 0x01], false),
            (&[0x00, 0x00], false),
            (&[0x11, 0x00], false),
            (&[0x90, 0x80, 0x7f, 0x00], true),
            (&[0x90, 0x80, 0x80, 0x01, 0x00], true),
            (&[0x90, 0xe0, 0x80, 0x01, 9, 9, 0x01], false),
            (&[0x90, 0xe0, 0x80], false),
        ] {
            assert_eq!(begins(Codec::Vp8, payload), key, "{payload:x?}");
        }
        assert!(!begins(Codec::Opus, &[0x65]));
    }

    #[test]
    fn any_bytes_are_read_to_an_end() {
        for length in 0..=PLAIN.len() {
            for first in 0..=255 {
                let mut packet = PLAIN[..length].to_vec();
                if let Some(byte) = packet.first_mut() {
                    *byte = first;
                }
                begins_key_frame(Codec::H264, &packet);
                begins_key_frame(Codec::Vp8, &packet);
                if let Some(out) = readdressed(&packet, 96, 1) {
                    assert!(out.len() >= HEADER && out.len() <= packet.len());
                }
            }
        }
        assert_eq!(readdressed(&[0x40; 20], 96, 1), None, "version 1");
    }
}
