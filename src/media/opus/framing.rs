//! Whether a packet is one of Opus, by its framing (RFC 6716, section 3, R1 to R7). Pure.
//!
//! libopus refuses what is not, and `opusdec` of GStreamer 1.22 loses memory with each refusal.

/// Longest frame, in bytes (R2).
const LONGEST_FRAME: usize = 1_275;
/// Longest packet, in steps of 2.5 ms: 120 ms (R5).
const LONGEST_PACKET: usize = 48;

/// Whether libopus takes it apart.
pub fn is_well_formed(packet: &[u8]) -> bool {
    let Some((head, rest)) = packet.split_first() else { return false };
    let fits = match head & 3 {
        0 => Some(rest.len() <= LONGEST_FRAME),
        1 => Some(rest.len().is_multiple_of(2) && rest.len() / 2 <= LONGEST_FRAME),
        2 => length(rest)
            .map(|(first, rest)| rest.len().checked_sub(first).is_some_and(|last| last <= LONGEST_FRAME)),
        _ => many(rest, duration(*head)),
    };
    fits == Some(true)
}

/// Of one frame, in steps of 2.5 ms (table 2).
fn duration(head: u8) -> usize {
    let configuration = head >> 3;
    match configuration {
        0..=11 => [4, 8, 16, 24][usize::from(configuration % 4)],
        12..=15 => [4, 8][usize::from(configuration % 2)],
        _ => [1, 2, 4, 8][usize::from(configuration % 4)],
    }
}

/// A frame's length and what is behind it (section 3.2.1).
fn length(packet: &[u8]) -> Option<(usize, &[u8])> {
    match packet {
        [short @ 0..=251, rest @ ..] => Some((usize::from(*short), rest)),
        [low, high, rest @ ..] => Some((usize::from(*high) * 4 + usize::from(*low), rest)),
        _ => None,
    }
}

/// Any number of frames (section 3.2.5), each of this duration.
fn many(packet: &[u8], duration: usize) -> Option<bool> {
    let (&says, mut rest) = packet.split_first()?;
    let frames = usize::from(says & 0x3f);
    if frames == 0 || frames * duration > LONGEST_PACKET {
        return Some(false);
    }
    if says & 0x40 != 0 {
        let mut padding = 0;
        loop {
            let (&more, behind) = rest.split_first()?;
            rest = behind;
            padding += usize::from(more.min(254));
            if more != 255 {
                break;
            }
        }
        rest = rest.get(..rest.len().checked_sub(padding)?)?;
    }
    if says & 0x80 == 0 {
        return Some(rest.len().is_multiple_of(frames) && rest.len() / frames <= LONGEST_FRAME);
    }
    let mut before = 0;
    for _ in 1..frames {
        let (length, behind) = length(rest)?;
        before += length;
        rest = behind;
    }
    Some(rest.len().checked_sub(before)? <= LONGEST_FRAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(head: &[u8], bytes: usize) -> Vec<u8> {
        [head, &vec![0; bytes]].concat()
    }

    /// 20 ms of CELT, full band.
    const CELT: u8 = 31 << 3;
    /// 60 ms of SILK.
    const SILK: u8 = 3 << 3;

    #[test]
    fn what_encoders_make_is_well_formed() {
        for good in [
            packet(&[CELT], 0),
            packet(&[CELT], LONGEST_FRAME),
            packet(&[CELT | 1], 160),
            packet(&[CELT | 2, 80], 81),
            packet(&[CELT | 2, 252, 1], 256 + 3),
            // Six frames of 20 ms, of one size; two of 60 ms.
            packet(&[CELT | 3, 6], 60),
            packet(&[SILK | 3, 2], 60),
            // Three of different sizes, with 4 bytes of padding.
            packet(&[CELT | 3, 0xc0 | 3, 4, 10, 20], 30 + 5 + 4),
            // Padding of 254 and 1.
            packet(&[CELT | 3, 0x40 | 1, 255, 1], 20 + 255),
        ] {
            assert!(is_well_formed(&good), "{:?}", &good[..4.min(good.len())]);
        }
    }

    #[test]
    fn what_libopus_would_refuse_is_not() {
        for bad in [
            vec![],
            packet(&[CELT], LONGEST_FRAME + 1),
            packet(&[CELT | 1], 161),
            packet(&[CELT | 1], 2 * LONGEST_FRAME + 2),
            vec![CELT | 2],
            packet(&[CELT | 2, 80], 79),
            vec![CELT | 2, 252],
            vec![CELT | 3],
            packet(&[CELT | 3, 0], 10),
            // 140 ms, 180 ms.
            packet(&[CELT | 3, 7], 70),
            packet(&[SILK | 3, 3], 60),
            packet(&[CELT | 3, 2], 61),
            packet(&[CELT | 3, 0x80 | 2, 20], 19),
            packet(&[CELT | 3, 0x40 | 1, 20], 19),
            packet(&[CELT | 3, 0x40 | 1, 255], 0),
        ] {
            assert!(!is_well_formed(&bad), "{:?}", &bad[..4.min(bad.len())]);
        }
    }
}
