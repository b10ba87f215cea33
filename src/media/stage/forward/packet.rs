//! A packet of the guest's as a viewer gets it (RFC 3550). Pure.
//!
//! Payload type and SSRC are those of the viewers' offers. Header extensions and contributing sources are left out: they were agreed on with the
//! guest, and mean something else to a viewer, or say something about the guest's network. Numbers, times, the marker and the payload stay.

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
    fn any_bytes_are_read_to_an_end() {
        for length in 0..=PLAIN.len() {
            for first in 0..=255 {
                let mut packet = PLAIN[..length].to_vec();
                if let Some(byte) = packet.first_mut() {
                    *byte = first;
                }
                if let Some(out) = readdressed(&packet, 96, 1) {
                    assert!(out.len() >= HEADER && out.len() <= packet.len());
                }
            }
        }
        assert_eq!(readdressed(&[0x40; 20], 96, 1), None, "version 1");
    }
}
