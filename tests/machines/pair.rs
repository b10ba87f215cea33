//! A guest and its host agree in the end, whatever the network did between them.

use std::collections::BTreeMap;
use std::time::Duration;

use coguestd::model::command::{
    Command, GuestCommand, HostCommand, InviteToSeat, Invitee, Inviter, JoinLive, MovePolicy, MoveUserToSeat,
    SeatIndex, Who,
};
use coguestd::model::message::Application;
use coguestd::model::state::RoomMembership;
use coguestd::model::{Media, RequestTimeout, UserId};
use proptest::prelude::*;

use super::guest_stand::id;
use super::network::{GUESTS, HOST, Network};
use super::random_guest::start;
use super::reach::{Reach, run};

type Step = (u8, u8, u8);

#[test]
fn guests_and_host_agree_in_the_end_whatever_the_network_did() {
    let reach = Reach::default();
    let script = proptest::collection::vec(any::<Step>(), 1..200);
    run(200, file!(), &script, |steps| {
        let mut network = Network::new(start());
        for step in steps {
            act(&mut network, step, &reach);
        }
        network.settle();
        if find_the_forgotten(&mut network) {
            reach.count("forgotten guest");
            network.settle();
        }
        agree(&network, &reach);
    });
    reach.demand(&["seated guest", "audience", "application", "invitation"], 5);
    reach.demand(&["lost connection", "restart of a guest", "restart of the host", "host long away"], 30);
}

fn act(network: &mut Network, (op, x, y): Step, reach: &Reach) {
    let who = usize::from(y) % GUESTS;
    let name = || Network::name(who);
    match op % 32 {
        0 if x.is_multiple_of(4) => {
            // Longer than the broker keeps what is said to the host; what the guests do meanwhile goes after it.
            reach.count("host long away");
            network.disconnect(HOST);
            guest_command(network, who, y);
            network.pass(Duration::from_secs(61));
            network.connect(HOST);
        }
        0 => network.pass(Duration::from_millis(u64::from(x) * 80)),
        1 if x.is_multiple_of(2) => {
            reach.count("lost connection");
            network.disconnect(usize::from(x / 2) % (GUESTS + 1));
        }
        2 | 3 => network.connect(usize::from(x) % (GUESTS + 1)),
        4 if x.is_multiple_of(3) => {
            reach.count("restart of a guest");
            network.restart(who);
            network.connect(who);
        }
        5 if x.is_multiple_of(3) => {
            reach.count("restart of the host");
            network.restart(HOST);
            network.connect(HOST);
        }
        6..=8 => guest_command(network, who, x),
        9..=12 => host_command(network, name(), x),
        _ => {
            for n in 0..=x % 8 {
                network.deliver(usize::from(x.wrapping_add(n.wrapping_mul(y))));
            }
        }
    }
}

fn guest_command(network: &mut Network, who: usize, x: u8) {
    if !network.online[who] {
        return;
    }
    let command = match x % 10 {
        0..=3 => GuestCommand::ApplyForSeat(Application { timeout: timeout(x), ..Application::default() }),
        4 => GuestCommand::CancelApplication,
        5 | 6 => GuestCommand::AcceptInvitation(Inviter::default()),
        7 => GuestCommand::RejectInvitation(Inviter::default()),
        8 if x.is_multiple_of(3) => GuestCommand::LeaveLive,
        8 => GuestCommand::JoinLive(JoinLive { live_id: id("lobby") }),
        _ => GuestCommand::Disconnect,
    };
    let (_, outputs) = network.guests[who].command(Command::Guest(command));
    network.route_guest(who, outputs);
}

fn host_command(network: &mut Network, name: UserId, x: u8) {
    if !network.online[HOST] {
        return;
    }
    let who = || Who { user_id: name.clone() };
    let seat_index = i64::from(x % 3);
    let command = match x % 16 {
        0..=4 => HostCommand::AcceptApplication(who()),
        5 => HostCommand::RejectApplication(who()),
        6..=9 => HostCommand::InviteToSeat(InviteToSeat {
            invitee_id: name.clone(),
            seat_index: -1,
            timeout: timeout(x),
            media: Media::Video,
            extra_info: None,
        }),
        10 => HostCommand::CancelInvitation(Invitee { invitee_id: name.clone() }),
        11 => HostCommand::KickUserOutOfSeat(who()),
        12 => HostCommand::LockSeat(SeatIndex { seat_index }),
        13 => HostCommand::UnlockSeat(SeatIndex { seat_index }),
        14 => HostCommand::CloseRemoteCamera(who()),
        _ => HostCommand::MoveUserToSeat(MoveUserToSeat {
            user_id: name.clone(),
            seat_index,
            policy: MovePolicy::SwapPosition,
        }),
    };
    let (_, outputs) = network.host.command(Command::Host { operator: None, command });
    network.route_host(outputs);
}

fn timeout(x: u8) -> RequestTimeout {
    if x.is_multiple_of(2) { RequestTimeout::NEVER } else { RequestTimeout::seconds(u32::from(x % 30)) }
}

/// Where a `status` overtook a `join`, the host has forgotten somebody of the audience who does not know it; the next thing
/// he asks for lets both know.
fn find_the_forgotten(network: &mut Network) -> bool {
    let host = network.host.host.snapshot();
    let mut found = false;
    for who in 0..GUESTS {
        let guest = network.guests[who].guest.snapshot();
        let known = host.candidates.shown.iter().any(|user| user.user_id == Network::name(who));
        if guest.seat.is_none() && guest.membership == RoomMembership::Inside && !known {
            guest_command(network, who, 1);
            found = true;
        }
    }
    found
}

/// Both sides see the same seats and the same requests, and nothing waits for an answer.
fn agree(network: &Network, reach: &Reach) {
    let host = network.host.host.snapshot();
    assert_eq!(host.membership, RoomMembership::Inside, "{}", host.summary);
    let seats: BTreeMap<_, _> =
        host.connected.iter().map(|seat| (seat.user.user_id.clone(), seat.seat_index)).collect();
    for (who, stand) in network.guests.iter().enumerate() {
        let name = Network::name(who);
        let guest = stand.guest.snapshot();
        let told = format!("{name}: {guest:?}\nhost: {host:?}");
        let seat = guest.seat.as_ref().map(|seat| seat.index);
        assert_eq!(seat, seats.get(&name).copied(), "who sits where\n{told}");
        assert_eq!(stand.opened.is_some(), seats.contains_key(&name), "what is open\n{told}");
        let applied = host.applicants.shown.iter().any(|request| request.user.user_id == name);
        assert_eq!(guest.application.is_some(), applied, "who applied\n{told}");
        let invited = host.invitees.shown.iter().any(|request| request.user.user_id == name);
        assert_eq!(!guest.invitations.is_empty(), invited, "who is invited\n{told}");
        let inside = host.candidates.shown.iter().any(|user| user.user_id == name) || seat.is_some();
        assert_eq!(guest.membership == RoomMembership::Inside, inside, "who is inside\n{told}");
        assert!(stand.pending.is_empty(), "nobody waits\n{told}");
        for (name, is) in [
            ("seated guest", seat.is_some()),
            ("audience", inside && seat.is_none()),
            ("application", applied),
            ("invitation", invited),
        ] {
            if is {
                reach.count(name);
            }
        }
    }
}
