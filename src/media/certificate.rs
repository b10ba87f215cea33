//! The certificate that this process shows in DTLS: P-256 (RFC 8827, section 6.5), one per process, made at start, in memory only.
//!
//! GStreamer before 1.28 makes one of its own (an RSA key: 0.1–0.7 s here, seconds on a Pi) with the first `dtlsdec`, whatever that is
//! given later, and keeps it as long as one such element is alive. Nobody sees it, but the first call would wait for it. So one element is
//! made at start-up, on a thread of its own, and kept.

use std::sync::OnceLock;
use std::thread;

use gstreamer as gst;
use rcgen::{CertificateParams, DnType, KeyPair};

use super::fingerprint::Fingerprint;

/// What browsers call theirs: it says nothing of who shows it.
const NAME: &str = "WebRTC";

static OWN: OnceLock<Result<Own, String>> = OnceLock::new();
static KEPT: OnceLock<Option<gst::Element>> = OnceLock::new();

/// Certificate and key.
pub struct Own {
    /// Both, for `dtlsdec`. Never logged.
    pub pem: String,
    /// What descriptions say of the certificate.
    pub fingerprint: Fingerprint,
}

impl Own {
    /// A description of webrtcbin's, with the fingerprint of the certificate: webrtcbin makes one of the key as well.
    pub fn name_in(&self, sdp: &str) -> String {
        let own = format!("a=fingerprint:{}", self.fingerprint);
        let lines = sdp.lines().map(|line| if line.starts_with("a=fingerprint:") { &own } else { line });
        lines.flat_map(|line| [line, "\r\n"]).collect()
    }
}

impl std::fmt::Debug for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Own").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

/// That of this process; made the first time it is asked for.
///
/// # Errors
/// The system gives no random numbers.
pub fn own() -> Result<&'static Own, String> {
    let made = OWN.get_or_init(|| make().map_err(|error| format!("no certificate could be made: {error}")));
    made.as_ref().map_err(Clone::clone)
}

fn make() -> Result<Own, rcgen::Error> {
    // Its key is P-256 unless it is asked for another.
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, NAME);
    let certificate = parameters.self_signed(&key)?;
    let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
    Ok(Own { pem, fingerprint: Fingerprint::of(certificate.der()) })
}

/// Begins to make what the first call needs, if it was not made; does not wait for it. A peer that needs it sooner waits inside
/// GStreamer.
///
/// # Errors
/// As of [`own`].
pub fn warm_up() -> Result<(), String> {
    let own = own()?;
    if KEPT.get().is_some() {
        return Ok(());
    }
    let made = thread::Builder::new().name("certificate".into()).spawn(|| {
        KEPT.get_or_init(|| {
            // With it, what GStreamer makes of the own certificate is kept, too.
            gst::ElementFactory::make("dtlsdec").property("pem", &own.pem).build().ok()
        });
    });
    if let Err(error) = made {
        tracing::warn!("GStreamer makes its certificate with the first peer only: {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gstreamer::prelude::*;

    use super::*;

    #[test]
    fn it_is_one_for_the_process_and_its_key_is_p256() {
        let own = own().expect("it is made");
        assert_eq!(own.pem.matches("-----BEGIN ").count(), 2, "certificate and key");
        let again = super::own().expect("it was made");
        assert_eq!(own.fingerprint, again.fingerprint);
        assert!(!format!("{own:?}").contains("PRIVATE"), "and its key is not shown");
        let key =
            KeyPair::from_pem(own.pem.split_inclusive("END CERTIFICATE-----\n").last().expect("a part"));
        let key = key.expect("it is readable");
        assert!(key.is_compatible(&rcgen::PKCS_ECDSA_P256_SHA256), "{:?}", key.algorithm());
    }

    #[test]
    fn gstreamer_takes_it() {
        gst::init().expect("GStreamer starts");
        let own = own().expect("it is made");
        let element =
            gst::ElementFactory::make("dtlsdec").property("pem", &own.pem).build().expect("it is there");
        let kept: String = element.property("pem");
        assert!(kept.starts_with("-----BEGIN CERTIFICATE-----") && own.pem.contains(kept.trim()));
    }
}
