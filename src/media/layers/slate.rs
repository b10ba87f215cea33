//! The painted slate, packed: some kilobytes that can wait for months, instead of megabytes.

use gstreamer as gst;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_slice_iter_to_slice;

/// How hard it is packed, of 10: most of a slate is one colour, which the least finds.
const LEVEL: u8 = 1;

/// A picture in I420, packed.
#[derive(Debug)]
pub struct Slate {
    packed: Vec<u8>,
    bytes: usize,
}

impl Slate {
    /// `None`: the picture cannot be read.
    pub(super) fn pack(picture: &gst::BufferRef) -> Option<Self> {
        let picture = picture.map_readable().ok()?;
        Some(Self { packed: compress_to_vec(&picture, LEVEL), bytes: picture.len() })
    }

    /// The picture, to be sent as it is; takes milliseconds. `None`: there is no memory for it.
    pub fn picture(&self) -> Option<gst::Buffer> {
        let mut picture = gst::Buffer::with_size(self.bytes).ok()?;
        {
            let mut room = picture.get_mut()?.map_writable().ok()?;
            decompress_slice_iter_to_slice(&mut room, std::iter::once(&*self.packed), false, true).ok()?;
        }
        Some(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_as_it_was_and_took_less() {
        gst::init().expect("GStreamer starts");
        let picture: Vec<u8> =
            (0..1_382_400u32).map(|at| if at % 1280 < 900 { 52 } else { at.to_le_bytes()[1] }).collect();
        let slate = Slate::pack(&gst::Buffer::from_slice(picture.clone())).expect("readable");
        assert!(slate.packed.len() * 4 < picture.len(), "{}", slate.packed.len());
        let out = slate.picture().expect("memory").into_mapped_buffer_readable().expect("readable");
        assert!(*out == *picture);
    }
}
