//! What ends a peer connection: whether another is tried, and what is said of it.

use std::time::Instant;

use super::effects::ErrorSource;
use super::{Guest, Timer};
use crate::model::event::Event;
use crate::model::media::{Fault, Session};
use crate::model::server::Again;
use crate::model::{Cause, Code, Refusal};

impl Guest {
    pub(super) fn peer_failed(&mut self, now: Instant, session: Session, fault: Fault) {
        let Some(stay) = self.stay.as_ref().filter(|stay| stay.is_peer(session)) else { return };
        let attempt = stay.attempt;
        let why = format!("{}: {}", fault.stage, fault.detail);
        let refusal = Refusal::new(fault.code, why.clone());
        if fault.code == Code::PeerNotTrusted {
            // Who is not trusted once is not asked again: the attempts stay at those that were made.
            self.effects.say(Event::MediaRecovering { attempt, why, cause: Cause::Trust });
            self.refuse_media(now, refusal);
        } else if fault.code == Code::PermissionDenied {
            // Nor is who takes nothing of what there is.
            self.refuse_media(now, refusal);
        } else {
            self.effects.note_error(ErrorSource::Media, refusal);
            self.recover(now, Cause::Media, &why);
        }
    }

    /// An offer that cannot be sent will not be the next time either.
    pub(super) fn offer_unsent(&mut self, now: Instant, name: &str, refusal: Refusal) {
        let peer = self.stay.as_ref().and_then(|stay| stay.peer.as_ref());
        if peer.is_some_and(|peer| peer.name == name) {
            self.refuse_media(now, refusal);
        }
    }

    pub(super) fn server_refused(&mut self, now: Instant, session: Session, refusal: Refusal, again: Again) {
        if self.stay.as_ref().is_none_or(|stay| !stay.is_peer(session)) {
            return;
        }
        let why = format!("whip: {}", refusal.message);
        let refusal = Refusal::new(refusal.code, why.clone());
        match again {
            Again::Never => self.refuse_media(now, refusal),
            Again::Soon => {
                self.effects.note_error(ErrorSource::Media, refusal);
                self.recover(now, Cause::Server, &why);
            }
            Again::After(pause) => {
                self.effects.note_error(ErrorSource::Media, refusal);
                self.recover(now, Cause::Server, &why);
                if let Some(due) = self.effects.due_at(&Timer::Retry) {
                    self.effects.set_timer(due.max(now + pause), Timer::Retry);
                }
            }
        }
    }
}
