//! The questions of V4L2, asked of one open node.
//!
//! The `v4l` crate gives the node and the numbers of the questions. Its own ways to ask panic on text that is no UTF-8, on types of
//! controls it does not know and on menus with gaps, and go on for as long as a driver answers: a camera may do all of that. So here
//! bytes are read as far as they are text, unknown things are left out, and every list has an end.
//!
//! Not here: what the answers mean (`camera`, `formats`, `controls`), and capturing (`media`).

#![expect(unsafe_code, reason = "ioctls that fill plain C structs, and the unions in them")]

use std::io;
use std::mem;
use std::path::Path;

use v4l::v4l_sys::{
    v4l2_capability, v4l2_ext_control, v4l2_ext_controls, v4l2_fmtdesc, v4l2_frmivalenum, v4l2_frmsizeenum,
    v4l2_query_ext_ctrl, v4l2_querymenu,
};
use v4l::v4l2::vidioc;

use crate::model::capture::Rate;

/// Most entries of any list that a driver is asked for; vivid, with 83 formats, has the longest seen.
const MOST: u32 = 256;
/// `V4L2_BUF_TYPE_VIDEO_CAPTURE` of videodev2.h.
const CAPTURE: u32 = 1;
/// `V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE`.
const CAPTURE_MPLANE: u32 = 9;
/// `V4L2_FRMSIZE_TYPE_DISCRETE` and `V4L2_FRMIVAL_TYPE_DISCRETE`.
const DISCRETE: u32 = 1;
/// `V4L2_CTRL_FLAG_NEXT_CTRL`: the one after this.
const NEXT: u32 = 0x8000_0000;

/// An open node. Opening one does not start its camera.
pub(super) struct Node(v4l::Device);

/// A size of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Exactly(u32, u32),
    /// Everything from the least to the most, in steps.
    Range {
        least: (u32, u32),
        most: (u32, u32),
        step: (u32, u32),
    },
}

/// A rate of a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rates {
    Exactly(Rate),
    Range { slowest: Rate, fastest: Rate },
}

/// A control, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawControl {
    pub(super) id: u32,
    pub(super) kind: u32,
    pub(super) name: String,
    pub(super) minimum: i64,
    pub(super) maximum: i64,
    pub(super) step: u64,
    pub(super) default: i64,
    pub(super) flags: u32,
}

/// A C struct that a driver fills.
///
/// # Safety
/// It must be the struct that the question of this number is asked with, and zeroes must be a valid value of it.
unsafe trait Question {
    const NUMBER: vidioc::_IOC_TYPE;
}

// SAFETY: each is the struct of its number in videodev2.h, plain integers and unions of them.
unsafe impl Question for v4l2_capability {
    const NUMBER: vidioc::_IOC_TYPE = vidioc::VIDIOC_QUERYCAP;
}
// SAFETY: as above.
unsafe impl Question for v4l2_fmtdesc {
    const NUMBER: vidioc::_IOC_TYPE = vidioc::VIDIOC_ENUM_FMT;
}
// SAFETY: as above.
unsafe impl Question for v4l2_frmsizeenum {
    const NUMBER: vidioc::_IOC_TYPE = vidioc::VIDIOC_ENUM_FRAMESIZES;
}
// SAFETY: as above.
unsafe impl Question for v4l2_frmivalenum {
    const NUMBER: vidioc::_IOC_TYPE = vidioc::VIDIOC_ENUM_FRAMEINTERVALS;
}
// SAFETY: as above.
unsafe impl Question for v4l2_query_ext_ctrl {
    const NUMBER: vidioc::_IOC_TYPE = vidioc::VIDIOC_QUERY_EXT_CTRL;
}
// SAFETY: as above.
unsafe impl Question for v4l2_querymenu {
    const NUMBER: vidioc::_IOC_TYPE = vidioc::VIDIOC_QUERYMENU;
}

impl Node {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        v4l::Device::with_path(path).map(Self)
    }

    /// What the node says of itself.
    pub(super) fn capability(&self) -> io::Result<v4l2_capability> {
        self.ask(|_| {})
    }

    /// The formats it captures, as four characters each.
    pub(super) fn formats(&self) -> Vec<[u8; 4]> {
        let of = |kind| {
            self.list(move |index, question: &mut v4l2_fmtdesc| {
                question.index = index;
                question.type_ = kind;
            })
        };
        let single = of(CAPTURE);
        let all = if single.is_empty() { of(CAPTURE_MPLANE) } else { single };
        all.iter().map(|format| format.pixelformat.to_le_bytes()).collect()
    }

    pub(super) fn sizes(&self, format: [u8; 4]) -> Vec<Size> {
        let answers = self.list(|index, question: &mut v4l2_frmsizeenum| {
            question.index = index;
            question.pixel_format = u32::from_le_bytes(format);
        });
        let size = |answer: &v4l2_frmsizeenum| {
            // SAFETY: the type says which member of the union the driver filled; all of them are plain integers.
            unsafe {
                if answer.type_ == DISCRETE {
                    let size = answer.__bindgen_anon_1.discrete;
                    return Size::Exactly(size.width, size.height);
                }
                let range = answer.__bindgen_anon_1.stepwise;
                Size::Range {
                    least: (range.min_width, range.min_height),
                    most: (range.max_width, range.max_height),
                    step: (range.step_width, range.step_height),
                }
            }
        };
        answers.iter().map(size).collect()
    }

    pub(super) fn rates(&self, format: [u8; 4], (width, height): (u32, u32)) -> Vec<Rates> {
        let answers = self.list(|index, question: &mut v4l2_frmivalenum| {
            question.index = index;
            question.pixel_format = u32::from_le_bytes(format);
            question.width = width;
            question.height = height;
        });
        let rates = |answer: &v4l2_frmivalenum| {
            // SAFETY: as for sizes. An interval is the inverse of a rate.
            unsafe {
                if answer.type_ == DISCRETE {
                    let interval = answer.__bindgen_anon_1.discrete;
                    return Rates::Exactly(rate(interval.denominator, interval.numerator));
                }
                let range = answer.__bindgen_anon_1.stepwise;
                Rates::Range {
                    slowest: rate(range.max.denominator, range.max.numerator),
                    fastest: rate(range.min.denominator, range.min.numerator),
                }
            }
        };
        answers.iter().map(rates).collect()
    }

    /// All controls with a single value, and their headings.
    pub(super) fn controls(&self) -> Vec<RawControl> {
        let mut controls: Vec<RawControl> = Vec::new();
        let mut id = 0;
        for _ in 0..MOST {
            let answer = self.ask(|question: &mut v4l2_query_ext_ctrl| question.id = id | NEXT);
            // A driver that does not go on would be asked the same for ever.
            let Some(answer) = answer.ok().filter(|answer| answer.id > id) else { break };
            id = answer.id;
            controls.push(RawControl {
                id,
                kind: answer.type_,
                name: text(&answer.name.map(|char| char.to_ne_bytes()[0])),
                minimum: answer.minimum,
                maximum: answer.maximum,
                step: answer.step,
                default: answer.default_value,
                flags: answer.flags,
            });
        }
        controls
    }

    /// The words of a menu, or the numbers, with their indices; menus may have gaps.
    pub(super) fn menu(&self, id: u32, indices: impl Iterator<Item = u32>) -> Vec<(u32, MenuItem)> {
        let item = |index| {
            let answer = self.ask(|question: &mut v4l2_querymenu| {
                question.id = id;
                question.index = index;
            });
            // SAFETY: both members are plain bytes of the same answer; the caller knows which one counts.
            answer.ok().map(|answer| unsafe {
                let (name, value) = (answer.__bindgen_anon_1.name, answer.__bindgen_anon_1.value);
                (index, MenuItem { name: text(&name), value })
            })
        };
        indices.take(MOST as usize).filter_map(item).collect()
    }

    /// The value of a control; `wide` ones have 64 bits.
    pub(super) fn value(&self, id: u32, width: Width) -> io::Result<i64> {
        self.exchange(vidioc::VIDIOC_G_EXT_CTRLS, id, width, 0)
    }

    pub(super) fn set_value(&self, id: u32, width: Width, value: i64) -> io::Result<()> {
        self.exchange(vidioc::VIDIOC_S_EXT_CTRLS, id, width, value).map(|_| ())
    }

    fn exchange(&self, number: vidioc::_IOC_TYPE, id: u32, width: Width, value: i64) -> io::Result<i64> {
        // SAFETY: zeroes are valid for both structs; the pointer is to a control that outlives the call, and the count is 1.
        unsafe {
            let mut control: v4l2_ext_control = mem::zeroed();
            control.id = id;
            match width {
                Width::Bits64 => control.__bindgen_anon_1.value64 = value,
                Width::Bits32 => {
                    control.__bindgen_anon_1.value = i32::try_from(value).map_err(io::Error::other)?;
                }
            }
            let mut controls: v4l2_ext_controls = mem::zeroed();
            controls.count = 1;
            controls.controls = &raw mut control;
            v4l::v4l2::ioctl(self.0.handle().fd(), number, (&raw mut controls).cast())?;
            Ok(match width {
                Width::Bits64 => control.__bindgen_anon_1.value64,
                Width::Bits32 => i64::from(control.__bindgen_anon_1.value),
            })
        }
    }

    /// The answers to a question about the first, the second … up to the one that the driver refuses.
    fn list<Q: Question>(&self, prepare: impl Fn(u32, &mut Q)) -> Vec<Q> {
        (0..MOST).map_while(|index| self.ask(|question| prepare(index, question)).ok()).collect()
    }

    fn ask<Q: Question>(&self, prepare: impl FnOnce(&mut Q)) -> io::Result<Q> {
        // SAFETY: by the contract of `Question` zeroes are valid, and the driver writes one such struct, which is what the
        // pointer is for; the descriptor is open for as long as the device lives.
        unsafe {
            let mut question: Q = mem::zeroed();
            prepare(&mut question);
            v4l::v4l2::ioctl(self.0.handle().fd(), Q::NUMBER, (&raw mut question).cast())?;
            Ok(question)
        }
    }
}

/// How many bits a control's value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    Bits32,
    Bits64,
}

/// An entry of a menu: of a menu of words the name counts, of numbers the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MenuItem {
    pub(super) name: String,
    pub(super) value: i64,
}

fn rate(frames: u32, seconds: u32) -> Rate {
    Rate { frames, seconds }
}

/// A C string in a field of fixed size, as far as it can be read.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let lossy = String::from_utf8_lossy(&bytes[..end]);
    lossy.trim().replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_bytes() {
        assert_eq!(text(b"Caf\xe9 Cam\0\0"), "Caf\u{fffd} Cam");
        assert_eq!(text(b"full"), "full");
    }

    #[test]
    fn what_is_no_camera_answers_nothing() {
        let node = Node::open(Path::new("/dev/null")).expect("it can be opened");
        assert!(node.capability().is_err());
        assert!(node.formats().is_empty() && node.sizes(*b"YUYV").is_empty() && node.controls().is_empty());
        assert!(node.rates(*b"YUYV", (640, 480)).is_empty());
        assert!(node.menu(1, 0..4).is_empty());
        assert!(node.value(1, Width::Bits32).is_err() && node.set_value(1, Width::Bits64, 1).is_err());
    }
}
