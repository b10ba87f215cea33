//! The answer to a request.

use serde::{Deserialize, Serialize};

use super::{Application, DeviceKind, Invitation, Membership, OwnSeat};
use crate::model::{Code, Refusal};

/// What the host made of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "RawOutcome", try_from = "RawOutcome")]
pub enum Outcome {
    /// Taken. For `join`: what the host still has of the guest.
    Ok(Option<Membership>),
    /// Refused.
    Refused(Refusal),
}

/// A `join` is told all of the last four, other requests none of them.
#[derive(Clone, Serialize, Deserialize)]
struct RawOutcome {
    ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Refusal>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    seat: Option<Option<OwnSeat>>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    application: Option<Option<Application>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invitations: Option<Vec<Invitation>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    banned: Option<Vec<DeviceKind>>,
}

/// Tells a field that is `null` (`Some(None)`) from one that is absent (`None`).
pub(super) fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    d: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

impl From<Outcome> for RawOutcome {
    fn from(outcome: Outcome) -> Self {
        let bare =
            Self { ok: true, error: None, seat: None, application: None, invitations: None, banned: None };
        match outcome {
            Outcome::Ok(None) => bare,
            Outcome::Ok(Some(Membership { seat, application, invitations, banned })) => Self {
                seat: Some(seat),
                application: Some(application),
                invitations: Some(invitations),
                banned,
                ..bare
            },
            Outcome::Refused(error) => Self { ok: false, error: Some(error), ..bare },
        }
    }
}

impl TryFrom<RawOutcome> for Outcome {
    type Error = &'static str;
    fn try_from(raw: RawOutcome) -> Result<Self, &'static str> {
        let RawOutcome { ok, error, seat, application, invitations, banned } = raw;
        if ok {
            if seat.is_none() && application.is_none() && invitations.is_none() {
                return Ok(Self::Ok(None));
            }
            let (seat, application) = (seat.flatten(), application.flatten());
            let invitations = invitations.unwrap_or_default();
            return Ok(Self::Ok(Some(Membership { seat, application, invitations, banned })));
        }
        let why = || Refusal::new(Code::PermissionDenied, "refused without a reason");
        Ok(Self::Refused(error.unwrap_or_else(why)))
    }
}
