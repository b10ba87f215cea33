//! Bad input to both machines: random scripts of it, and floods that must leave nothing behind.

use std::time::Duration;

use coguestd::model::Connection;
use coguestd::model::state::RoomMembership;
use proptest::prelude::*;

use super::anything::{World, hear};
use super::reach::{Reach, run};

#[test]
fn whatever_bytes_come_on_whatever_topic_the_promises_hold() {
    let reach = Reach::default();
    run(250, file!(), &script(), |script| hear(&script, |world| count(world, &reach)));
    reach.demand(&["inside", "seated guest", "applied", "invited", "strangers inside"], 100);
    reach.demand(&["connected", "host lost", "ended"], 30);
}

fn count(world: &World, reach: &Reach) {
    let (guest, host) = (world.guest.guest.snapshot(), world.host.host.snapshot());
    for (name, is) in [
        ("inside", guest.membership == RoomMembership::Inside),
        ("host lost", guest.membership == RoomMembership::HostLost),
        ("seated guest", guest.seat.is_some()),
        ("applied", guest.application.is_some()),
        ("invited", !guest.invitations.is_empty()),
        ("strangers inside", host.candidates.total > 1),
        ("connected", host.connected.iter().any(|seat| seat.connection == Connection::Connected)),
        ("ended", host.membership == RoomMembership::Outside),
    ] {
        if is {
            reach.count(name);
        }
    }
}

#[test]
fn a_flood_leaves_nothing_behind() {
    for what in FLOODS {
        for pause in [0, 50] {
            let mut world = World::new(1);
            let mut sizes = Vec::new();
            for round in 0..2 {
                for n in 0..1_500_u32 {
                    world.step(&flood(what, round * 1_500 + n));
                    world.pass(Duration::from_millis(pause));
                }
                sizes.push(world.sizes());
            }
            let [(guest, host), (guest_then, host_then)] = sizes[..] else { panic!("two rounds") };
            let told =
                format!("{what} every {pause} ms: guest {guest} {guest_then}, host {host} {host_then}");
            // Answers are known again for a minute: at most 20 a second.
            assert!(guest_then <= guest + 4096 && host_then <= host + 16 * 1024, "it grew: {told}");
            assert!(guest < 64 * 1024 && host < 1024 * 1024, "it is large: {told}");
        }
    }
}

const FLOODS: [&str; 9] = [
    "requests",
    "no requests",
    "signals to the stage",
    "invitations",
    "results",
    "signals to the guest",
    "rooms",
    "hosts",
    "commands",
];

/// The `n`-th message of a flood, each with a name that was never heard before.
fn flood(what: &str, n: u32) -> Vec<u8> {
    let how = n.to_le_bytes()[0] % 4;
    let user = |user_id: &str| format!(r#"{{"user_id":"{user_id}","user_name":"x","avatar_url":""}}"#);
    let signal = format!(
        r#"{{"type":"signal","session":"s{n}","exchange":1,"description":{{"type":"offer","sdp":"v=0"}}}}"#
    );
    let room = |host: &str| {
        format!(
            r#"{{"live_id":"lobby","status":"live","host":{},"session":"s{n}","seat_mode":"apply","stage":null,"revision":{n},"seats":[]}}"#,
            user(host)
        )
    };
    let (topic, how, text) = match what {
        "requests" if n.is_multiple_of(5) => (
            0,
            how,
            format!(r#"{{"type":"join","request_id":"r{n}","user":{},"session":"s{n}"}}"#, user("x")),
        ),
        "requests" => (0, how, format!(r#"{{"type":"apply","request_id":"r{n}"}}"#)),
        "no requests" => (0, how, format!(r#"{{"type":"{n}","request_id":""}}"#)),
        "signals to the stage" => (2, how, signal),
        "invitations" => (
            4,
            how,
            format!(
                r#"{{"type":"invitation","invitation_id":"i{n}","seat_index":1,"media":"video","timeout":0,"extra_info":null,"by":{}}}"#,
                user("host-1")
            ),
        ),
        "results" => (4, how, format!(r#"{{"type":"result","request_id":"r{n}","ok":true,"seat":null}}"#)),
        "signals to the guest" => (4, how, signal),
        "rooms" => (7, 0, room("host-1")),
        "hosts" => (7, 0, room(&format!("host-{n}"))),
        "commands" => (9, n.to_le_bytes()[0] % 64, format!(r#"{{"id":"{n}"}}"#)),
        other => panic!("no flood of {other}"),
    };
    [[topic, how].as_slice(), text.as_bytes()].concat()
}

/// Steps of all kinds, most of them golden messages with a byte or two changed.
fn script() -> impl Strategy<Value = Vec<u8>> {
    let golden = (0x80..=0xfe_u8, proptest::collection::vec((any::<u8>(), 0x20..0x7f_u8), 0..3)).prop_map(
        |(which, changes)| {
            let changes = changes.into_iter().flat_map(|(place, byte)| [place, byte]);
            [which].into_iter().chain(changes).collect::<Vec<u8>>()
        },
    );
    let message = prop_oneof![
        6 => golden.clone(),
        6 => golden.prop_map(|bytes| bytes[..1].to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => Just(b"online".to_vec()),
        1 => Just(b"{}".to_vec()),
        1 => Just(br#"{"user_id":"kiosk-7"}"#.to_vec()),
        1 => Just(br#"{"invitee_id":"kiosk-7"}"#.to_vec()),
        1 => Just(br#"{"user_id":"kiosk-8"}"#.to_vec()),
    ];
    let step = (any::<u8>(), any::<u8>(), message).prop_map(|(topic, how, message)| {
        let head = [topic, how].map(|byte| if byte == 0xff { 0 } else { byte });
        head.into_iter().chain(message).chain([0xff]).collect::<Vec<u8>>()
    });
    (any::<u8>(), proptest::collection::vec(step, 1..120))
        .prop_map(|(kind, steps)| [vec![kind], steps.concat()].concat())
}
