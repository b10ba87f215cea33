//! What is in a file that should hold certificates or a private key: PEM or DER, and if it is neither, what it is instead, in words that go
//! behind the file's name.
//!
//! Labels of PEM are those of RFC 7468; `RSA PRIVATE KEY`, `EC PRIVATE KEY` and `TRUSTED CERTIFICATE` are OpenSSL's.

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

/// What a key may be.
const SUPPORTED: &str = "use P-256, P-384, Ed25519 or RSA of 2048 to 4096 bits";

/// Object identifiers (RFC 5480, SEC 2, RFC 5639, RFC 8410, RFC 8017, RFC 3279), as they stand in DER, of what the TLS library
/// cannot sign with or verify.
const UNSUPPORTED: [(&[u8], &str); 9] = [
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], "on the curve P-521"),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21], "on the curve P-224"),
    (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], "on the curve secp256k1"),
    (&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "on the curve P-192"),
    (&[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01], "on a Brainpool curve"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x71], "on the curve Ed448"),
    (&[0x06, 0x03, 0x2b, 0x65, 0x6e], "for X25519, which signs nothing,"),
    (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a], "of RSA for PSS only"),
    (&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], "of DSA"),
];

/// Every certificate of the file, each of them readable.
///
/// # Errors
/// In words: what the file is or holds instead.
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = match Form::of(bytes)? {
        Form::Pem(text) => CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("holds a certificate that is damaged ({})", damage(&error)))
            .and_then(|found| if found.is_empty() { Err(no_certificate(text)) } else { Ok(found) })?,
        Form::Der(bytes) => vec![CertificateDer::from(bytes.to_vec())],
    };
    for certificate in &found {
        if let Err(error) = ParsedCertificate::try_from(certificate) {
            return Err(match error.to_string() {
                why if why.contains("UnsupportedCertVersion") => {
                    "holds a certificate of X.509 version 1, and version 3 is needed: make it with extensions"
                        .to_owned()
                }
                why => format!("holds no certificate that can be read ({why})"),
            });
        }
    }
    Ok(found)
}

/// The authorities of the file.
///
/// # Errors
/// As of [`certificates`], and where none of them can vouch for anybody.
pub fn authorities(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let (found, mut roots) = (certificates(bytes)?, RootCertStore::empty());
    for certificate in &found {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("holds no usable certificate authority ({error})"))?;
    }
    // Of several one that cannot be used does no harm.
    let mut unsupported = Vec::new();
    for root in &roots.roots {
        unsupported.extend(unsupported_key(&root.subject_public_key_info));
    }
    match unsupported.first() {
        Some(kind) if unsupported.len() == roots.len() => Err(format!(
            "holds a certificate authority with a key {kind}, which is not supported: {SUPPORTED}"
        )),
        Some(_) | None => Ok(found),
    }
}

/// The private key of the file.
///
/// # Errors
/// In words: what the file is or holds instead, or that such a key is not supported.
pub fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    const ENCRYPTED: &str = "holds an encrypted private key, and there is nobody to ask for its password: decrypt it \
                             (openssl pkey -in FILE -out NEW) and protect it with mode 0600";
    let key = match Form::of(bytes)? {
        Form::Pem(text) => {
            if has(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(text, b"Proc-Type: 4,ENCRYPTED") {
                return Err(ENCRYPTED.to_owned());
            }
            PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
                pem::Error::NoItemsFound => no_key(text),
                other => format!("holds a private key that is damaged ({})", damage(&other)),
            })?
        }
        Form::Der(bytes) => {
            // EncryptedPrivateKeyInfo (RFC 5958) begins with the algorithm, all that can be used with a version.
            let inside = contents(bytes).unwrap_or_default();
            match inside {
                [0x30, ..] if ParsedCertificate::try_from(&CertificateDer::from(bytes)).is_ok() => {
                    return Err("holds a certificate, and no private key".to_owned());
                }
                [0x30, ..] => return Err(ENCRYPTED.to_owned()),
                [0x02, 0x01, 0x03, ..] => {
                    return Err(
                        "is a PKCS #12 container: take the key out of it (openssl pkcs12 -in FILE -nocerts \
                                -noenc -out NEW)"
                            .to_owned(),
                    );
                }
                _ => {}
            }
            PrivateKeyDer::try_from(bytes.to_vec())
                .map_err(|_| "holds no private key that can be read (PKCS #8, PKCS #1 or SEC 1)".to_owned())?
        }
    };
    if rustls::crypto::ring::sign::any_supported_type(&key).is_err() {
        let kind = unsupported_key(key.secret_der()).unwrap_or("of a kind");
        return Err(format!("holds a private key {kind} that is not supported: {SUPPORTED}"));
    }
    Ok(key)
}

/// How a file says it.
enum Form<'a> {
    Pem(&'a [u8]),
    Der(&'a [u8]),
}

impl<'a> Form<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, String> {
        // Editors put a byte order mark in front.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match bytes {
            [] => Err("is empty".to_owned()),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                Err("is UTF-16 text: save it as UTF-8 or ASCII".to_owned())
            }
            _ if has(bytes, b"-----BEGIN ") => Ok(Self::Pem(bytes)),
            [0x30, ..] if contents(bytes).is_some() => Ok(Self::Der(bytes)),
            _ => Err("is neither PEM nor DER".to_owned()),
        }
    }
}

/// What a file is instead, by its first label.
fn no_certificate(text: &[u8]) -> String {
    match label(text) {
        "TRUSTED CERTIFICATE" => {
            "holds a certificate in OpenSSL's own form: rewrite it (openssl x509 -in FILE -out NEW)"
                .to_owned()
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "holds a request for a certificate: have an authority sign it, and name what it gives back"
                .to_owned()
        }
        "PKCS7" => {
            "is a PKCS #7 container: take the certificates out of it (openssl pkcs7 -in FILE -print_certs \
                    -out NEW)"
                .to_owned()
        }
        kind if kind.ends_with("PRIVATE KEY") => "holds a private key, and no certificate".to_owned(),
        kind => format!("holds no certificate, but {}", shown(kind)),
    }
}

fn no_key(text: &[u8]) -> String {
    match label(text) {
        "OPENSSH PRIVATE KEY" => {
            "holds a key of OpenSSH: rewrite it (ssh-keygen -p -m PKCS8 -f FILE) or make one with openssl"
                .to_owned()
        }
        "DSA PRIVATE KEY" => format!("holds a private key of DSA, which is not supported: {SUPPORTED}"),
        "CERTIFICATE" | "TRUSTED CERTIFICATE" => "holds a certificate, and no private key".to_owned(),
        kind => format!("holds no private key, but {}", shown(kind)),
    }
}

/// Between `-----BEGIN ` and `-----` of the first section.
fn label(text: &[u8]) -> &str {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let at = text.windows(BEGIN.len()).position(|window| window == BEGIN).unwrap_or_default();
    let rest = text.get(at + BEGIN.len()..).unwrap_or_default();
    let end = rest.windows(5).position(|window| window == b"-----").unwrap_or_default();
    std::str::from_utf8(&rest[..end]).unwrap_or_default()
}

/// A label as it may be shown: it is whatever somebody wrote.
fn shown(label: &str) -> String {
    let plain = label.len() <= 40 && label.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if plain && !label.is_empty() { format!("a {label}") } else { "something else".to_owned() }
}

fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "its end is missing".to_owned(),
        pem::Error::Base64Decode(_) => "its base64 is wrong".to_owned(),
        other => other.to_string(),
    }
}

fn unsupported_key(der: &[u8]) -> Option<&'static str> {
    UNSUPPORTED.iter().find(|(identifier, _)| has(der, identifier)).map(|(_, kind)| *kind)
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What is in a DER sequence that fills `bytes`.
fn contents(bytes: &[u8]) -> Option<&[u8]> {
    let (length, header) = match *bytes {
        [0x30, short @ 0..=0x7f, ..] => (usize::from(short), 2),
        [0x30, 0x81, length, ..] => (usize::from(length), 3),
        [0x30, 0x82, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
        [0x30, 0x83, a, b, c, ..] => (usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?, 5),
        _ => return None,
    };
    let inside = bytes.get(header..)?;
    (inside.len() == length).then_some(inside)
}
