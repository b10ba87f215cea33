//! The media of those who sit: signalling with the own stage, and what is known of their connections.
//!
//! Invariant: whoever sits has a connection here, and nobody else has one, or a peer connection, or a return of its own.
//!
//! Not here: who sits where, and which devices are open ([`super::seats`]).

use std::collections::BTreeMap;
use std::time::Instant;

use super::contract::Output;
use super::effects::Effects;
use super::peers::{GuestPeers, Offered};
use super::returns::Returns;
use super::seats::{Occupant, Seats};
use super::snapshots::SeatSnapshots;
use super::viewers::Viewers;
use crate::model::command::Settled;
use crate::model::event::Event;
use crate::model::media::{Fault, SdpKind, SessionDescription, Ticket};
use crate::model::message::{Signal, SignalBody, ToGuest};
use crate::model::sound::{Audible, Return};
use crate::model::stage::{SeatStats, StageAsk, StagePeer, StageReport};
use crate::model::viewer::WatchEnd;
use crate::model::{ByeReason, Code, Connection, Operator, Phase, Refusal, User, UserId};

/// Whether `media_live` was said, and `media_lost` not since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MediaSeen {
    Live,
    NotLive,
}

#[derive(Debug)]
struct SeatConnection {
    connection: Connection,
    seen: MediaSeen,
}

#[derive(Debug, Default)]
pub(super) struct SeatMedia {
    connections: BTreeMap<UserId, SeatConnection>,
    peers: GuestPeers,
    returns: Returns,
    snapshots: SeatSnapshots,
    viewers: Viewers,
    speaking: Vec<UserId>,
}

impl SeatMedia {
    /// A guest sits down.
    pub(super) fn begin(&mut self, guest: &UserId, connection: Connection) {
        self.connections.insert(guest.clone(), SeatConnection { connection, seen: MediaSeen::NotLive });
    }

    /// A guest leaves its seat.
    pub(super) fn end(&mut self, user: &User, watched: WatchEnd, effects: &mut Effects) {
        self.peers.close(&user.user_id, effects);
        self.viewers.end_of(&user.user_id, watched, effects);
        self.lost(user, effects);
        self.connections.remove(&user.user_id);
        self.returns.forget(&user.user_id);
    }

    /// A guest leaves the room.
    pub(super) fn forget(&mut self, guest: &UserId) {
        self.peers.forget(guest);
    }

    /// The program ends.
    pub(super) fn close_peers(&mut self, effects: &mut Effects) {
        self.peers.close_all(effects);
    }

    pub(super) fn connection(&self, guest: &UserId) -> Option<Connection> {
        self.connections.get(guest).map(|seat| seat.connection)
    }

    pub(super) fn set_connection(&mut self, user: &User, connection: Connection, effects: &mut Effects) {
        let Some(seat) = self.connections.get_mut(&user.user_id) else { return };
        if seat.connection != connection {
            seat.connection = connection;
            effects.change_room();
            effects.say(Event::GuestConnection { user: user.clone(), connection });
        }
    }

    /// The stage receives media.
    fn live(&mut self, user: &User, effects: &mut Effects) {
        let Some(seat) = self.connections.get_mut(&user.user_id) else { return };
        let before = std::mem::replace(&mut seat.seen, MediaSeen::Live);
        effects.recover();
        self.set_connection(user, Connection::Connected, effects);
        if before == MediaSeen::NotLive {
            effects.say(Event::HostMediaLive { user: user.clone() });
        }
        if let Some(peer) = self.peers.of(&user.user_id) {
            self.viewers.media_live(&peer, effects);
        }
    }

    /// The stage receives none.
    fn silent(&mut self, user: &User, connection: Connection, effects: &mut Effects) {
        self.lost(user, effects);
        self.set_connection(user, connection, effects);
    }

    fn lost(&mut self, user: &User, effects: &mut Effects) {
        let Some(seat) = self.connections.get_mut(&user.user_id) else { return };
        if std::mem::replace(&mut seat.seen, MediaSeen::NotLive) == MediaSeen::Live {
            effects.say(Event::MediaLost { user: user.clone() });
        }
    }

    /// Ends the peer connection, while the guest stays on its seat.
    pub(super) fn drop_peer(&mut self, user: &User, connection: Connection, effects: &mut Effects) {
        self.peers.close(&user.user_id, effects);
        self.viewers.renew(&user.user_id, effects);
        self.silent(user, connection, effects);
    }

    /// A guest is back that was gone. Media may have gone on all the while: the broker was away, not the peer.
    pub(super) fn returned(&mut self, user: &User, effects: &mut Effects) {
        let Some(seat) = self.connections.get(&user.user_id) else { return };
        let connection = match seat.seen {
            MediaSeen::Live => Connection::Connected,
            MediaSeen::NotLive => Connection::Connecting,
        };
        self.set_connection(user, connection, effects);
    }

    /// What a guest says of its media, where the stage is somebody else's.
    pub(super) fn phase(&mut self, user: &User, phase: Phase, effects: &mut Effects) {
        match phase {
            Phase::Live => self.live(user, effects),
            Phase::Preparing | Phase::Negotiating | Phase::Connecting => {
                self.silent(user, Connection::Connecting, effects);
            }
            Phase::Recovering | Phase::Leaving => self.silent(user, Connection::Lost, effects),
        }
    }

    /// A signal of a guest that sits.
    pub(super) fn signal(&mut self, occupant: &Occupant, signal: Signal, effects: &mut Effects) {
        let Signal { session, exchange, body } = signal;
        let (user, media) = (&occupant.user, occupant.media);
        let guest = &user.user_id;
        match body {
            SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp }) => {
                let peer = match self.peers.offered(guest, &session, exchange) {
                    Offered::Past => return,
                    Offered::Known(peer) => peer,
                    Offered::New => {
                        self.drop_peer(user, Connection::Connecting, effects);
                        self.peers.open(guest, session, exchange, effects)
                    }
                };
                effects.ask(StageAsk::Offer { peer, exchange, media, sdp });
            }
            SignalBody::Candidate(candidate) => {
                if let Some(peer) = self.peers.in_exchange(guest, &session, exchange) {
                    effects.ask(StageAsk::Candidate { peer, exchange, candidate });
                }
            }
            SignalBody::Bye(_) => {
                if self.peers.is_open(guest, &session) {
                    self.drop_peer(user, Connection::Connecting, effects);
                }
            }
            SignalBody::Description(SessionDescription { kind: SdpKind::Answer, .. }) => {}
        }
    }

    /// What the own stage reports of the guests in `seats`. A report about a peer connection that is over comes late.
    pub(super) fn report(&mut self, report: StageReport, seats: &Seats, now: Instant, effects: &mut Effects) {
        match report {
            StageReport::Answer { peer, exchange, sdp } => {
                let answer = SessionDescription { kind: SdpKind::Answer, sdp };
                self.signal_back(&peer, exchange, SignalBody::Description(answer), effects);
            }
            StageReport::Candidate { peer, exchange, candidate } => {
                self.signal_back(&peer, exchange, SignalBody::Candidate(candidate), effects);
            }
            StageReport::Live { peer } => {
                if let Some((_, occupant)) = self.current(&peer, seats) {
                    self.live(&occupant.user, effects);
                }
            }
            StageReport::Silent { peer } => {
                if let Some((_, occupant)) = self.current(&peer, seats) {
                    self.silent(&occupant.user, Connection::Lost, effects);
                }
            }
            StageReport::Failed { peer, fault } => {
                if let Some((_, occupant)) = self.current(&peer, seats) {
                    self.failed(&occupant.user, &peer, fault, effects);
                }
            }
            StageReport::Speaking(users) => self.speaking = users,
            StageReport::Stats(stats) => {
                let seat = |(peer, stats): (StagePeer, SeatStats)| {
                    let (index, _) = self.current(&peer, seats)?;
                    Some((peer.guest, index, stats))
                };
                effects.push(Output::Stats(stats.into_iter().filter_map(seat).collect()));
            }
            StageReport::Snapshot { ticket, picture } => self.snapshots.settle(ticket, picture, effects),
            StageReport::Viewer { viewer, report } => self.viewers.report(viewer, report, now, effects),
        }
    }

    /// Whose present peer connection this is.
    fn current<'a>(&self, peer: &StagePeer, seats: &'a Seats) -> Option<(u32, &'a Occupant)> {
        seats.occupant(&peer.guest).filter(|_| self.peers.is_current(peer))
    }

    /// A signal of the stage, if its peer connection is still in that exchange.
    fn signal_back(&self, peer: &StagePeer, exchange: u32, body: SignalBody, effects: &mut Effects) {
        let signal = self.peers.signal(peer, body);
        if let Some(signal) = signal.filter(|signal| signal.exchange == exchange) {
            effects.tell(&peer.guest, ToGuest::Signal(signal));
        }
    }

    /// A present peer connection broke; the guest makes another one.
    fn failed(&mut self, user: &User, peer: &StagePeer, fault: Fault, effects: &mut Effects) {
        let body = SignalBody::Bye(ByeReason::try_from(fault.detail.clone()).ok());
        if let Some(bye) = self.peers.signal(peer, body) {
            effects.fail(Refusal::new(fault.code, fault.detail));
            effects.tell(&peer.guest, ToGuest::Signal(bye));
            self.drop_peer(user, Connection::Lost, effects);
        }
    }

    /// Who sits and is louder than −45 dBFS.
    pub(super) fn speaking(&self) -> impl Iterator<Item = &UserId> {
        self.speaking.iter().filter(|guest| self.connections.contains_key(guest))
    }

    pub(super) fn set_return(&mut self, guest: &UserId, returned: Return) {
        self.returns.set(guest, returned);
    }

    /// Tells the stage who hears this guest and what it hears, if that is news.
    pub(super) fn update_sound(
        &mut self,
        guest: &UserId,
        audible: Audible,
        default: Return,
        effects: &mut Effects,
    ) {
        if let Some(peer) = self.peers.of(guest) {
            self.returns.update(peer, audible, default, effects);
        }
    }

    pub(super) fn take_snapshot(&mut self, guest: &UserId, now: Instant, effects: &mut Effects) -> Settled {
        match self.peers.of(guest) {
            Some(peer) => self.snapshots.ask(peer, now, effects),
            None => Err(no_picture(format!("the stage has no picture of {guest}"))),
        }
    }

    pub(super) fn snapshot_late(&mut self, ticket: Ticket, effects: &mut Effects) {
        let late = no_picture("the stage gave no picture in time".to_owned());
        self.snapshots.settle(ticket, Err(late), effects);
    }

    /// Nothing of what commands wait for comes any more.
    pub(super) fn refuse_pending(&mut self, refusal: &Refusal, effects: &mut Effects) {
        self.snapshots.refuse_all(refusal, effects);
        self.viewers.stop(refusal, effects);
    }

    /// Begins a session; its offer waits until the media of that guest are live.
    ///
    /// # Errors
    /// `too_many_sessions`
    pub(super) fn watch(
        &mut self,
        user: User,
        operator: Option<Operator>,
        now: Instant,
        most: usize,
        effects: &mut Effects,
    ) -> Settled {
        let is_live = |seat: &SeatConnection| seat.seen == MediaSeen::Live;
        let live = self.connections.get(&user.user_id).is_some_and(is_live);
        let peer = self.peers.of(&user.user_id).filter(|_| live);
        self.viewers.watch(user, peer, operator, now, most, effects)
    }

    pub(super) fn viewers(&self) -> &Viewers {
        &self.viewers
    }

    pub(super) fn viewers_mut(&mut self) -> &mut Viewers {
        &mut self.viewers
    }
}

fn no_picture(why: String) -> Refusal {
    Refusal::new(Code::PermissionDenied, why)
}
