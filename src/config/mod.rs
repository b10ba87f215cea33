//! The configuration: read from layers, checked once, then plain values.
//!
//! Layers, each over the one before: the file (`/etc/coguestd/config.toml`), the files of `conf.d` beside it in the order
//! of their names, `COGUESTD__SECTION__KEY` variables, `--set section.key=value` flags. A list in an upper layer takes the
//! place of the whole list below; an empty text takes a value back to its default.
//!
//! Invariant: [`Settings`] hold no value that is out of its range, and no error, warning or dump holds a secret. Secrets
//! come only from files: an absolute path, or the name of a systemd credential (`credential:NAME`, or a relative path).
//!
//! Not here: profiles (`media`), what a setting does, watching files for changes.

mod address;
mod error;
mod layer;
mod machine;
mod reader;
mod schema;
mod secret;
mod settings;
mod validate;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use address::UrlTemplate;
pub use error::{Error, Warning};
pub use machine::Machine;
pub use secret::Secret;
pub use settings::{
    AcceptApplications, AcceptInvitations, ClientCertificate, Codec, Foreground, Guest, HomeAssistant, Host,
    IcePolicy, Log, Login, Media, Mqtt, Role, Room, Security, Settings, Tls, Transport, Turn, User, WebRtc,
    Whip,
};

use layer::Layer;
use reader::Reader;

use crate::files;

/// Where the configuration is when nobody says otherwise.
pub const DEFAULT_FILE: &str = "/etc/coguestd/config.toml";

/// Everything a configuration is read from, so that a test can say it all.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The file; `None` for [`DEFAULT_FILE`], which may be absent, while a named one must be there.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub environment: Vec<(OsString, OsString)>,
    /// `section.key=value`, later over earlier.
    pub flags: Vec<String>,
    /// Below which the system says what it is: its id, name, serial number and network addresses.
    pub root: PathBuf,
}

impl Sources {
    /// What a program started by a person or by systemd reads: its own environment, this machine's id.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<String>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), flags, root: PathBuf::from("/") }
    }

    /// systemd's directory of credentials.
    fn credentials(&self) -> Option<PathBuf> {
        let (_, directory) = self.environment.iter().find(|(name, _)| name == "CREDENTIALS_DIRECTORY")?;
        Some(PathBuf::from(directory))
    }
}

/// One key with its value and where it is from, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `section.key`.
    pub key: &'static str,
    /// The value as TOML; `None` when it is absent and has no default. Of a secret: its file.
    pub value: Option<String>,
    /// `file:line`, the variable, the flag, or `default`.
    pub origin: String,
}

/// Reads and checks the configuration. Opens files, so it may block.
///
/// # Errors
/// The first thing that is wrong: one line with the place, the key and the remedy, and never a secret.
pub fn load(sources: &Sources) -> Result<Settings, Error> {
    let (mut layers, absent) = read_files(sources.file.as_deref())?;
    layers.push(Layer::of_environment(&sources.environment)?);
    layers.push(Layer::of_flags(&sources.flags)?);
    let merged = layers
        .into_iter()
        .fold(::config::Config::builder(), |builder, layer| builder.add_source(layer))
        .build()
        .map_err(|error| Error::Syntax { place: "configuration".into(), message: error.to_string() })?;
    let reader = Reader::new(merged.cache);
    let mut settings = validate::settings(&reader, sources)?;
    settings.warnings.splice(0..0, absent.map(Warning::NoFile));
    Ok(settings)
}

/// The layers of the file and of its `conf.d`; the default file if it is absent.
fn read_files(named: Option<&Path>) -> Result<(Vec<Layer>, Option<PathBuf>), Error> {
    let file = named.unwrap_or(Path::new(DEFAULT_FILE));
    let mut layers = Vec::new();
    let mut absent = None;
    let missing = matches!(fs::metadata(file), Err(error) if error.kind() == io::ErrorKind::NotFound);
    if missing && named.is_none() {
        absent = Some(file.to_owned());
    } else {
        layers.push(Layer::of_file(file)?);
    }
    for more in files_of(&file.with_file_name("conf.d"))? {
        layers.push(Layer::of_file(&more)?);
    }
    Ok((layers, absent))
}

/// The `*.toml` of a directory, sorted by name; none when there is no such directory.
fn files_of(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |error: io::Error| Error::Unreadable {
        file: directory.to_owned(),
        reason: files::Error::from(error).to_string(),
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|ending| ending == "toml") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

impl Settings {
    /// The effective configuration as TOML, each value with its origin; secrets show only the name of their file.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for setting in &self.effective {
            if schema::section_of(setting.key) != section {
                section = schema::section_of(setting.key);
                let _ = writeln!(text, "\n[{section}]");
            }
            let name = setting.key.rsplit('.').next().unwrap_or(setting.key);
            let line = match &setting.value {
                Some(value) => format!("{name} = {value}"),
                None => format!("# {name} is not set"),
            };
            let _ = match (&setting.value, setting.origin.as_str()) {
                (None, _) => writeln!(text, "{line}"),
                (Some(_), origin) => writeln!(text, "{line:<48} # {origin}"),
            };
        }
        text
    }
}
