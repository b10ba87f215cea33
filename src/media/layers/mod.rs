//! The layers: the label over the camera's picture, and the slate in its place.
//!
//! Both are SVG templates, painted once for each name and picture size; after that the slate is packed until it is shown, and the
//! label a small rectangle that is blended into each picture.
//!
//! Invariants: whatever name, avatar or template there is, there is a slate; a name is text, never markup; no template and no
//! avatar reaches into the file system or the network. Painting takes tens to hundreds of milliseconds: never where something
//! else waits. Not here: when a layer is shown.

mod avatar;
mod fill;
mod jpeg;
mod label;
mod name;
mod orientation;
pub(super) mod renderer;
mod slate;
mod template;
mod text;
mod yuv;

use std::path::PathBuf;

use self::avatar::Avatar;
pub use self::label::Label;
pub use self::orientation::exif_orientation;
pub use self::slate::Slate;
use self::template::Template;
use crate::model::media::Quality;

/// Whether pictures of the camera carry the user's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Foreground {
    /// They are as the camera gives them.
    #[default]
    None,
    /// The name, bottom left.
    Name,
}

/// What the layers are painted from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Whether there is a label.
    pub foreground: Foreground,
    /// The label's template in place of the built-in one.
    pub foreground_template: Option<PathBuf>,
    /// The slate's template in place of the built-in one.
    pub background_template: Option<PathBuf>,
    /// The picture file of the slate.
    pub avatar: Option<PathBuf>,
}

/// Both layers, in one size.
#[derive(Debug)]
pub struct Layers {
    /// The slate, the label on it.
    pub slate: Slate,
    /// The label, where there is to be one.
    pub label: Option<Label>,
}

/// Paints layers.
#[derive(Debug)]
pub struct Painter {
    foreground: Option<Template>,
    background: Template,
    avatar: Avatar,
}

impl Painter {
    /// Reads templates and avatar. What is wrong with one of them is said in one line, and the built-in one takes its place.
    pub fn new(settings: &Settings) -> Self {
        let foreground = match settings.foreground {
            Foreground::None => None,
            Foreground::Name => Some(Template::foreground(settings.foreground_template.as_deref())),
        };
        let background = Template::background(settings.background_template.as_deref());
        Self { foreground, background, avatar: Avatar::load(settings.avatar.as_deref()) }
    }

    /// Both layers for this name and size, without a label where nothing is to be seen of the name. `None` only when there is no
    /// memory for them.
    pub fn paint(&self, name: &str, quality: Quality) -> Option<Layers> {
        let mut slate = yuv::opaque(&self.background.draw(name, &self.avatar, quality)?)?;
        let named = !name::clean(name).trim().is_empty();
        let label = self
            .foreground
            .as_ref()
            .filter(|_| named)
            .and_then(|template| Label::new(&template.draw(name, &Avatar::None, quality)?));
        if let Some(label) = &label {
            label.draw(slate.make_mut());
        }
        Some(Layers { slate: Slate::pack(&slate)?, label })
    }
}

#[cfg(test)]
mod tests;
