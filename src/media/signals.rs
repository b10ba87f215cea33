//! What webrtcbin says of itself, alike at both ends of a call.
//!
//! Invariant: callbacks hold the way to the thread, never an element.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use super::description;
use super::streams::{Stream, Streams};
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

/// Tells of everything; `other` is what the other end is called in a sentence. What that sends is held back by what is returned.
pub fn listen(
    webrtc: &gst::Element,
    other: &'static str,
    say: impl Fn(Signal) + Clone + Send + Sync + 'static,
) -> Streams {
    let tell = say.clone();
    webrtc.connect("on-negotiation-needed", false, move |_| {
        tell(Signal::Negotiate);
        None
    });
    let tell = say.clone();
    webrtc.connect("on-ice-candidate", false, move |values| {
        if let (Some(Ok(line)), Some(Ok(text))) =
            (values.get(1).map(|value| value.get::<u32>()), values.get(2).map(|value| value.get::<String>()))
            && description::is_told(&text)
        {
            tell(Signal::Candidate { line, text });
        }
        None
    });
    let streams = Streams::default();
    let (tell, held) = (say.clone(), streams.clone());
    webrtc.connect_pad_added(move |_, pad| {
        if pad.direction() == gst::PadDirection::Src
            && let Some(stream) = held.hold(pad)
        {
            tell(Signal::Stream(stream));
        }
    });
    follow(webrtc, other, say);
    streams
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
