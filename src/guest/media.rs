//! What the own media report, the signalling with the stage, and recovery.

use std::time::{Duration, Instant};

use super::effects::ErrorSource;
use super::room::Place;
use super::stay::{Answered, Count, Peer};
use super::{Guest, Output, Timer};
use crate::model::event::Event;
use crate::model::media::{
    Ask, GuestStats, Path, Picture, Report, SdpKind, Session, SessionDescription, Ticket,
};
use crate::model::message::{Grant, Signal, SignalBody};
use crate::model::sound::SpeakerStatus;
use crate::model::state::Network;
use crate::model::{Cause, Code, Phase, Presence, Refusal};

/// From the accept to `live` (rule 19).
const LIVE: Duration = Duration::from_secs(15);

/// One attempt of recovery.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Pauses before the attempts of recovery; as many as there are attempts.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// So long nothing may be heard of the far side of a live stay. Who takes pictures reports each second; since when one that reports
/// seldom is silent, media know.
const SILENCE: Duration = Duration::from_secs(6);

/// So long a far side that was silent has to be heard until its silence counts no more.
const STEADY: Duration = Duration::from_secs(30);

impl Guest {
    pub(super) fn report(&mut self, now: Instant, report: Report) {
        match report {
            Report::Offer { session, sdp } => self.offer(now, session, sdp),
            Report::Candidate { session, candidate } => {
                self.signal_out(session, SignalBody::Candidate(candidate));
            }
            Report::Answer { session, sdp } => {
                if self.is_present(session) {
                    self.answer(now, session, sdp);
                }
            }
            // Live is when a packet left, and the phase before says "connecting" already.
            Report::Connected { .. } => {}
            Report::FirstPacket { session } => self.first_packet(now, session),
            Report::Path { session, path } => self.path(now, session, path),
            Report::PeerFailed { session, fault } => self.peer_failed(now, session, fault),
            Report::ServerRefused { session, refusal, again } => {
                self.server_refused(now, session, refusal, again);
            }
            Report::EncoderReplaced { epoch, from, to, why } => {
                if self.stay.as_ref().is_some_and(|stay| stay.epoch == epoch) {
                    self.effects.say(Event::EncoderReplaced { encoder: to, instead_of: from, why });
                }
            }
            Report::MediaFailed { epoch, why } => {
                if self.stay.as_ref().is_some_and(|stay| stay.epoch == epoch) {
                    self.fail_media(now, &why);
                }
            }
            Report::Speaker(session, status) => {
                let peer = self.stay.as_mut().and_then(|stay| stay.peer.as_mut());
                if let Some(peer) = peer.filter(|peer| peer.session == session) {
                    peer.speaker = status;
                }
            }
            Report::CaptureVolume(volume) => self.device.own_volume = volume,
            Report::DeviceOpened { epoch, device, id } | Report::DeviceBack { epoch, device, id } => {
                self.delivers(epoch, device, id);
            }
            Report::DeviceFailed { epoch, device, error } => self.loses(now, epoch, device, error),
            Report::DeviceLost { epoch, device, why } => {
                self.loses(now, epoch, device, Self::gone(device, why));
            }
            Report::Stopped { epoch } => {
                if self.farewell.as_ref().is_some_and(|farewell| farewell.epoch == epoch) {
                    self.say_farewell(now);
                }
            }
            Report::Snapshot { ticket, picture } => self.picture(ticket, picture),
            Report::Stats { session, stats } => self.stats(session, stats),
        }
    }

    /// A new peer connection in place of any before it.
    pub(super) fn start_peer(&mut self, now: Instant) {
        let name = self.effects.uuid();
        let Some(stay) = &mut self.stay else { return };
        let session = Session { epoch: stay.epoch, peer: self.effects.peer(), exchange: 1 };
        stay.peer = Some(Peer {
            session,
            name,
            answer: Answered::NotYet,
            path: Path::Flowing,
            speaker: SpeakerStatus::Off,
        });
        let sound = super::way::sound(&stay.grant);
        let ask = Ask::Start { session, media: stay.media, sound, plan: stay.plan() };
        let deadline = match stay.attempt {
            0 => {
                stay.phase = Phase::Preparing;
                LIVE.saturating_sub(now.saturating_duration_since(stay.accepted))
            }
            _ => ATTEMPT,
        };
        self.effects.cancel_timer(&Timer::Retry);
        self.effects.set_timer(now + deadline, Timer::Live);
        self.effects.ask(ask);
    }

    fn set_phase(&mut self, now: Instant, phase: Phase) {
        let Some(stay) = &mut self.stay else { return };
        if stay.phase != phase {
            stay.phase = phase;
            self.tell_phase(now);
        }
    }

    /// A stage that is not the host lets the host know the phase through this guest only.
    fn tell_phase(&mut self, now: Instant) {
        if self.stay.as_ref().is_some_and(|stay| !self.stage_is_host(&stay.grant)) {
            self.tell_devices(now);
        }
    }

    fn offer(&mut self, now: Instant, session: Session, sdp: String) {
        if self.stay.as_ref().is_none_or(|stay| !stay.is_peer(session)) {
            return;
        }
        let description = SessionDescription { kind: SdpKind::Offer, sdp };
        self.signal_out(session, SignalBody::Description(description));
        if self.stay.as_ref().is_some_and(|stay| stay.phase == Phase::Preparing) {
            self.set_phase(now, Phase::Negotiating);
        }
    }

    /// A signal of the stage; what names an older session or exchange is dropped here.
    pub(super) fn signal_in(&mut self, now: Instant, signal: Signal) {
        let Some(stay) = &mut self.stay else { return };
        let Some(peer) = stay.peer.as_ref().filter(|peer| peer.name == signal.session) else { return };
        let session = peer.session;
        if session.exchange != signal.exchange {
            return;
        }
        match signal.body {
            SignalBody::Description(SessionDescription { kind: SdpKind::Answer, sdp }) => {
                self.answer(now, session, sdp);
            }
            SignalBody::Description(SessionDescription { kind: SdpKind::Offer, .. }) => {}
            SignalBody::Candidate(candidate) => self.effects.ask(Ask::Candidate { session, candidate }),
            SignalBody::Bye(None) => self.recover(now, Cause::StageGone, "the stage ended the connection"),
            SignalBody::Bye(Some(reason)) => {
                self.recover(
                    now,
                    Cause::StageGone,
                    &format!("the stage ended the connection: {}", reason.as_str()),
                );
            }
        }
    }

    fn answer(&mut self, now: Instant, session: Session, sdp: String) {
        let Some(stay) = &mut self.stay else { return };
        let Some(peer) = stay.peer.as_mut().filter(|peer| peer.answer == Answered::NotYet) else { return };
        peer.answer = Answered::Yes;
        if stay.phase == Phase::Negotiating {
            stay.phase = Phase::Connecting;
        }
        self.effects.ask(Ask::Answer { session, sdp });
        self.tell_phase(now);
    }

    fn first_packet(&mut self, now: Instant, session: Session) {
        let Some(stay) = self.stay.as_mut().filter(|stay| stay.is_peer(session)) else { return };
        if stay.phase == Phase::Live {
            return;
        }
        if stay.count == Count::Ends {
            stay.attempt = 0;
        }
        let passed = now.saturating_duration_since(stay.accepted).as_millis();
        self.effects.cancel_timer(&Timer::Live);
        self.effects.clear_error(ErrorSource::Media);
        self.set_phase(now, Phase::Live);
        let accept_to_first_packet_ms = u64::try_from(passed).unwrap_or(u64::MAX);
        self.effects.say(Event::GuestMediaLive { accept_to_first_packet_ms });
        self.watch_path(now);
    }

    fn path(&mut self, now: Instant, session: Session, path: Path) {
        let Some(stay) = &mut self.stay else { return };
        let Some(peer) = stay.peer.as_mut().filter(|peer| peer.session == session) else { return };
        peer.path = path;
        self.watch_path(now);
    }

    /// A live stay whose far side is silent has a deadline; the other phases have theirs.
    fn watch_path(&mut self, now: Instant) {
        let Some(stay) = self.stay.as_ref().filter(|stay| stay.phase == Phase::Live) else { return };
        let (path, count) = (stay.peer.as_ref().map(|peer| peer.path), stay.count);
        self.effects.cancel_timers(&[Timer::Silent, Timer::Steady]);
        match (path, count) {
            (Some(Path::Silent { since }), _) => self.effects.set_timer(since + SILENCE, Timer::Silent),
            (Some(Path::Flowing), Count::GoesOn) => self.effects.set_timer(now + STEADY, Timer::Steady),
            (Some(Path::Flowing), Count::Ends) | (None, _) => {}
        }
    }

    /// Who is not heard is gone, and does not see either: a new connection, and in the end none.
    pub(super) fn path_silent(&mut self, now: Instant) {
        let Some(stay) = &mut self.stay else { return };
        stay.count = Count::GoesOn;
        let why = format!("nothing was heard of {} for {} s", stay.far_side(), SILENCE.as_secs());
        self.effects.note_error(ErrorSource::Media, Refusal::new(Code::HostUnreachable, why.clone()));
        self.recover(now, Cause::PathSilent, &why);
    }

    pub(super) fn heard_long_enough(&mut self) {
        if let Some(stay) = self.stay.as_mut().filter(|stay| stay.phase == Phase::Live) {
            stay.attempt = 0;
            stay.count = Count::Ends;
        }
    }

    pub(super) fn not_live_in_time(&mut self, now: Instant) {
        let Some(stay) = &self.stay else { return };
        let answered = stay.peer.as_ref().is_some_and(|peer| peer.answer == Answered::Yes);
        let (cause, why) = match (stay.phase, &stay.grant) {
            (Phase::Preparing, _) => (Cause::Media, "no offer was made in time"),
            (Phase::Connecting | Phase::Recovering, _) if answered => {
                (Cause::Media, "no way to the far side was found in time")
            }
            (Phase::Negotiating | Phase::Connecting | Phase::Recovering, Grant::Mqtt { .. }) => {
                (Cause::StageGone, "the stage did not answer the offer in time")
            }
            (Phase::Negotiating | Phase::Connecting | Phase::Recovering, Grant::Whip { .. }) => {
                (Cause::Server, "the server did not answer the offer in time")
            }
            (Phase::Live | Phase::Leaving, _) => return,
        };
        self.effects.note_error(ErrorSource::Media, Refusal::new(Code::HostUnreachable, why));
        self.recover(now, cause, why);
    }

    /// The peer is over: another one after a pause, three times; or as soon as there is somebody to signal to.
    pub(super) fn recover(&mut self, now: Instant, cause: Cause, why: &str) {
        let reachable = self.stage_is_reachable();
        let Some(stay) = &mut self.stay else { return };
        let peer = stay.peer.take();
        self.effects.cancel_timers(&[Timer::Live, Timer::Silent, Timer::Steady]);
        let waits = stay.phase == Phase::Recovering && stay.attempt > 0 && peer.is_none();
        if waits {
            return;
        }
        // Where nobody can be signalled to, waiting is no attempt: the host's hold ends it.
        let pause = match usize::try_from(stay.attempt).ok().and_then(|attempt| PAUSES.get(attempt)) {
            _ if !reachable => None,
            Some(pause) => Some(*pause),
            None => {
                // Its far side is told that it is over.
                stay.peer = peer;
                return self.fail_media(now, why);
            }
        };
        stay.attempt = if reachable { stay.attempt + 1 } else { stay.attempt.max(1) };
        let attempt = stay.attempt;
        stay.why = why.to_owned();
        if let Some(peer) = peer {
            self.end_peer(&peer);
        }
        self.effects.say(Event::MediaRecovering { attempt, why: why.to_owned(), cause });
        self.set_phase(now, Phase::Recovering);
        match pause {
            Some(pause) => self.effects.set_timer(now + pause, Timer::Retry),
            None => self.hold(now),
        }
    }

    fn stage_is_reachable(&self) -> bool {
        let Some(stay) = &self.stay else { return false };
        let host = self.room.as_ref().is_some_and(|room| room.place == Place::Inside);
        match stay.grant {
            Grant::Whip { .. } => true,
            Grant::Mqtt { .. } => {
                self.broker == Presence::Online && (host || !self.stage_is_host(&stay.grant))
            }
        }
    }

    pub(super) fn try_again(&mut self, now: Instant) {
        if self.stay.as_ref().is_some_and(|stay| stay.phase == Phase::Recovering && stay.peer.is_none())
            && self.stage_is_reachable()
        {
            self.start_peer(now);
        }
    }

    /// The host answers again: what waited for somebody to signal to goes on.
    pub(super) fn reachable_again(&mut self, now: Instant) {
        if self.effects.due_at(&Timer::Retry).is_none() {
            self.try_again(now);
        }
    }

    /// A host that was started again has lost its peers: where it is the stage, a new one is made at once.
    pub(super) fn host_lost_its_peers(&mut self, now: Instant) {
        let Some(stay) = &self.stay else { return };
        let Grant::Mqtt { .. } = stay.grant else { return };
        if !self.stage_is_host(&stay.grant) {
            return;
        }
        let Some(stay) = &mut self.stay else { return };
        stay.attempt = stay.attempt.max(1);
        stay.phase = Phase::Recovering;
        let why = "the host was started again".to_owned();
        stay.why.clone_from(&why);
        let (attempt, peer) = (stay.attempt, stay.peer.take());
        self.effects.cancel_timers(&[Timer::Silent, Timer::Steady]);
        if let Some(peer) = peer {
            self.end_peer(&peer);
        }
        self.effects.say(Event::MediaRecovering { attempt, why, cause: Cause::StageGone });
        self.start_peer(now);
    }

    fn stats(&mut self, session: Session, stats: GuestStats) {
        let Some(stay) = self.stay.as_ref().filter(|stay| stay.is_peer(session)) else { return };
        let seat_index = stay.seat_index;
        let quality = super::view::quality(&stats);
        if quality != self.network.quality {
            self.network = Network {
                quality,
                delay_ms: stats.round_trip_ms,
                up_loss: stats.loss,
                down_loss: stats.down_loss,
            };
        }
        self.effects.output(Output::Stats { seat_index, stats });
    }

    fn picture(&mut self, ticket: Ticket, picture: Result<Picture, Refusal>) {
        let Some(stay) = &mut self.stay else { return };
        let Some(owed) = stay.pictures.iter().position(|owed| *owed == ticket) else { return };
        stay.pictures.swap_remove(owed);
        self.effects.cancel_timer(&Timer::Snapshot(ticket));
        self.effects.settle(ticket, picture.map(crate::model::command::Answer::Picture));
    }

    pub(super) fn no_picture(&mut self, ticket: Ticket) {
        let refusal = Refusal::new(Code::PermissionDenied, "the camera gave no picture in time");
        self.picture(ticket, Err(refusal));
    }
}
