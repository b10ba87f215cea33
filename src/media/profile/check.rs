//! Whether what a profile says can be done with the elements that are installed.

use gstreamer::prelude::*;

use super::encoder::EncoderSpec;
use super::error::Error;
use super::fragment::{Capture, Fragment, Memory, Unparsed, parse};
use crate::media::elements;
use crate::model::settings::VideoCodec;

pub(super) struct ProfileCheck<'a> {
    pub(super) place: &'a str,
    pub(super) depth: Depth,
}

/// How closely it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Whether its elements are installed. Loads no plugin, so what a stay needs takes no memory before there is one.
    Installed,
    /// Each element is made, and has what is to be set on it.
    Made,
}

impl ProfileCheck<'_> {
    pub(super) fn captures(
        &self,
        table: &'static str,
        names: &[&str],
        captures: Vec<Capture>,
    ) -> Result<Vec<Capture>, Error> {
        let mut usable = Vec::new();
        let mut missing = None;
        for capture in captures {
            let address = capture.address.as_deref().map(|property| (table, property));
            let mut names = names.to_vec();
            names.extend(capture.takes.map(|_| "format"));
            match self.launch(table, &names, &capture.launch, address) {
                Ok(()) => usable.push(capture),
                Err(error @ Error::Missing { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match (usable.is_empty(), missing) {
            (false, _) => Ok(usable),
            (true, Some(error)) => Err(error),
            (true, None) => Err(self.wrong(table, "there must be one at least".to_owned())),
        }
    }

    pub(super) fn fragment(
        &self,
        table: &'static str,
        names: &[&str],
        fragment: &Fragment,
    ) -> Result<(), Error> {
        let address = fragment.address.as_deref().map(|property| (table, property));
        self.launch(table, names, &fragment.launch, address)
    }

    /// Those that are installed; at least one.
    pub(super) fn encoders(&self, encoders: Vec<EncoderSpec>) -> Result<Vec<EncoderSpec>, Error> {
        let (mut usable, mut missing) = (Vec::new(), None);
        for encoder in encoders {
            match self.encoder(&encoder) {
                Ok(()) => usable.push(encoder),
                Err(error @ Error::Missing { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        match (usable.is_empty(), missing) {
            (false, _) => Ok(usable),
            (true, Some(error)) => Err(error),
            (true, None) => Err(self.wrong("encoder", "there must be one at least".to_owned())),
        }
    }

    /// Takes the encoder that imports out, and the cameras that share where there is none; what is left can do without both.
    pub(super) fn shared(
        &self,
        cameras: &mut Vec<Capture>,
        encoders: &mut Vec<EncoderSpec>,
    ) -> Result<Option<EncoderSpec>, Error> {
        let (importers, own) = std::mem::take(encoders)
            .into_iter()
            .partition::<Vec<_>, _>(|encoder| encoder.imports() == Memory::Camera);
        *encoders = own;
        if encoders.is_empty() {
            let message = "one at least must do without imports = true: it encodes the slate";
            return Err(self.wrong("encoder", message.to_owned()));
        }
        if cameras.iter().all(|camera| camera.shares == Memory::Camera) {
            let message =
                "one at least must do without shares = true: it is for pictures that are drawn into";
            return Err(self.wrong("camera", message.to_owned()));
        }
        if importers.iter().any(|encoder| encoder.codec() != VideoCodec::H264) {
            let message = "imports = true goes with codec = \"h264\" only".to_owned();
            return Err(self.wrong("encoder", message));
        }
        let importer = importers.into_iter().next();
        if importer.is_none() {
            cameras.retain(|camera| camera.shares == Memory::Own);
        }
        Ok(importer)
    }

    fn encoder(&self, encoder: &EncoderSpec) -> Result<(), Error> {
        let Some(bitrate) = &encoder.bitrate else {
            let message = "bitrate is missing: write bitrate = { property = \"…\", unit = … }";
            return Err(self.wrong("encoder", message.to_owned()));
        };
        let property = Some(("encoder", bitrate.property.as_str()));
        let names: &[&str] = if encoder.multiple_of.is_some() { &["encoder", "fit"] } else { &["encoder"] };
        self.launch("encoder", names, &encoder.launch, property)?;
        if bitrate.unit == 0 {
            return Err(self.wrong("encoder", "bitrate.unit must be 1 or more".to_owned()));
        }
        Ok(())
    }

    /// Whether a fragment parses, has the named elements, and one of them the property that is to be set; as deep as is looked.
    fn launch(
        &self,
        table: &'static str,
        names: &[&str],
        launch: &str,
        property: Option<(&str, &str)>,
    ) -> Result<(), Error> {
        let absent = |missing| Error::Missing { place: self.place.to_owned(), missing };
        match self.depth {
            Depth::Installed => {
                return elements::named_in(launch)
                    .into_iter()
                    .try_for_each(elements::require)
                    .map_err(absent);
            }
            Depth::Made => {}
        }
        let bin = parse(launch).map_err(|error| match error {
            Unparsed::Missing(missing) => absent(missing),
            Unparsed::Wrong(message) => self.wrong(table, message),
        })?;
        for name in names {
            if bin.by_name(name).is_none() {
                let message = format!("it has no element named {name}: write name={name} behind one");
                return Err(self.wrong(table, message));
            }
        }
        if let Some((name, property)) = property {
            let element = bin.by_name(name);
            if element.is_none_or(|element| element.find_property(property).is_none()) {
                let message = format!("the element {name} has no property {property:?}");
                return Err(self.wrong(table, message));
            }
        }
        Ok(())
    }

    fn wrong(&self, table: &'static str, message: String) -> Error {
        Error::Launch { place: self.place.to_owned(), table, message }
    }
}
