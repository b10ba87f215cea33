//! The peer connection of a stay, and its signalling.
//!
//! Invariant: a peer connection ends where it began: its end goes the way of its offer, whichever way the next one goes.

use super::contract::Output;
use super::effects::Effects;
use super::route::SignallingRoute;
use crate::model::event::{Event, QualityChange};
use crate::model::media::{Ask, LimitedBy, Path, PictureChange, SentPicture, Session};
use crate::model::message::{Signal, SignalBody};
use crate::model::sound::SpeakerStatus;

/// A broker may deliver an answer twice: only the first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExchangePhase {
    Open,
    Answered,
}

/// Whether media have flowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeerLife {
    New,
    WasLive,
}

#[derive(Debug)]
struct PeerSession {
    session: Session,
    /// What signals on the room's topics call it.
    name: String,
    route: SignallingRoute,
    exchange: ExchangePhase,
    life: PeerLife,
    /// Whether anything is heard of the far side.
    path: Path,
    speaker: SpeakerStatus,
    sent: Option<SentRate>,
}

/// What a peer connection sends, and why it is not more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SentRate {
    pub(super) picture: SentPicture,
    /// Kilobits a second that the path carries.
    pub(super) kbps: u32,
    pub(super) limited_by: LimitedBy,
}

impl SentRate {
    /// What the path carries, in words.
    pub(super) fn given(&self) -> String {
        let tenths = (self.kbps + 50) / 100;
        format!("the network gives {}.{} Mbit/s", tenths / 10, tenths % 10)
    }

    /// That the pictures are less than was asked for, in words; `None`: they are not.
    pub(super) fn reduced(&self) -> Option<String> {
        let SentPicture { width, height, frame_rate } = self.picture;
        let few = match frame_rate {
            0 => ", standing still",
            1..30 => ", 15 a second",
            30.. => "",
        };
        (self.limited_by == LimitedBy::Network)
            .then(|| format!("picture reduced to {width}x{height}{few}: {}", self.given()))
    }
}

/// The peer connections of a stay: the one that carries its media, or none between two.
#[derive(Debug, Default)]
pub(super) struct StayPeers {
    carrying: Option<PeerSession>,
}

impl StayPeers {
    /// A new peer connection in place of any before it.
    pub(super) fn start(&mut self, epoch: u64, route: SignallingRoute, effects: &mut Effects) -> Session {
        let name = effects.uuid();
        let session = Session { epoch, peer: effects.peer(), exchange: 1 };
        self.carrying = Some(PeerSession {
            session,
            name,
            route,
            exchange: ExchangePhase::Open,
            life: PeerLife::New,
            path: Path::Flowing,
            speaker: SpeakerStatus::Off,
            sent: None,
        });
        session
    }

    pub(super) fn is_none(&self) -> bool {
        self.carrying.is_none()
    }

    /// Whether this is the present peer connection.
    pub(super) fn is(&self, session: Session) -> bool {
        self.carrying.as_ref().is_some_and(|peer| peer.session.peer == session.peer)
    }

    pub(super) fn is_named(&self, name: &str) -> bool {
        self.carrying.as_ref().is_some_and(|peer| peer.name == name)
    }

    fn present(&mut self, session: Session) -> Option<&mut PeerSession> {
        self.carrying.as_mut().filter(|peer| peer.session == session)
    }

    /// The exchange that a signal of the stage belongs to; `None` if it is over.
    pub(super) fn exchange_of(&self, signal: &Signal) -> Option<Session> {
        let is_present =
            |peer: &&PeerSession| peer.name == signal.session && peer.session.exchange == signal.exchange;
        self.carrying.as_ref().filter(is_present).map(|peer| peer.session)
    }

    /// Signals to the far side; what belongs to an older exchange is dropped.
    pub(super) fn signal(&mut self, session: Session, body: SignalBody, effects: &mut Effects) {
        if let Some(peer) = self.present(session)
            && let Some(output) = peer.route.signal(session, &peer.name, body)
        {
            effects.output(output);
        }
    }

    /// Takes the answer of this exchange; whether it is the first.
    pub(super) fn answer(&mut self, session: Session) -> bool {
        let Some(peer) = self.present(session) else { return false };
        std::mem::replace(&mut peer.exchange, ExchangePhase::Answered) == ExchangePhase::Open
    }

    /// Media flow on the present peer connection.
    pub(super) fn went_live(&mut self) {
        if let Some(peer) = &mut self.carrying {
            peer.life = PeerLife::WasLive;
        }
    }

    /// Whether there is a peer connection on which media have flowed: it may speak again.
    pub(super) fn has_spoken(&self) -> bool {
        self.carrying.as_ref().is_some_and(|peer| peer.life == PeerLife::WasLive)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.carrying.as_ref().is_some_and(|peer| peer.exchange == ExchangePhase::Answered)
    }

    /// Takes what media say of the path; whether it is the present one's.
    pub(super) fn set_path(&mut self, session: Session, path: Path) -> bool {
        self.present(session).map(|peer| peer.path = path).is_some()
    }

    pub(super) fn path(&self) -> Option<Path> {
        self.carrying.as_ref().map(|peer| peer.path)
    }

    pub(super) fn set_speaker(&mut self, session: Session, status: SpeakerStatus) {
        if let Some(peer) = self.present(session) {
            peer.speaker = status;
        }
    }

    /// Takes what is sent now, and says how it has changed. The first picture of a peer connection is no change.
    pub(super) fn set_sent(
        &mut self,
        session: Session,
        sent: SentRate,
        change: PictureChange,
        effects: &mut Effects,
    ) {
        let Some(peer) = self.present(session) else { return };
        peer.sent = Some(sent);
        let said = QualityChange { picture: sent.picture, kbps: sent.kbps, why: sent.given() };
        match change {
            PictureChange::Begun => {}
            PictureChange::Reduced => effects.say(Event::QualityReduced(said)),
            PictureChange::Restored => effects.say(Event::QualityRestored(said)),
        }
    }

    pub(super) fn sent(&self) -> Option<SentRate> {
        self.carrying.as_ref()?.sent
    }

    pub(super) fn speaker(&self) -> SpeakerStatus {
        self.carrying.as_ref().map_or(SpeakerStatus::Off, |peer| peer.speaker)
    }

    /// Ends the peer connection; the stay goes on.
    pub(super) fn end(&mut self, effects: &mut Effects) {
        let Some(peer) = self.carrying.take() else { return };
        effects.ask(Ask::EndPeer { peer: peer.session.peer });
        if let Some(output) = peer.route.end(peer.session) {
            effects.output(output);
        }
    }

    /// What the far side is told when the stay ends.
    pub(super) fn bye(&self) -> Option<Output> {
        let peer = self.carrying.as_ref()?;
        peer.route.signal(peer.session, &peer.name, SignalBody::Bye(None))
    }
}
