//! Profiles: which elements capture and encode, as data.
//!
//! A profile is a TOML file. Its launch fragments are the only text that becomes elements; device names, sizes, rates and
//! volumes enter as properties on the elements it names:
//!
//! | table | named elements | what is set on them |
//! |---|---|---|
//! | `[[camera]]` | `camera`, `size` (capsfilter) | `camera`: the property `address`; `size`: caps of what is sent |
//! | … with `takes = "raw"`, `"jpeg"` or `"h264"` | `format` (capsfilter) | caps of what was chosen of the camera's offers |
//! | … with `takes = "untouched"` | `format`, `size` (capsfilters) | `format`: likewise; `size`: H.264 as it is offered |
//! | … that makes any size | `wanted` (capsfilter) | raw caps of the wanted size at 30/s |
//! | … with `shares = true` | `size` (capsfilter) | raw caps of what is sent, of any format |
//! | `[[microphone]]` | `microphone` | the property `address` |
//! | `[[encoder]]`, `codec = "h264"` or `"vp8"` | `encoder`, `fit` with `multiple_of` | `encoder`: the bit rate; `fit`: what is cropped |
//! | `[audio_encoder]` | – | – |
//! | `[speaker]` | `speaker` | the property `address` |
//!
//! `[when]` says for which boards `auto` takes it. Cameras and microphones are tried in order until one delivers, encoders of a codec
//! until one encodes; `hardware = true` says that an encoder is a part of the board. Entries whose elements are not installed are left
//! out.
//!
//! A camera that shares hands on its own memory (DMABUF), and an encoder that imports (`imports = true`) reads that and nothing else: so
//! no picture is copied, while nothing is drawn into it and its size is one of its `multiple_of`. Slates, and pictures that are
//! drawn into, go to the other encoders.
//!
//! Invariant: a loaded profile has every element it needs, an encoder that takes any memory at least, and a camera that is copied from;
//! one shares only where an encoder imports.

mod check;
mod encoder;
mod error;
mod fragment;
mod loaded;
mod pick;

pub use self::encoder::{Bitrate, EncoderSpec, Hardware, TakesPixels};
pub use self::error::Error;
pub(in crate::media) use self::fragment::parse;
pub use self::fragment::{Capture, Fragment, From, Memory, Takes};
pub use self::loaded::{Profile, chooses, shipped, shipped_encoders};
pub use self::pick::{Picked, pick};
