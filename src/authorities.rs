//! Whose word counts for the certificates of servers: the system's authorities, or those of a file.
//!
//! Not here: the broker's, which have a file and errors of their own (`mqtt`).

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::files;

/// A system's whole bundle has a quarter of a MiB; the broker's files are bounded by the same.
const MOST_BYTES: u64 = 4 << 20;

/// Reads the authorities of `file`, or the system's.
///
/// # Errors
/// In words: a file that cannot be read, or that holds no certificate in PEM; a system without authorities.
pub fn read(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(file) = file else {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            let remedy = "install ca-certificates or set room.ca_file";
            return Err(format!("this system has no certificate authorities ({why}): {remedy}"));
        }
        return Ok(found.certs);
    };
    let bytes = files::read(file, MOST_BYTES).map_err(|error| format!("{}: {error}", file.display()))?;
    let read = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let found = read.map_err(|error| format!("{}: {error}", file.display()))?;
    if found.is_empty() {
        return Err(format!("{} holds no certificate in PEM", file.display()));
    }
    Ok(found)
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
        assert!(read(Some(&file)).is_err_and(|why| why.contains("ca.pem holds no certificate")));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
            .expect("writable");
        assert!(read(Some(&file)).is_err_and(|why| why.contains("ca.pem")));
    }
}
