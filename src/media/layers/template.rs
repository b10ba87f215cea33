//! Templates: SVG with places for the name and the avatar.
//!
//! | in the template | means |
//! |---|---|
//! | `{name}` | the user's name |
//! | `data-max-width` of a `<text>` | how wide it may be before it is cut short; absent: 1.6 times the template's height |
//! | `{name_width}` | how wide the `<text>` with the id `name` comes out |
//! | `{avatar}` | the avatar as a `data:` address |
//! | the element with the id `avatar` | shown where there is an avatar |
//! | the element with the id `icon` | shown where there is none |
//!
//! A template fills the picture, whatever its own size is. A `<text>` is one line, and becomes a picture before the rest is drawn
//! ([`text`](super::text)); which of its attributes count is in `docs/layers.md`.

use std::path::Path;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::avatar::{self, Avatar};
use super::fill::{Filling, fill};
use crate::files;
use crate::model::media::Quality;

const FOREGROUND: &str = include_str!("../../../pipelines/layers/foreground.svg");
const BACKGROUND: &str = include_str!("../../../pipelines/layers/background.svg");

/// A drawing of half a megabyte is none that was made for a label.
const MOST_BYTES: u64 = 512 << 10;

/// Lines of a band: even, as two lines share their colour.
const BAND: u32 = 60;

/// A template, and the built-in one in its place should it ever fail.
#[derive(Debug)]
pub(super) struct Template {
    own: Option<Own>,
    built_in: &'static str,
}

#[derive(Debug)]
struct Own {
    text: String,
    /// Key and file, for what is said about it.
    place: String,
}

impl Template {
    pub(super) fn foreground(file: Option<&Path>) -> Self {
        Self::load("layers.foreground_template", file, FOREGROUND)
    }

    pub(super) fn background(file: Option<&Path>) -> Self {
        Self::load("layers.background_template", file, BACKGROUND)
    }

    fn load(key: &str, file: Option<&Path>, built_in: &'static str) -> Self {
        let Some(file) = file else { return Self { own: None, built_in } };
        let place = format!("{key}: {}", file.display());
        match text(file).and_then(|text| try_out(&text).map(|()| text)) {
            Ok(text) => Self { own: Some(Own { text, place }), built_in },
            Err(why) => {
                say(&place, &why);
                Self { own: None, built_in }
            }
        }
    }

    /// The template with this name and avatar, to be as large as the picture.
    pub(super) fn draw(&self, name: &str, avatar: &Avatar, quality: Quality) -> Option<Drawing> {
        if let Some(own) = &self.own {
            match draw(&own.text, name, avatar, quality) {
                Ok(drawing) => return Some(drawing),
                Err(why) => say(&own.place, &why),
            }
        }
        draw(self.built_in, name, avatar, quality)
            .inspect_err(|why| tracing::error!("the built-in layer cannot be painted: {why}"))
            .ok()
    }
}

fn say(place: &str, why: &str) {
    tracing::warn!("{place}: {why}; the built-in template is used");
}

fn text(file: &Path) -> Result<String, String> {
    files::read_text(file, MOST_BYTES).map_err(|error| error.to_string())
}

/// Whether the template is an SVG at all.
fn try_out(text: &str) -> Result<(), String> {
    draw(text, "name", &Avatar::None, Quality::P360).map(|_| ())
}

fn draw(text: &str, name: &str, avatar: &Avatar, quality: Quality) -> Result<Drawing, String> {
    let (hidden, address) = match avatar {
        Avatar::None => ("#avatar { display: none }", ""),
        Avatar::Picture(address) => ("#icon { display: none }", address.as_str()),
    };
    let options = Options {
        image_href_resolver: avatar::pictures(),
        style_sheet: Some(hidden.to_owned()),
        ..Options::default()
    };
    let (_, lines) = quality.size();
    let filled = fill(text, &Filling { name, address, lines })?;
    let tree = Tree::from_str(&filled, &options).map_err(|error| error.to_string())?;
    Ok(Drawing { tree, quality })
}

/// A filled template, to be painted part by part: a picture of pixels that is thrown away at once is more than all else a
/// layer needs.
#[derive(Debug)]
pub(super) struct Drawing {
    tree: Tree,
    pub(super) quality: Quality,
}

impl Drawing {
    /// What it shows in this part of the picture; `None`: there is no memory for it.
    pub(super) fn paint(&self, part: Part) -> Option<Pixmap> {
        let (wide, high) = self.quality.size();
        let size = self.tree.size();
        let mut pixmap = Pixmap::new(part.width, part.height)?;
        let place = Transform::from_scale(wide as f32 / size.width(), high as f32 / size.height())
            .post_translate(-(part.x as f32), -(part.y as f32));
        resvg::render(&self.tree, place, &mut pixmap.as_mut());
        Some(pixmap)
    }

    /// The whole picture in bands, from top to bottom.
    pub(super) fn bands(&self) -> impl Iterator<Item = Part> + use<> {
        let (width, high) = self.quality.size();
        let bands = (0..high).step_by(BAND as usize);
        bands.map(move |y| Part { x: 0, y, width, height: BAND.min(high - y) })
    }
}

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}
