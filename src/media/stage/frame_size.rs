//! The size of encoded pictures, read before a decoder sees them.
//!
//! A decoder believes what a stream says of itself: a key frame of some hundred bytes makes it take a gigabyte. So the headers are
//! read here, and what would cost more than a picture of 1080p is refused. Pure: bytes in, a verdict out. Invariant: where two
//! decoders may read a header in two ways, both readings must fit.

/// The longer side of a picture in pixels, whichever way it is turned.
const LONG_SIDE: u32 = 1920;
/// The shorter side: 1080 in whole macroblocks.
const SHORT_SIDE: u32 = 1088;
/// Macroblocks that may be kept as references: `MaxDpbMbs` of level 4.2 (ITU-T H.264, table A-1), that is 4 pictures of 1080p.
const MOST_REFERENCES: u32 = 34_816;
/// FrameSize that are there beside the references: the one being decoded, the last two that came out, and one whose memory the allocator
/// has not given back. Measured: 16 streams of 1080p in VP8 take 21 MiB each.
const BESIDE_REFERENCES: u32 = 4;

/// Why a picture is not decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It claims to be larger than 1080p.
    #[error("its pictures have {width}x{height} pixels, and at most {LONG_SIDE}x{SHORT_SIDE} are decoded")]
    TooLarge {
        /// In pixels, as encoded: cropping is not counted.
        width: u32,
        /// In pixels, as encoded.
        height: u32,
    },
    /// It wants more pictures kept than level 4.2 allows for its size.
    #[error("its pictures of {width}x{height} need {references} references, and at most {most} are kept")]
    References {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
        /// So many it asks for.
        references: u32,
        /// So many it may.
        most: u32,
    },
    /// Neither Baseline, Main, Extended nor High.
    #[error("its H.264 has the profile {0}, and Baseline, Main and High are decoded")]
    Profile(u8),
    /// More than 8 bits, or more colour than 4:2:0.
    #[error("its pictures are not 4:2:0 with 8 bits")]
    Format,
    /// A header that cannot be read.
    #[error("the header of its pictures cannot be read")]
    Unreadable,
    /// It goes on and on.
    #[error("one of its pictures has more than {} MiB", .0 >> 20)]
    Endless(usize),
}

/// Checks a size in pixels.
pub fn check_size(width: u32, height: u32) -> Result<(), Unfit> {
    let fits = width.max(height) <= LONG_SIDE && width.min(height) <= SHORT_SIDE;
    match (width, height) {
        (0, _) | (_, 0) => Err(Unfit::Unreadable),
        _ if fits => Ok(()),
        _ => Err(Unfit::TooLarge { width, height }),
    }
}

/// Bytes of a VP8 frame that [`check_vp8`] needs: the frame tag, the start code and the size (RFC 6386, section 9.1).
pub const VP8_HEADER: usize = 10;

/// Checks a VP8 frame by its first bytes; only a key frame says its size. The scaling bits are a wish to who shows it.
pub fn check_vp8(head: &[u8]) -> Result<Option<FrameSize>, Unfit> {
    match head {
        [tag, ..] if tag & 1 == 1 => Ok(None),
        [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] => {
            let side = |low: &u8, high: &u8| u32::from(u16::from_le_bytes([*low, *high]) & 0x3fff);
            let (width, height) = (side(w0, w1), side(h0, h1));
            check_size(width, height).map(|()| Some(FrameSize::vp8(width, height)))
        }
        _ => Err(Unfit::Unreadable),
    }
}

/// Checks every sequence parameter set of an H.264 byte stream (ITU-T H.264, annex B), whatever its id. Of several, what takes most memory.
pub fn check_h264(stream: &[u8]) -> Result<Option<FrameSize>, Unfit> {
    let mut largest = None;
    let mut rest = stream;
    while let Some(start) = start_code(rest) {
        rest = &rest[start + 3..];
        // 7: sequence parameter set; 15: subset sequence parameter set, which begins the same.
        if rest.first().is_some_and(|header| matches!(header & 0x1f, 7 | 15)) {
            let unit = &rest[1..start_code(rest).unwrap_or(rest.len())];
            let pictures = check_parameter_set(unit)?;
            largest = largest.into_iter().chain([pictures]).max_by_key(|pictures| pictures.memory());
        }
    }
    Ok(largest)
}

/// Where the next `00 00 01` is.
fn start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some([first, second, third]) = bytes.get(at..at + 3) {
        match (first, second, third) {
            (0, 0, 1) => return Some(at),
            (_, _, 2..) => at += 3,
            _ => at += 1,
        }
    }
    None
}

/// A decoder that cannot make sense of a parameter set tries it again with its emulation prevention bytes left in.
fn check_parameter_set(unit: &[u8]) -> Result<FrameSize, Unfit> {
    let plain = without_emulation_prevention(unit);
    let pictures = FrameSize::read(&plain)?.checked()?;
    if plain.len() == unit.len() {
        return Ok(pictures);
    }
    match FrameSize::read(unit).and_then(FrameSize::checked) {
        Ok(other) => Ok(std::cmp::max_by_key(pictures, other, |pictures| pictures.memory())),
        Err(Unfit::Unreadable) => Ok(pictures),
        Err(unfit) => Err(unfit),
    }
}

/// Every `00 00 03` is a `00 00` (ITU-T H.264, 7.3.1).
fn without_emulation_prevention(unit: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for &byte in unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

/// What the pictures of a stream are, in pixels, as far as it concerns memory; of H.264, by a sequence parameter set (ITU-T H.264, 7.3.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSize {
    width: u32,
    height: u32,
    /// Decoded pictures that are kept to decode others.
    references: u32,
}

impl FrameSize {
    /// FrameSize of this size in pixels, as VP8 has them: last, golden and alternate are kept (RFC 6386, section 9.7).
    pub const fn vp8(width: u32, height: u32) -> Self {
        Self { width, height, references: 3 }
    }

    /// Bytes that a decoder takes for them in 4:2:0, its references and [`BESIDE_REFERENCES`].
    pub const fn memory(self) -> u64 {
        let pixels = self.width.next_multiple_of(16) as u64 * self.height.next_multiple_of(16) as u64;
        pixels * 3 / 2 * (self.references + BESIDE_REFERENCES) as u64
    }

    fn read(set: &[u8]) -> Result<Self, Unfit> {
        let mut bits = Bits { bytes: set, at: 0 };
        let profile = bits.take(8).and_then(|profile| u8::try_from(profile).ok()).ok_or(Unfit::Unreadable)?;
        // Constraints and level bind nobody.
        bits.take(16).ok_or(Unfit::Unreadable)?;
        bits.exp_golomb().ok_or(Unfit::Unreadable)?;
        match profile {
            66 | 77 | 88 => {}
            100 => Self::read_high(&mut bits).ok_or(Unfit::Unreadable).and_then(|format| match format {
                (0 | 1, 0, 0) => Ok(()),
                _ => Err(Unfit::Format),
            })?,
            other => return Err(Unfit::Profile(other)),
        }
        Self::read_size(&mut bits).ok_or(Unfit::Unreadable)
    }

    /// `chroma_format_idc`, and both bit depths beyond 8.
    fn read_high(bits: &mut Bits<'_>) -> Option<(u32, u32, u32)> {
        let chroma = bits.exp_golomb()?;
        if chroma > 1 {
            return Some((chroma, 0, 0));
        }
        let depths = (bits.exp_golomb()?, bits.exp_golomb()?);
        bits.take(1)?;
        if bits.take(1)? == 1 {
            for list in 0..8 {
                if bits.take(1)? == 1 {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some((chroma, depths.0, depths.1))
    }

    fn read_size(bits: &mut Bits<'_>) -> Option<Self> {
        bits.exp_golomb()?;
        match bits.exp_golomb()? {
            0 => {
                bits.exp_golomb()?;
            }
            1 => {
                bits.take(1)?;
                bits.exp_golomb()?;
                bits.exp_golomb()?;
                for _ in 0..bits.exp_golomb().filter(|count| *count < 256)? {
                    bits.exp_golomb()?;
                }
            }
            2 => {}
            _ => return None,
        }
        let references = bits.exp_golomb()?;
        bits.take(1)?;
        let (columns, rows) = (bits.exp_golomb()?.checked_add(1)?, bits.exp_golomb()?.checked_add(1)?);
        // A picture of fields has twice the rows.
        let fields = 2 - bits.take(1)?;
        Some(Self {
            width: columns.saturating_mul(16),
            height: rows.saturating_mul(16).saturating_mul(fields),
            references,
        })
    }

    fn checked(self) -> Result<Self, Unfit> {
        let Self { width, height, references } = self;
        check_size(width, height)?;
        let most = (MOST_REFERENCES / (width / 16 * height / 16).max(1)).min(16);
        if references <= most { Ok(self) } else { Err(Unfit::References { width, height, references, most }) }
    }
}

/// `scaling_list()` (ITU-T H.264, 7.3.2.1.1.1).
fn skip_scaling_list(bits: &mut Bits<'_>, entries: usize) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..entries {
        if next != 0 {
            next = (last + bits.signed_exp_golomb()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// Bits, the highest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `count`, at most 32.
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// `ue(v)` (ITU-T H.264, 9.1).
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.take(zeros)?)
    }

    /// `se(v)`.
    fn signed_exp_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.exp_golomb()?);
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }
}

#[cfg(test)]
mod tests;
