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

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::avatar::{self, Avatar};
use super::fill::{Filling, fill};
use crate::model::media::Quality;

const FOREGROUND: &str = include_str!("../../../pipelines/layers/foreground.svg");
const BACKGROUND: &str = include_str!("../../../pipelines/layers/background.svg");

/// A drawing of half a megabyte is none that was made for a label.
const MOST_BYTES: u64 = 512 << 10;

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
        match read(file).and_then(|text| try_out(&text).map(|()| text)) {
            Ok(text) => Self { own: Some(Own { text, place }), built_in },
            Err(why) => {
                say(&place, &why);
                Self { own: None, built_in }
            }
        }
    }

    /// The template with this name and avatar, as large as the picture; `None`: there is no memory for it.
    pub(super) fn paint(&self, name: &str, avatar: &Avatar, quality: Quality) -> Option<Pixmap> {
        if let Some(own) = &self.own {
            match paint(&own.text, name, avatar, quality) {
                Ok(painted) => return Some(painted),
                Err(why) => say(&own.place, &why),
            }
        }
        paint(self.built_in, name, avatar, quality)
            .inspect_err(|why| tracing::error!("the built-in layer cannot be painted: {why}"))
            .ok()
    }
}

fn say(place: &str, why: &str) {
    tracing::warn!("{place}: {why}; the built-in template is used");
}

fn read(file: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| error.to_string();
    if !std::fs::metadata(file).map_err(told)?.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut text = String::new();
    File::open(file).map_err(told)?.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(told)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("it has more than {} KiB", MOST_BYTES >> 10));
    }
    Ok(text)
}

/// Whether the template is an SVG at all.
fn try_out(text: &str) -> Result<(), String> {
    paint(text, "name", &Avatar::None, Quality::P360).map(|_| ())
}

fn paint(text: &str, name: &str, avatar: &Avatar, quality: Quality) -> Result<Pixmap, String> {
    let (hidden, address) = match avatar {
        Avatar::None => ("#avatar { display: none }", ""),
        Avatar::Picture(address) => ("#icon { display: none }", address.as_str()),
    };
    let options = Options {
        image_href_resolver: avatar::pictures(),
        style_sheet: Some(hidden.to_owned()),
        ..Options::default()
    };
    let (wide, high) = quality.size();
    let filled = fill(text, &Filling { name, address, lines: high })?;
    let tree = Tree::from_str(&filled, &options).map_err(|error| error.to_string())?;
    let mut pixmap = Pixmap::new(wide, high).ok_or("there is no memory for it")?;
    let scale = Transform::from_scale(wide as f32 / tree.size().width(), high as f32 / tree.size().height());
    resvg::render(&tree, scale, &mut pixmap.as_mut());
    Ok(pixmap)
}
