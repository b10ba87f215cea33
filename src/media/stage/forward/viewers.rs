//! All viewers of the stage.
//!
//! Invariant: each ask to open one is answered by its offer or by a failure; what is said of one that is over is dropped. What is to be
//! reported, and what is to be stopped, waits here until the stage's thread takes it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::stream::ForwardedStream;
use super::viewer::{ViewerEvent, ViewerPeer};
use super::watched::Watched;
use crate::media::core::event_sender::EventSender;
use crate::media::stage::reservations::Reservations;
use crate::media::teardown::Remains;
use crate::media::webrtc::Ice;
use crate::model::Code;
use crate::model::media::Fault;
use crate::model::stage::{StageReport, ViewerAsk, ViewerReport};

/// Of one guest a key frame is asked for at most so often, for all its viewers together (protocol, *Watching*).
const KEY_FRAME_PAUSE: Duration = Duration::from_secs(1);

/// The viewers, by their numbers.
#[derive(Debug)]
pub struct Forwarder {
    ice: Ice,
    viewers: BTreeMap<u64, ViewerPeer>,
    /// When a key frame was asked for last, by guests' peer connections that are watched.
    asked: BTreeMap<u64, Instant>,
    reports: Vec<StageReport>,
    over: Vec<(u64, Remains)>,
}

impl Forwarder {
    /// With no viewer yet.
    pub fn new(ice: Ice) -> Self {
        Self { ice, viewers: BTreeMap::new(), asked: BTreeMap::new(), reports: Vec::new(), over: Vec::new() }
    }

    /// Opens one, if there is something to watch, and room for it.
    pub fn open(
        &mut self,
        viewer: u64,
        watched: Option<Watched>,
        events: EventSender<ViewerEvent>,
        reservations: &mut Reservations,
    ) {
        let over = || Fault::new("stage", Code::HostUnreachable, "the guest's peer connection is over");
        let opened = watched.ok_or_else(over).and_then(|watched| {
            reservations.take_for_viewer(viewer)?;
            ViewerPeer::open(viewer, watched, &self.ice, events).inspect_err(|_| reservations.release(viewer))
        });
        match opened {
            Ok(peer) => drop(self.viewers.insert(viewer, peer)),
            Err(fault) => self.report(viewer, ViewerReport::Failed { fault }),
        }
    }

    /// Does what the host asks of one that is open.
    pub fn ask(&mut self, viewer: u64, ask: ViewerAsk) {
        let Some(peer) = self.viewers.get_mut(&viewer) else { return };
        match ask {
            ViewerAsk::Answer { sdp } => {
                if let Some(report) = peer.answer(&sdp) {
                    self.report(viewer, report);
                }
            }
            ViewerAsk::Talk(talk) => peer.talk(talk),
            ViewerAsk::Close => self.end(viewer),
            // It is open.
            ViewerAsk::Open { .. } => {}
        }
    }

    /// Takes what a callback says.
    pub fn event(&mut self, viewer: u64, event: ViewerEvent) {
        let Some(peer) = self.viewers.get_mut(&viewer) else { return };
        match peer.event(Instant::now(), event) {
            Ok(None) => {}
            Ok(Some(report)) => self.report(viewer, report),
            Err(fault) => {
                tracing::debug!(viewer, "a viewer is over: {}: {}", fault.stage, fault.detail);
                self.end(viewer);
                self.report(viewer, ViewerReport::Failed { fault });
            }
        }
    }

    /// Looks after all.
    pub fn tick(&mut self, now: Instant) {
        let reports: Vec<_> =
            self.viewers.iter_mut().filter_map(|(viewer, peer)| Some((*viewer, peer.tick(now)?))).collect();
        reports.into_iter().for_each(|(viewer, report)| self.report(viewer, report));
    }

    /// The guest's peer connection is over, and with it all that show it.
    pub fn end_of(&mut self, peer: u64) {
        let of_it = |(viewer, shows): (&u64, &ViewerPeer)| (shows.peer() == peer).then_some(*viewer);
        let gone: Vec<u64> = self.viewers.iter().filter_map(of_it).collect();
        gone.into_iter().for_each(|viewer| self.end(viewer));
        self.asked.remove(&peer);
    }

    /// Whether a viewer of this guest lacks a key frame, and it is time to ask for one.
    pub fn wants_key_frame(&mut self, now: Instant, peer: u64, pictures: &ForwardedStream) -> bool {
        let since = self.asked.get(&peer).map(|at| now.saturating_duration_since(*at));
        let is_due = pictures.lacks() && since.is_none_or(|since| since >= KEY_FRAME_PAUSE);
        if is_due {
            pictures.take_lack();
            self.asked.insert(peer, now);
        }
        is_due
    }

    /// What is to be reported.
    pub fn reports(&mut self) -> Vec<StageReport> {
        std::mem::take(&mut self.reports)
    }

    /// What is to be stopped, by number.
    pub fn over(&mut self) -> Vec<(u64, Remains)> {
        std::mem::take(&mut self.over)
    }

    fn end(&mut self, viewer: u64) {
        if let Some(peer) = self.viewers.remove(&viewer) {
            self.over.push((viewer, peer.into_remains()));
        }
    }

    fn report(&mut self, viewer: u64, report: ViewerReport) {
        self.reports.push(StageReport::Viewer { viewer, report });
    }
}
