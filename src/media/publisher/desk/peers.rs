//! The present peer: what it says, and its end.

use std::time::Instant;

use super::{Desk, LINK_EVERY};
use crate::media::publisher::events::PeerTold;
use crate::media::publisher::ladder::Expected;
use crate::media::publisher::path::PathWatch;
use crate::media::publisher::peer::Peer;
use crate::media::signals::Signal;
use crate::model::media::{Fault, Report, Session};

impl Desk {
    pub(in crate::media::publisher) fn peer_of(&mut self, session: Session) -> Option<&mut Peer> {
        self.peer.as_mut().filter(|peer| peer.session == session)
    }

    pub(in crate::media::publisher) fn end_peer(&mut self) {
        self.camera.bridge.lead_to(None);
        self.keep_encoder();
        let Some(peer) = self.peer.take() else { return };
        self.microphone.bridge.lead_to(None);
        self.recovery.rest();
        (self.next_stats, self.next_link) = (None, None);
        self.teardown.take(peer.session.peer, peer.into_remains());
    }

    pub(in crate::media::publisher) fn peer_failed(&mut self, fault: Fault) {
        if let Some(session) = self.peer.as_ref().map(|peer| peer.session) {
            self.end_peer();
            self.outbox.send(Report::PeerFailed { session, fault });
        }
    }

    /// Whether the far side is heard, at each tick.
    pub(super) fn look_after_path(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else { return };
        let Some(watch) = &mut peer.path else { return };
        if let Some(path) = watch.look(now, peer.arrivals.count()) {
            self.outbox.send(Report::Path { session: peer.session, path });
        }
    }

    /// Takes what the peer's callbacks say. An error ends the peer.
    pub(super) fn peer_told(&mut self, now: Instant, number: u64, told: PeerTold) -> Result<(), Fault> {
        let Some(peer) = self.peer.as_mut().filter(|peer| peer.session.peer == number) else { return Ok(()) };
        let session = peer.session;
        match told {
            PeerTold::Signal(Signal::Negotiate) => peer.negotiate(),
            PeerTold::Offer(offer) => {
                if let Some(sdp) = peer.offered(offer)? {
                    self.outbox.send(Report::Offer { session, sdp });
                }
            }
            PeerTold::Answered(outcome) => peer.answered(outcome)?,
            PeerTold::Signal(Signal::Candidate { line, text }) => {
                let candidate = Some(peer.local_candidate(line, text));
                self.outbox.send(Report::Candidate { session, candidate });
            }
            PeerTold::Signal(Signal::Gathered) => {
                self.outbox.send(Report::Candidate { session, candidate: None })
            }
            PeerTold::Signal(Signal::Connected) => {
                // The first one may have left before anybody could hear it.
                peer.force_key_frame();
                peer.connected = true;
                peer.path = Some(PathWatch::new(now, peer.arrivals.count(), peer.media));
                self.next_stats = Some((now + self.settings.stats_interval, self.meter.read(now)));
                self.next_link = Some(now + LINK_EVERY);
                self.outbox.send(Report::Connected { session });
                self.watch_encoder(now, Expected::Frames);
            }
            PeerTold::FirstPacket => {
                self.outbox.send(Report::FirstPacket { session });
                // Not before: nothing may keep this one waiting.
                self.paint(|_| {});
            }
            PeerTold::Signal(Signal::Stream(stream)) => peer.player.stream(now, stream),
            PeerTold::Speaker(playback) => peer.player.opened(now, playback),
            PeerTold::Turned { wanted, taken } => peer.player.turned(wanted, &taken),
            PeerTold::Latency => peer.recalculate_latency(),
            PeerTold::Link(link) => peer.link = link.after(peer.link),
            PeerTold::Playback(why) => peer.player.failed(now, why),
            PeerTold::EncoderBroke { number, why } => self.encoder_broke(now, number, why),
            PeerTold::Signal(Signal::Broken(fault)) | PeerTold::Broken(fault) => return Err(fault),
        }
        Ok(())
    }
}
