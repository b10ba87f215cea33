//! What webrtcbin says of itself, alike at both ends of a call.
//!
//! Invariant: callbacks hold the way to the thread, never an element.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use crate::model::Code;
use crate::model::media::Fault;

/// One such thing.
#[derive(Debug)]
pub enum Signal {
    /// It wants to offer.
    Negotiate,
    /// A local candidate.
    Candidate {
        /// Index of the section.
        line: u32,
        /// `candidate:…`
        text: String,
    },
    /// There will be no more local candidates.
    Gathered,
    /// ICE and DTLS are up.
    Connected,
    /// The other end sends something.
    Stream(Stream),
    /// It is over.
    Broken(Fault),
}

/// A stream of the other end, held until something takes it: only the thread that owns the pipeline builds.
#[derive(Debug)]
pub struct Stream {
    /// The pad it comes out of.
    pub pad: glib::WeakRef<gst::Pad>,
    /// Holds it back.
    pub block: gst::PadProbeId,
}

/// Tells of everything; `other` is what the other end is called in a sentence.
pub fn listen(
    webrtc: &gst::Element,
    other: &'static str,
    say: impl Fn(Signal) + Clone + Send + Sync + 'static,
) {
    let tell = say.clone();
    webrtc.connect("on-negotiation-needed", false, move |_| {
        tell(Signal::Negotiate);
        None
    });
    let tell = say.clone();
    webrtc.connect("on-ice-candidate", false, move |values| {
        if let (Some(Ok(line)), Some(Ok(text))) =
            (values.get(1).map(|value| value.get::<u32>()), values.get(2).map(|value| value.get::<String>()))
        {
            tell(Signal::Candidate { line, text });
        }
        None
    });
    let tell = say.clone();
    webrtc.connect_pad_added(move |_, pad| {
        if pad.direction() != gst::PadDirection::Src {
            return;
        }
        let block = pad.add_probe(gst::PadProbeType::BLOCK_DOWNSTREAM, |_, _| gst::PadProbeReturn::Ok);
        if let Some(block) = block {
            tell(Signal::Stream(Stream { pad: pad.downgrade(), block }));
        }
    });
    follow(webrtc, other, say);
}

/// The states that it goes through.
fn follow(webrtc: &gst::Element, other: &'static str, say: impl Fn(Signal) + Clone + Send + Sync + 'static) {
    let broken = |stage, detail| Signal::Broken(Fault::new(stage, Code::HostUnreachable, detail));
    let tell = say.clone();
    webrtc.connect_notify(Some("ice-gathering-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCICEGatheringState::Complete;
        if webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state") == Complete {
            tell(Signal::Gathered);
        }
    });
    let tell = say.clone();
    webrtc.connect_notify(Some("ice-connection-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCICEConnectionState::Failed;
        if webrtc.property::<gst_webrtc::WebRTCICEConnectionState>("ice-connection-state") == Failed {
            tell(broken("ice", format!("no way to {other} was found")));
        }
    });
    webrtc.connect_notify(Some("connection-state"), move |webrtc, _| {
        use gst_webrtc::WebRTCPeerConnectionState::{Connected, Failed};
        match webrtc.property::<gst_webrtc::WebRTCPeerConnectionState>("connection-state") {
            Connected => say(Signal::Connected),
            Failed => say(broken("dtls", format!("the connection to {other} failed"))),
            // On its way, or ended by us.
            _ => {}
        }
    });
}
