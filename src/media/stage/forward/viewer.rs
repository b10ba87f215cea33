//! One viewer's peer connection: its offer, its answer, and the ways into and out of it.
//!
//! ```text
//! negotiate ─► create offer ─► set local ─► gathered, or a second ─► Offer ─► (answer) set remote ─► Answered ─► connected ─► fed
//! ```
//! Invariant: only the stage's thread changes anything here; callbacks hold the way to it, never an element. Nothing is put into it before
//! it is connected, so that it begins with what is sent then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use super::bucket::TokenBucket;
use super::feed::{Feed, feed, take_voice};
use super::offer;
use super::signs::{Sign, SignsOfLife};
use super::voice::ViewerVoice;
use super::watched::Watched;
use crate::media::arrivals::Arrivals;
use crate::media::core::event_sender::EventSender;
use crate::media::description::{Bundling, Description, Kind};
use crate::media::opus;
use crate::media::signals::Signal;
use crate::media::stage::connection::StageConnection;
use crate::media::teardown::Remains;
use crate::media::transport;
use crate::media::webrtc::{self, Ice};
use crate::model::Code;
use crate::model::media::Fault;
use crate::model::stage::ViewerReport;
use crate::model::viewer::Talk;

/// What the other end is called in a sentence.
const VIEWER: &str = "the viewer";
/// Candidates are gathered no longer (protocol, *Watching*).
const GATHERING: Duration = Duration::from_secs(1);
/// Reports a second that are read; a browser on a bad network sends half as many.
const REPORTS: u32 = 100;
/// Packets a second that are sent again: as many as 720p has.
const SENT_AGAIN: u32 = 200;

/// What the callbacks of a viewer say.
#[derive(Debug)]
pub enum ViewerEvent {
    /// webrtcbin says something of itself.
    Signal(Signal),
    /// It made the offer, or not.
    Offer(Result<Box<gst_webrtc::WebRTCSessionDescription>, String>),
    /// It took the answer, or not.
    Answered(Result<(), String>),
    /// It lacks a key frame.
    LacksKeyFrame,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OfferStep {
    Making,
    Gathering {
        until: Instant,
    },
    Offered,
    /// The answer is with webrtcbin.
    Answering,
    Answered,
}

/// One viewer's peer connection.
#[derive(Debug)]
pub struct ViewerPeer {
    number: u64,
    peer: u64,
    connection: StageConnection,
    feeds: Vec<Feed>,
    voice: ViewerVoice,
    step: OfferStep,
    /// As it is told, when it is whole.
    offer: String,
    candidates: Vec<(u32, String)>,
    /// Those of the viewer, until webrtcbin has its answer.
    early: Vec<(u32, String)>,
    arrivals: Arc<Arrivals>,
    /// Since it is connected.
    signs: Option<SignsOfLife>,
    events: EventSender<ViewerEvent>,
}

impl ViewerPeer {
    /// Builds and starts one that will offer what this guest sends.
    ///
    /// # Errors
    /// An element is not to be made.
    pub fn open(
        number: u64,
        watched: Watched,
        ice: &Ice,
        events: EventSender<ViewerEvent>,
    ) -> Result<Self, Fault> {
        let broken = |error: glib::BoolError| Fault::new("element", Code::HostUnreachable, error.to_string());
        let say = events.clone();
        let say = move |signal| say.notify(ViewerEvent::Signal(signal));
        let connection =
            StageConnection::build(ice, Bundling::Bundled, VIEWER, say.clone()).map_err(broken)?;
        let arrivals = Arc::<Arrivals>::default();
        arrivals.watch(&connection.webrtc);
        bound(&connection.webrtc);
        listen_to_bus(&connection.pipeline, say);
        let feeds = watched.streams.into_iter().map(|(sent, stream)| {
            let events = events.clone();
            feed(&connection, &sent, stream, move || events.notify(ViewerEvent::LacksKeyFrame))
        });
        let feeds = feeds.collect::<Result<Vec<Feed>, _>>().map_err(broken)?;
        if feeds.iter().all(|feed| feed.kind == Kind::Video) {
            take_voice(&connection.webrtc);
        }
        if connection.pipeline.set_state(gst::State::Playing).is_err() {
            let why = Fault::new("element", Code::HostUnreachable, "webrtcbin did not start");
            events.notify(ViewerEvent::Signal(Signal::Broken(why)));
        }
        Ok(Self {
            number,
            peer: watched.peer,
            connection,
            feeds,
            voice: ViewerVoice::new(watched.ear),
            step: OfferStep::Making,
            offer: String::new(),
            candidates: Vec::new(),
            early: Vec::new(),
            arrivals,
            signs: None,
            events,
        })
    }

    /// The guest's peer connection that it shows.
    pub fn peer(&self) -> u64 {
        self.peer
    }

    /// Takes what its callbacks say; what is to be reported.
    ///
    /// # Errors
    /// The fault that ends it.
    pub fn event(&mut self, now: Instant, event: ViewerEvent) -> Result<Option<ViewerReport>, Fault> {
        match event {
            ViewerEvent::Signal(Signal::Negotiate) => self.negotiate(),
            ViewerEvent::Offer(made) => self.made(now, made)?,
            ViewerEvent::Signal(Signal::Candidate { line, text }) => self.candidates.push((line, text)),
            ViewerEvent::Signal(Signal::Gathered) => return Ok(self.gathered()),
            ViewerEvent::Answered(outcome) => return Ok(self.answered(outcome)),
            ViewerEvent::Signal(Signal::Connected) => return Ok(self.connected(now)),
            ViewerEvent::Signal(Signal::Stream(stream)) => {
                let linked =
                    stream.pad().map_or(Ok(()), |pad| self.voice.link(&self.connection.pipeline, &pad));
                drop(stream);
                linked.map_err(|error| Fault::new("decoder", Code::HostUnreachable, error.to_string()))?;
            }
            // Only to wake the stage's thread.
            ViewerEvent::LacksKeyFrame => {}
            ViewerEvent::Signal(Signal::Broken(fault)) => return Err(fault),
        }
        Ok(None)
    }

    /// webrtcbin is ready to offer; it says so more often than it is asked.
    fn negotiate(&self) {
        if self.step != OfferStep::Making {
            return;
        }
        let events = self.events.clone();
        webrtc::create_offer(&self.connection.webrtc, move |made| events.notify(ViewerEvent::Offer(made)));
    }

    fn made(
        &mut self,
        now: Instant,
        made: Result<Box<gst_webrtc::WebRTCSessionDescription>, String>,
    ) -> Result<(), Fault> {
        if self.step != OfferStep::Making {
            return Ok(());
        }
        let wrong = |why: String| Fault::new("sdp", Code::HostUnreachable, why);
        let (made, text) =
            transport::described(&*made.map_err(wrong)?, opus::with_in_band_fec).map_err(wrong)?;
        let webrtc = &self.connection.webrtc;
        webrtc.emit_by_name::<()>("set-local-description", &[&made, &None::<gst::Promise>]);
        self.offer = text;
        self.step = OfferStep::Gathering { until: now + GATHERING };
        Ok(())
    }

    /// There is no candidate more, or they were waited for long enough.
    fn gathered(&mut self) -> Option<ViewerReport> {
        let OfferStep::Gathering { .. } = self.step else { return None };
        self.step = OfferStep::Offered;
        self.offer = offer::with_candidates(&self.offer, &self.candidates);
        Some(ViewerReport::Offer { sdp: self.offer.clone() })
    }

    /// Takes the viewer's answer.
    pub fn answer(&mut self, sdp: &str) -> Option<ViewerReport> {
        if self.step != OfferStep::Offered {
            return None;
        }
        let read = Description::answer(sdp, &self.offer)
            .map_err(|why| why.to_string())
            .and_then(|answer| Ok((webrtc::parsed(gst_webrtc::WebRTCSDPType::Answer, &answer.sdp)?, answer)));
        let (description, answer) = match read {
            Ok(read) => read,
            Err(why) => return Some(ViewerReport::Answered(Err(why))),
        };
        self.connection.gates.name(answer.certificates);
        self.early = answer.candidates;
        self.step = OfferStep::Answering;
        let events = self.events.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let outcome = webrtc::outcome(reply).map(|_| ());
            events.notify(ViewerEvent::Answered(outcome));
        });
        self.connection.webrtc.emit_by_name::<()>("set-remote-description", &[&description, &promise]);
        None
    }

    fn answered(&mut self, outcome: Result<(), String>) -> Option<ViewerReport> {
        if self.step != OfferStep::Answering {
            return None;
        }
        self.step = if outcome.is_ok() { OfferStep::Answered } else { OfferStep::Offered };
        for (line, candidate) in self.early.drain(..) {
            self.connection.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate.as_str()]);
        }
        Some(ViewerReport::Answered(outcome))
    }

    /// ICE and DTLS are up: what the guest sends goes to it from now on.
    fn connected(&mut self, now: Instant) -> Option<ViewerReport> {
        if self.signs.is_some() {
            return None;
        }
        self.signs = Some(SignsOfLife::new(now, self.arrivals.count()));
        for feed in &self.feeds {
            feed.stream.add(self.number, feed.source.clone());
        }
        Some(ViewerReport::Heard)
    }

    /// Looks after it; what is to be reported.
    pub fn tick(&mut self, now: Instant) -> Option<ViewerReport> {
        match self.step {
            OfferStep::Gathering { until } if now >= until => return self.gathered(),
            OfferStep::Making
            | OfferStep::Gathering { .. }
            | OfferStep::Offered
            | OfferStep::Answering
            | OfferStep::Answered => {}
        }
        let sign = self.signs.as_mut()?.look(now, self.arrivals.count())?;
        Some(match sign {
            Sign::Heard => ViewerReport::Heard,
            Sign::Silent(since) => ViewerReport::Silent { since },
        })
    }

    /// Whether the guest hears it.
    pub fn talk(&self, talk: Talk) {
        self.voice.set(talk);
    }

    /// Nothing goes to it any more; what is to be stopped.
    pub fn into_remains(self) -> Remains {
        self.feeds.iter().for_each(|feed| feed.stream.remove(self.number));
        self.connection.into_remains()
    }
}

/// What a viewer may cost: reports that are read, and packets that are sent again.
fn bound(webrtc: &gst::Element) {
    let Some(bin) = webrtc.downcast_ref::<gst::Bin>() else { return };
    bin.connect_deep_element_added(|_, _, element| {
        let Some(factory) = element.factory() else { return };
        match factory.name().as_str() {
            "dtlssrtpdec" => limit(element, "rtcp_src", gst::PadProbeType::BUFFER, REPORTS),
            "rtprtxsend" => limit(element, "src", gst::PadProbeType::EVENT_UPSTREAM, SENT_AGAIN),
            _ => {}
        }
    });
}

/// So many a second pass this pad.
fn limit(element: &gst::Element, pad: &str, kind: gst::PadProbeType, per_second: u32) {
    let Some(pad) = element.static_pad(pad) else { return };
    let bucket = Mutex::new(TokenBucket::new(per_second, per_second));
    pad.add_probe(kind, move |_, info| {
        let counts = info.event().is_none_or(|event| event.type_() == gst::EventType::CustomUpstream);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        // Not `Drop`, as in `encoder::frames`: GStreamer would drop it a second time.
        if !counts || bucket.take(Instant::now()) {
            gst::PadProbeReturn::Ok
        } else {
            gst::PadProbeReturn::Handled
        }
    });
}

fn listen_to_bus(pipeline: &gst::Pipeline, say: impl Fn(Signal) + Send + Sync + 'static) {
    let Some(bus) = pipeline.bus() else { return };
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            let why = error.error().to_string();
            say(Signal::Broken(Fault::new("transport", Code::HostUnreachable, why)));
        }
        gst::BusSyncReply::Drop
    });
}
