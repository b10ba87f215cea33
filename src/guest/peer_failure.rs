//! What the failure of a peer connection means for the next attempt. Pure.

use std::time::Duration;

use super::route::SignallingRoute;
use crate::model::media::Fault;
use crate::model::server::Again;
use crate::model::{Cause, Code, Refusal};

/// The failure of a peer connection.
#[derive(Debug)]
pub(super) enum PeerFailure {
    /// The far side is not the one that its description names: nothing more goes there.
    Untrusted(Refusal),
    /// Another attempt would end the same way.
    Final(Refusal),
    /// Another attempt may succeed, after this pause at the earliest.
    Passing { cause: Cause, refusal: Refusal, pause: Duration },
}

impl PeerFailure {
    /// What broke in the peer connection that goes this way. A server that accepted the offer with a description of no use would
    /// do so again, and keep a session each time; a stage may have been started again by then.
    pub(super) fn of_media(fault: Fault, route: &SignallingRoute) -> Self {
        let refusal = Refusal::new(fault.code, format!("{}: {}", fault.stage, fault.detail));
        if fault.code == Code::PeerNotTrusted {
            Self::Untrusted(refusal)
        } else if fault.code == Code::PermissionDenied
            || (fault.is_of_description() && route.stage().is_none())
        {
            Self::Final(refusal)
        } else {
            Self::Passing { cause: Cause::Media, refusal, pause: Duration::ZERO }
        }
    }

    /// What a server said in place of an answer.
    pub(super) fn of_server(refusal: Refusal, again: Again) -> Self {
        let refusal = Refusal::new(refusal.code, format!("whip: {}", refusal.message));
        let pause = match again {
            Again::Never => return Self::Final(refusal),
            Again::Soon => Duration::ZERO,
            Again::After(pause) => pause,
        };
        Self::Passing { cause: Cause::Server, refusal, pause }
    }
}
