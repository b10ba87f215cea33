//! Whose word counts for the certificates of servers: the system's authorities, or those of a file.
//!
//! Not here: what a file of certificates may hold (`certificates`).

use std::path::Path;

use rustls::pki_types::CertificateDer;

use crate::{certificates, files};

/// Most that is read of a file: a system's whole bundle has a quarter of a MiB.
const MOST_BYTES: u64 = 4 << 20;

/// Reads the authorities of `file`, or the system's.
///
/// # Errors
/// In words: a file that cannot be read, or that holds no usable authority; a system without authorities.
pub fn read(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(file) = file else {
        let remedy = "install ca-certificates or set room.ca_file";
        return system()
            .map_err(|why| format!("this system has no certificate authorities ({why}): {remedy}"));
    };
    let shown = file.display();
    let bytes = files::read(file, MOST_BYTES).map_err(|error| format!("{shown}: {error}"))?;
    certificates::authorities(&bytes).map_err(|what| format!("{shown} {what}"))
}

/// The system's. Some of them may be of a kind that cannot be used.
///
/// # Errors
/// Why there are none.
pub fn system() -> Result<Vec<CertificateDer<'static>>, String> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return Err(found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string));
    }
    Ok(found.certs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("ca.pem");
        assert!(read(Some(&file)).is_err_and(|why| why.contains("ca.pem")));
        std::fs::write(&file, "nothing of that kind").expect("writable");
        assert!(read(Some(&file)).is_err_and(|why| why.contains("ca.pem is neither PEM nor DER")));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
            .expect("writable");
        assert!(read(Some(&file)).is_err_and(|why| why.contains("ca.pem")));
    }
}
