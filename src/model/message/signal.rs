//! Media signalling as it travels.

use serde::{Deserialize, Serialize};

use super::outcome::present;

use crate::model::ByeReason;
use crate::model::media::{IceCandidate, SessionDescription};

/// One step of media signalling, in either direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSignal", into = "RawSignal")]
pub struct Signal {
    /// Names one peer connection; random, 1–64 characters.
    pub session: String,
    /// Counts offers within the session, from 1.
    pub exchange: u32,
    /// What is said.
    pub body: SignalBody,
}

/// What a signal says.
#[derive(Debug, Clone, PartialEq)]
pub enum SignalBody {
    /// An offer or an answer.
    Description(SessionDescription),
    /// A candidate; `None` for the end of candidates.
    Candidate(Option<IceCandidate>),
    /// The peer connection is over; where the stage ended it for a reason, it says which.
    Bye(Option<ByeReason>),
}

#[derive(Clone, Serialize, Deserialize)]
struct RawSignal {
    session: String,
    exchange: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<SessionDescription>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    candidate: Option<Option<IceCandidate>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bye: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Signal> for RawSignal {
    fn from(signal: Signal) -> Self {
        let mut raw = Self {
            session: signal.session,
            exchange: signal.exchange,
            description: None,
            candidate: None,
            bye: None,
            reason: None,
        };
        match signal.body {
            SignalBody::Description(description) => raw.description = Some(description),
            SignalBody::Candidate(candidate) => raw.candidate = Some(candidate),
            SignalBody::Bye(reason) => {
                raw.bye = Some(true);
                raw.reason = reason.map(|reason| reason.as_str().to_owned());
            }
        }
        raw
    }
}

impl TryFrom<RawSignal> for Signal {
    type Error = &'static str;
    fn try_from(raw: RawSignal) -> Result<Self, &'static str> {
        if raw.session.is_empty() || raw.session.chars().count() > 64 {
            return Err("session must be 1 to 64 characters");
        }
        if raw.exchange == 0 {
            return Err("exchange counts from 1");
        }
        let body = match (raw.description, raw.candidate, raw.bye) {
            (Some(description), None, None) => SignalBody::Description(description),
            (None, Some(candidate), None) => SignalBody::Candidate(candidate),
            // A goodbye counts whatever its reason looks like.
            (None, None, Some(true)) => {
                SignalBody::Bye(raw.reason.and_then(|reason| ByeReason::try_from(reason).ok()))
            }
            _ => return Err("a signal carries exactly one of description, candidate, bye"),
        };
        Ok(Self { session: raw.session, exchange: raw.exchange, body })
    }
}
