//! What the host has of this guest in its answer to `join`, beside what the guest has itself.
//!
//! Invariant: only a program just started takes up a seat or an application that it does not know of; later it is told back.

use super::consent::least;
use super::join::FirstJoin;
use super::requests::ApplicationRequest;
use super::seat::SeatStatus;
use crate::model::message::{Application, DeviceAction, DeviceKind, Invitation, Membership, OwnSeat};
use crate::model::{DeviceSwitch, InvitationId, Media};

/// What this guest knows itself.
pub(super) struct OwnRecord {
    pub(super) first_join: FirstJoin,
    /// `Leaving` also while the host is only asked for its end.
    pub(super) seat: SeatStatus,
    /// What was agreed to and not given yet.
    pub(super) agreed: Option<Media>,
    /// What the application asks for that the host had.
    pub(super) applied: Option<Media>,
    pub(super) invited: Vec<InvitationId>,
    pub(super) requested: ApplicationRequest,
}

/// What is to be done about one difference.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Difference {
    Seat(SeatDifference),
    Pending(PendingDifference),
}

/// A difference that concerns the seat or its devices.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SeatDifference {
    /// What the host says of a device.
    Device(DeviceKind, DeviceAction),
    /// Both know of the seat; its index, route or bans may have changed.
    Same(OwnSeat),
    Lost,
    /// The seat that was agreed to, with what may be sent.
    Given(OwnSeat),
}

/// A difference that concerns what is asked of the host or by it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PendingDifference {
    /// The application led to a seat.
    ApplicationAccepted {
        seat_index: u32,
    },
    /// A seat that was not agreed to.
    SeatUnwanted,
    ApplicationLost,
    ApplicationKept(Application),
    ApplicationUnwanted,
    InvitationLost(InvitationId),
    /// Known or new.
    Invitation(Invitation),
}

/// What differs, in the order in which it is to be followed.
pub(super) fn differences(host: Membership, mut own: OwnRecord) -> Vec<Difference> {
    let mut differences = Vec::new();
    if let Some(banned) = &host.banned {
        let action =
            |device| if banned.contains(&device) { DeviceAction::Close } else { DeviceAction::Unlock };
        differences.extend(
            [DeviceKind::Camera, DeviceKind::Microphone]
                .map(|device| Difference::Seat(SeatDifference::Device(device, action(device)))),
        );
    }
    seat(host.seat, &mut own, &mut differences);
    differences.extend(application(host.application, &own).map(Difference::Pending));
    let gone = |id: &InvitationId| host.invitations.iter().all(|invitation| invitation.invitation_id != *id);
    differences.extend(
        own.invited.into_iter().filter(gone).map(PendingDifference::InvitationLost).map(Difference::Pending),
    );
    differences
        .extend(host.invitations.into_iter().map(PendingDifference::Invitation).map(Difference::Pending));
    differences
}

fn seat(seat: Option<OwnSeat>, own: &mut OwnRecord, differences: &mut Vec<Difference>) {
    match (seat, own.seat) {
        (None, SeatStatus::Standing | SeatStatus::Leaving) => {}
        (None, SeatStatus::Taken) => differences.push(Difference::Seat(SeatDifference::Lost)),
        (Some(seat), SeatStatus::Taken) => differences.push(Difference::Seat(SeatDifference::Same(seat))),
        (Some(seat), SeatStatus::Standing | SeatStatus::Leaving) => seat_kept(seat, own, differences),
    }
}

/// The host has a seat that this guest lacks.
fn seat_kept(seat: OwnSeat, own: &mut OwnRecord, differences: &mut Vec<Difference>) {
    let agreed = match (own.first_join, own.agreed) {
        (FirstJoin::ToCome, _) => return differences.push(Difference::Seat(SeatDifference::Given(seat))),
        (FirstJoin::Done, Some(agreed)) => agreed,
        (FirstJoin::Done, None) => match own.applied.take() {
            Some(asked) => {
                let seat_index = seat.seat_index;
                differences.push(Difference::Pending(PendingDifference::ApplicationAccepted { seat_index }));
                asked
            }
            None if own.seat == SeatStatus::Leaving => return,
            None => return differences.push(Difference::Pending(PendingDifference::SeatUnwanted)),
        },
    };
    differences.push(Difference::Seat(SeatDifference::Given(OwnSeat {
        media: least(agreed, seat.media),
        camera: open_unless_banned(seat.camera),
        microphone: open_unless_banned(seat.microphone),
        ..seat
    })));
}

/// What the host's switch says of its ban.
pub(super) fn action(switch: DeviceSwitch) -> DeviceAction {
    match switch {
        DeviceSwitch::ClosedByAdmin => DeviceAction::Close,
        DeviceSwitch::On | DeviceSwitch::Off => DeviceAction::Unlock,
    }
}

/// A device of a seat that was just agreed to opens, unless the host keeps it closed.
fn open_unless_banned(switch: DeviceSwitch) -> DeviceSwitch {
    match switch {
        DeviceSwitch::ClosedByAdmin => DeviceSwitch::ClosedByAdmin,
        DeviceSwitch::On | DeviceSwitch::Off => DeviceSwitch::On,
    }
}

fn application(host: Option<Application>, own: &OwnRecord) -> Option<PendingDifference> {
    match (host, own.applied, own.first_join, own.requested) {
        (None, None, ..) | (Some(_), Some(_), ..) => None,
        (None, Some(_), ..) => Some(PendingDifference::ApplicationLost),
        (Some(application), None, FirstJoin::ToCome, _) => {
            Some(PendingDifference::ApplicationKept(application))
        }
        (Some(_), None, FirstJoin::Done, ApplicationRequest::Pending) => None,
        (Some(_), None, FirstJoin::Done, ApplicationRequest::None) => {
            Some(PendingDifference::ApplicationUnwanted)
        }
    }
}
