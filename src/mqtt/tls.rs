//! TLS for the connection to the broker: files to a `rustls` configuration.
//!
//! Invariant: the cryptography is named here (`ring`), never taken from a process-wide default, so linking a second
//! provider can break nothing.
//!
//! Not here: when certificates are read again. They are read once, at the start.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::connection::TlsFiles;
use crate::{authorities, certificates, files};

/// A TLS file that cannot be used. Each message names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Missing, or not ours to read.
    #[error("cannot read {} ({source}): check {key} and the file's permissions", path.display())]
    Unreadable {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: files::Error,
    },
    /// Readable, but not of the right kind.
    #[error("{key}: {} {detail}", path.display())]
    WrongContent {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Certificate and key do not belong together.
    #[error("{} and {} do not fit together ({source}): give the key that the certificate was made for",
        certificate.display(), key.display())]
    ClientPair {
        /// The certificate file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What the TLS library says.
        source: rustls::Error,
    },
    /// One of the two is missing.
    #[error("mqtt.{present} is set without mqtt.{missing}: set both or none")]
    HalfPair {
        /// The key that is set.
        present: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// The system has no certificate authorities.
    #[error(
        "this system has no certificate authorities ({detail}): install ca-certificates or set mqtt.ca_file"
    )]
    NoSystemRoots {
        /// What was found.
        detail: String,
    },
    /// The TLS library refuses its own defaults; cannot happen with `ring`.
    #[error("TLS cannot be set up: {0}")]
    Library(rustls::Error),
}

/// Most that is read of one file: ten times all the authorities of a distribution.
const MAX_FILE_BYTES: u64 = 4 << 20;

const CA: &str = "mqtt.ca_file";
const CERTIFICATE: &str = "mqtt.client_certificate_file";
const KEY: &str = "mqtt.client_key_file";

/// Reads the files and makes the configuration.
pub(super) fn client_config(tls: &TlsFiles) -> Result<Arc<ClientConfig>, Error> {
    let pair = match (&tls.client_certificate_file, &tls.client_key_file) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (Some(_), None) => return Err(half("client_certificate_file", "client_key_file")),
        (None, Some(_)) => return Err(half("client_key_file", "client_certificate_file")),
    };
    let roots = match &tls.ca_file {
        Some(path) => file(CA, path, certificates::authorities)?,
        None => authorities::system().map_err(|detail| Error::NoSystemRoots { detail })?,
    };
    let mut store = RootCertStore::empty();
    // Distributions carry some authorities that webpki cannot parse; the others do.
    store.add_parsable_certificates(roots);
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::Library)?
        .with_root_certificates(store);
    let config = match pair {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                file(CERTIFICATE, certificate, certificates::certificates)?,
                file(KEY, key, certificates::private_key)?,
            )
            .map_err(|source| Error::ClientPair {
                certificate: certificate.clone(),
                key: key.clone(),
                source,
            })?,
    };
    Ok(Arc::new(config))
}

/// For finding out whether somebody speaks TLS at all: no certificate is good enough.
pub(super) fn trusting_nobody() -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Library)?;
    Ok(Arc::new(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
}

fn half(present: &'static str, missing: &'static str) -> Error {
    Error::HalfPair { present, missing }
}

/// What `take` finds in the file of this key.
fn file<T>(key: &'static str, path: &Path, take: fn(&[u8]) -> Result<T, String>) -> Result<T, Error> {
    let detail = |detail| Error::WrongContent { key, path: path.to_owned(), detail };
    take(&read(key, path)?).map_err(detail)
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    files::read(path, MAX_FILE_BYTES).map_err(|source| Error::Unreadable {
        key,
        path: path.to_owned(),
        source,
    })
}
