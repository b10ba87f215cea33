//! The seats' media: signalling with the own stage, and what it sees.

use std::time::{Duration, Instant};

use super::limits::Allowance;
use super::live::{Peer, Seen};
use super::{Grants, Host, Output, Presence, Timer};
use crate::model::command::{Answer, Settled};
use crate::model::event::Event;
use crate::model::media::{Fault, Picture, SdpKind, SessionDescription, Ticket};
use crate::model::message::{Signal, SignalBody, ToGuest};
use crate::model::stage::{SeatStats, StageAsk, StagePeer, StageReport};
use crate::model::{ByeReason, Code, Connection, LiveId, Refusal, UserId};

/// How long the stage may take for a picture.
const PICTURE: Duration = Duration::from_secs(3);

/// Most pictures that are waited for at once.
const PICTURES_MAX: usize = 32;

/// How many former peer connections of a guest are known again.
const PAST_MAX: usize = 16;

impl Host {
    pub(super) fn own_stage(&self) -> bool {
        matches!(&self.settings.grant, Grants::Stage(stage) if *stage == self.settings.user.user_id)
    }

    pub(super) fn signal(&mut self, now: Instant, live_id: &LiveId, from: &UserId, signal: Signal) {
        if self.limits.signal(from, weight(&signal.body), now) == Allowance::Spent || !self.own_stage() {
            return;
        }
        let Some(live) = self.live.as_mut().filter(|live| live.live_id == *live_id) else { return };
        let Some((_, occupant)) = live.occupant(from) else { return };
        let media = occupant.media;
        let Some(member) = live.members.get_mut(from) else { return };
        let known = member.peer.as_mut().filter(|peer| peer.session == signal.session);
        let (session, exchange) = (signal.session, signal.exchange);
        match (signal.body, known) {
            (SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp }), Some(peer)) => {
                if exchange > peer.exchange {
                    peer.exchange = exchange;
                    let peer = StagePeer { guest: from.clone(), peer: peer.peer };
                    self.effects.ask(StageAsk::Offer { peer, exchange, media, sdp });
                }
            }
            (SignalBody::Description(SessionDescription { kind: SdpKind::Offer, sdp }), None) => {
                if member.past.contains(&session) {
                    return;
                }
                self.close_peer(from);
                self.media_lost(from);
                let number = self.effects.peer();
                self.keep_peer(from, Peer { session, peer: number, exchange, sound: None });
                self.set_connection(from, Connection::Connecting);
                let peer = StagePeer { guest: from.clone(), peer: number };
                self.effects.ask(StageAsk::Offer { peer, exchange, media, sdp });
                self.follow_sound(from);
            }
            (SignalBody::Candidate(candidate), Some(peer)) if peer.exchange == exchange => {
                let peer = StagePeer { guest: from.clone(), peer: peer.peer };
                self.effects.ask(StageAsk::Candidate { peer, exchange, candidate });
            }
            (SignalBody::Bye(_), Some(_)) => {
                self.close_peer(from);
                self.media_lost(from);
                self.set_connection(from, Connection::Connecting);
            }
            (SignalBody::Description(_) | SignalBody::Candidate(_) | SignalBody::Bye(_), _) => {}
        }
    }

    fn keep_peer(&mut self, guest: &UserId, peer: Peer) {
        if let Some(member) = self.live.as_mut().and_then(|live| live.members.get_mut(guest)) {
            member.peer = Some(peer);
        }
    }

    /// Ends the peer connection of a guest, if it has one; its name does not come back.
    pub(super) fn close_peer(&mut self, guest: &UserId) {
        let Some(member) = self.live.as_mut().and_then(|live| live.members.get_mut(guest)) else { return };
        let Some(peer) = member.peer.take() else { return };
        if member.past.len() == PAST_MAX {
            member.past.pop_front();
        }
        member.past.push_back(peer.session);
        let peer = StagePeer { guest: guest.clone(), peer: peer.peer };
        self.effects.ask(StageAsk::Close { peer });
    }

    pub(super) fn media_live(&mut self, guest: &UserId) {
        let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.occupant(guest)) else { return };
        let before = std::mem::replace(&mut occupant.seen, Seen::Live);
        self.effects.recover();
        self.set_connection(guest, Connection::Connected);
        if let (Seen::NotLive, Some(user)) = (before, self.user_of(guest)) {
            self.effects.say(Event::HostMediaLive { user });
        }
    }

    pub(super) fn media_lost(&mut self, guest: &UserId) {
        let Some((_, occupant)) = self.live.as_mut().and_then(|live| live.occupant(guest)) else { return };
        let before = std::mem::replace(&mut occupant.seen, Seen::NotLive);
        if let (Seen::Live, Some(user)) = (before, self.user_of(guest)) {
            self.effects.say(Event::MediaLost { user });
        }
    }

    pub(super) fn stage_report(&mut self, report: StageReport) {
        match report {
            StageReport::Answer { peer, exchange, sdp } => {
                let description = SessionDescription { kind: SdpKind::Answer, sdp };
                self.signal_back(&peer, exchange, SignalBody::Description(description));
            }
            StageReport::Candidate { peer, exchange, candidate } => {
                self.signal_back(&peer, exchange, SignalBody::Candidate(candidate));
            }
            StageReport::Live { peer } if self.current(&peer).is_some() => self.media_live(&peer.guest),
            StageReport::Silent { peer } if self.current(&peer).is_some() => {
                self.media_lost(&peer.guest);
                self.set_connection(&peer.guest, Connection::Lost);
            }
            StageReport::Failed { peer, fault } => self.stage_failed(&peer, fault),
            StageReport::Speaking(users) => {
                if let Some(live) = &mut self.live {
                    live.speaking = users;
                }
            }
            StageReport::Stats(stats) => self.stats(stats),
            StageReport::Snapshot { ticket, picture } => self.picture(ticket, picture),
            StageReport::Live { .. } | StageReport::Silent { .. } => {}
        }
    }

    /// The present peer connection, if this is it.
    fn current(&self, peer: &StagePeer) -> Option<&Peer> {
        let member = self.live.as_ref()?.member(&peer.guest)?;
        member.peer.as_ref().filter(|known| known.peer == peer.peer)
    }

    fn signal_back(&mut self, peer: &StagePeer, exchange: u32, body: SignalBody) {
        let Some(known) = self.current(peer).filter(|known| known.exchange == exchange) else { return };
        let signal = Signal { session: known.session.clone(), exchange, body };
        self.effects.tell(&peer.guest, ToGuest::Signal(signal));
    }

    fn stage_failed(&mut self, peer: &StagePeer, fault: Fault) {
        let Some(known) = self.current(peer) else { return };
        let body = SignalBody::Bye(ByeReason::try_from(fault.detail.clone()).ok());
        let bye = Signal { session: known.session.clone(), exchange: known.exchange, body };
        self.effects.fail(Refusal::new(fault.code, fault.detail));
        self.effects.tell(&peer.guest, ToGuest::Signal(bye));
        self.close_peer(&peer.guest);
        self.media_lost(&peer.guest);
        self.set_connection(&peer.guest, Connection::Lost);
    }

    fn stats(&mut self, stats: Vec<(StagePeer, SeatStats)>) {
        let seat = |(peer, stats): (StagePeer, SeatStats)| {
            self.current(&peer)?;
            let seat = self.live.as_ref()?.member(&peer.guest)?.seat?;
            Some((peer.guest, seat, stats))
        };
        let seats: Vec<_> = stats.into_iter().filter_map(seat).collect();
        self.effects.push(Output::Stats(seats));
    }

    pub(super) fn take_seat_snapshot(&mut self, now: Instant, guest: &UserId) -> Settled {
        self.seated(guest)?;
        let known = self.live.as_ref().and_then(|live| live.member(guest)).and_then(|m| m.peer.as_ref());
        let Some(peer) = known.map(|known| StagePeer { guest: guest.clone(), peer: known.peer }) else {
            return Err(no_picture(format!("the stage has no picture of {guest}")));
        };
        if self.pictures.len() >= PICTURES_MAX {
            return Err(Refusal::new(Code::RateLimited, "too many pictures are being taken"));
        }
        let ticket = self.effects.ticket();
        self.pictures.push(ticket);
        self.effects.set_timer(now + PICTURE, Timer::Snapshot(ticket));
        self.effects.ask(StageAsk::Snapshot { peer, ticket });
        Ok(Answer::Pending(ticket))
    }

    fn picture(&mut self, ticket: Ticket, picture: Result<Picture, Refusal>) {
        let Some(owed) = self.pictures.iter().position(|owed| *owed == ticket) else { return };
        self.pictures.swap_remove(owed);
        self.effects.cancel_timer(&Timer::Snapshot(ticket));
        self.effects.settle(ticket, picture.map(Answer::Picture));
    }

    pub(super) fn no_picture(&mut self, ticket: Ticket) {
        self.picture(ticket, Err(no_picture("the stage gave no picture in time".to_owned())));
    }

    /// Whether the broker is there, in words.
    pub(super) fn broker_is_there(&self) -> bool {
        self.broker == Presence::Online
    }
}

/// The bytes in a signal that cost something later.
fn weight(body: &SignalBody) -> usize {
    match body {
        SignalBody::Description(description) => description.sdp.len(),
        SignalBody::Candidate(candidate) => candidate.as_ref().map_or(0, |ice| ice.candidate.len()),
        SignalBody::Bye(reason) => reason.as_ref().map_or(0, |reason| reason.as_str().len()),
    }
}

fn no_picture(why: String) -> Refusal {
    Refusal::new(Code::PermissionDenied, why)
}
