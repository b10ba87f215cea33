//! What stands between ICE and a call: DTLS with the certificate of this process, and gates that stay shut until the other end has shown
//! the one that its description names (RFC 8827, section 5.6.4). webrtcbin does not look.
//!
//! ```text
//! dtlssrtpenc ─► gate ─► nicesink        nicesrc ─► gate ─► dtlssrtpdec
//! ```
//! Invariant: while the certificate is awaited nothing but its handshake passes, in either direction; once it is refused nothing does,
//! not even the rest of the handshake. What comes in names a bounded number of sources. Callbacks hold a gate, never an element.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::certificate::{self, Own};
use super::fingerprint::Fingerprints;
use super::signals::Signal;
use super::sources::Sources;
use super::webrtc;
use crate::model::Code;
use crate::model::media::Fault;

/// The gates of one peer connection, and what its description names.
#[derive(Debug, Clone, Default)]
pub struct Gates(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The certificates that the accepted description names, section by section; none before there is one.
    named: Option<Vec<Fingerprints>>,
    /// By the name that webrtcbin gave the transport: one, or one for each section.
    transports: BTreeMap<String, Transport>,
    /// How a refusal is told; nothing, once it was.
    tell: Option<Refusal>,
}

struct Refusal(Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refusal")
    }
}

#[derive(Debug, Default)]
struct Transport {
    gate: Arc<Gate>,
    /// What the other end showed, in DER; nothing, if it cannot be read.
    shown: Option<Vec<u8>>,
}

/// What passes.
#[derive(Debug, Default)]
struct Gate(AtomicU8);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Awaited,
    Trusted,
    Refused,
}

impl Gate {
    const AWAITED: u8 = 0;
    const TRUSTED: u8 = 1;

    fn verdict(&self) -> Verdict {
        match self.0.load(Ordering::Acquire) {
            Self::AWAITED => Verdict::Awaited,
            Self::TRUSTED => Verdict::Trusted,
            _ => Verdict::Refused,
        }
    }

    /// A refusal is for good.
    fn set(&self, verdict: Verdict) {
        if self.verdict() != Verdict::Refused {
            self.0.store(verdict as u8, Ordering::Release);
        }
    }

    fn passes(&self, packet: &gst::BufferRef) -> bool {
        match self.verdict() {
            Verdict::Awaited => is_dtls(packet),
            Verdict::Trusted => true,
            Verdict::Refused => false,
        }
    }

    /// In the way of what goes out.
    fn stand_at(self: &Arc<Self>, pad: &gst::Pad) {
        let gate = Arc::clone(self);
        sift(pad, move |packet| gate.passes(packet));
    }

    /// In the way of what comes in.
    fn stand_before(self: &Arc<Self>, decoder: &gst::Element) {
        let sources = Arc::<Mutex<Sources>>::default();
        let count = |sources: &Mutex<Sources>, packet: &gst::BufferRef, admit: Admit| {
            let Ok(bytes) = packet.map_readable() else { return false };
            admit(&mut sources.lock().unwrap_or_else(PoisonError::into_inner), &bytes)
        };
        if let Some(pad) = decoder.static_pad("sink") {
            let (gate, sources) = (Arc::clone(self), Arc::clone(&sources));
            sift(&pad, move |packet| {
                gate.passes(packet) && count(&sources, packet, Sources::admit_protected)
            });
        }
        if let Some(pad) = decoder.static_pad("rtcp_src") {
            sift(&pad, move |packet| count(&sources, packet, Sources::admit_reports));
        }
    }
}

type Admit = fn(&mut Sources, &[u8]) -> bool;

/// Lets through this pad what passes. Of a list all of it must.
fn sift(pad: &gst::Pad, passes: impl Fn(&gst::BufferRef) -> bool + Send + Sync + 'static) {
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let passes = match &info.data {
            Some(gst::PadProbeData::Buffer(packet)) => passes(packet),
            Some(gst::PadProbeData::BufferList(list)) => list.iter().all(&passes),
            Some(_) | None => false,
        };
        // Not `Drop`, as in `encoder::frames`: GStreamer would drop it a second time.
        if passes { gst::PadProbeReturn::Ok } else { gst::PadProbeReturn::Handled }
    });
}

/// RFC 7983: the records of DTLS begin with 20 … 63.
fn is_dtls(packet: &gst::BufferRef) -> bool {
    let mut first = [0];
    packet.copy_to_slice(0, &mut first).is_ok() && (20..64).contains(&first[0])
}

/// Gives every transport of `webrtc` the certificate of this process, and gates. Before it has a transport; `other` is what the other end is
/// called in a sentence. A refusal is said once.
///
/// # Errors
/// There is no certificate.
pub fn guard(
    webrtc: &gst::Element,
    other: &'static str,
    say: impl FnOnce(Signal) + Send + 'static,
) -> Result<Gates, glib::BoolError> {
    let own = certificate::own().map_err(|why| glib::bool_error!("{why}"))?;
    let bin = webrtc.downcast_ref::<gst::Bin>().ok_or_else(|| glib::bool_error!("webrtcbin is no bin"))?;
    let gates = Gates::default();
    let why = format!("{other} shows a certificate that its description does not name");
    let tell = move || say(Signal::Broken(Fault::new("dtls", Code::PeerNotTrusted, why)));
    gates.at(|state| state.tell = Some(Refusal(Box::new(tell))));
    let held = gates.clone();
    bin.connect_deep_element_added(move |_, _, element| {
        let Some(factory) = element.factory() else { return };
        match factory.name().as_str() {
            "dtlssrtpenc" => held.outgoing(element),
            "dtlssrtpdec" => held.incoming(element, own),
            _ => {}
        }
    });
    Ok(gates)
}

/// A description that webrtcbin made, changed by `change`, with the fingerprint of the certificate; and as text.
///
/// # Errors
/// It cannot be read, or there is no certificate.
pub fn described(
    made: &gst_webrtc::WebRTCSessionDescription,
    change: impl FnOnce(&str) -> String,
) -> Result<(gst_webrtc::WebRTCSessionDescription, String), String> {
    let text = made.sdp().as_text().map_err(|error| error.to_string())?;
    let text = certificate::own()?.name_in(&change(&text));
    Ok((webrtc::parsed(made.type_(), &text)?, text))
}

/// What webrtcbin called a transport, and what it is called from now on: `dtlsdec` has one connection for each name, and one that
/// exists keeps the certificate it began with.
fn rename(element: &gst::Element) -> String {
    let name: Option<String> = element.property("connection-id");
    let name = name.unwrap_or_default();
    element.set_property("connection-id", format!("{name}-own"));
    name
}

impl Gates {
    /// What the accepted description names. Before webrtcbin gets it.
    pub fn name(&self, named: Vec<Fingerprints>) {
        self.judge(|state| state.named = Some(named));
    }

    fn outgoing(&self, encoder: &gst::Element) {
        let gate = self.gate(rename(encoder));
        if let Some(pad) = encoder.static_pad("src") {
            gate.stand_at(&pad);
        }
    }

    fn incoming(&self, decoder: &gst::Element, own: &Own) {
        decoder.set_property("pem", &own.pem);
        let name = rename(decoder);
        self.gate(name.clone()).stand_before(decoder);
        let gates = self.clone();
        // In the midst of the handshake: its keys are not made before this returns.
        decoder.connect_notify(Some("peer-pem"), move |decoder, _| {
            let pem: Option<String> = decoder.property("peer-pem");
            let der = pem.and_then(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok());
            let der = der.map(|der| der.to_vec()).unwrap_or_default();
            gates.judge(|state| {
                if let Some(transport) = state.transports.get_mut(&name) {
                    transport.shown = Some(der);
                }
            });
        });
    }

    fn gate(&self, name: String) -> Arc<Gate> {
        self.at(|state| Arc::clone(&state.transports.entry(name).or_default().gate))
    }

    /// Takes what has become known, compares what was shown with what is named where both are known, and tells the first refusal.
    fn judge(&self, know: impl FnOnce(&mut State)) {
        let tell = self.at(|state| {
            know(state);
            let named = state.named.as_ref()?;
            for transport in state.transports.values() {
                let Some(shown) = &transport.shown else { continue };
                let trusted = named.iter().any(|section| section.name(shown));
                transport.gate.set(if trusted { Verdict::Trusted } else { Verdict::Refused });
            }
            let refused = |transport: &Transport| transport.gate.verdict() == Verdict::Refused;
            state.tell.take_if(|_| state.transports.values().any(refused))
        });
        if let Some(Refusal(tell)) = tell {
            tell();
        }
    }

    fn at<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
