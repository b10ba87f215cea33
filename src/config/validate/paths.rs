//! Files and folders that the configuration names: they must be there.

use std::path::{Path, PathBuf};

use super::Found;
use crate::config::Error;
use crate::files;

/// A file that must be there.
pub(super) fn readable(found: &Found) -> Result<PathBuf, Error> {
    let file = found.path()?;
    files::open(&file).map_err(|error| cannot_read(found, &file, &error))?;
    Ok(file)
}

/// A folder that must be there.
pub(super) fn folder(found: &Found) -> Result<PathBuf, Error> {
    let folder = found.path()?;
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(folder),
        Err(error) => Err(cannot_read(found, &folder, &error.into())),
    }
}

pub(super) fn cannot_read(found: &Found, file: &Path, error: &files::Error) -> Error {
    found.refuse(format!("cannot read {}: {error}", file.display()))
}
