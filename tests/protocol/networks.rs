//! A guest whose network changes: it is on air again from its new address, or over its old connection, on the same seat.

use serde_json::{Value, json};

use crate::support::broker::Setup;
use crate::support::daemon::{Daemon, Start};
use crate::support::stand::{HOST, Stand};
use crate::support::two_networks::{Cable, HERE, apart};

/// The broker's port on the cable: nobody else is in this network.
const PORT: u16 = 1884;

/// A host here, and the guest `ada` there, live on seat 1.
fn live(cable: &Cable) -> (Stand, Daemon, Daemon) {
    let stand = Stand::with(Setup::new().line(&format!("listener {PORT} {HERE}")));
    let host = stand.host(&["host.accept_applications=always"]);
    cable.there("addr add 10.77.0.2/24 dev there");
    let mark = stand.operator.mark();
    let guest = Start::under(cable.inside(), "guest", "ada", &format!("mqtt://{HERE}:{PORT}")).go();
    stand.status("ada", mark, "online");
    stand.ok("ada", "join_live", json!({"live_id": "lobby"}));
    stand.ok("ada", "apply_for_seat", json!({"seat_index": 1}));
    let began = stand.event("ada", "media_live", mark);
    assert!(began["accept_to_first_packet_ms"].is_u64() && began["recovered_in_ms"].is_null(), "{began}");
    stand.event(HOST, "media_live", mark);
    (stand, host, guest)
}

/// The guest is back on the seat that it never left, and was told so with the time that it took.
fn recovered(stand: &Stand, mark: usize) -> Value {
    let live = stand.event("ada", "media_live", mark);
    assert!(live["recovered_in_ms"].is_u64() && live["accept_to_first_packet_ms"].is_null(), "{live}");
    stand.event(HOST, "media_live", mark);
    stand.room(mark, |room| room["seats"][1]["connection"] == "connected");
    assert_eq!(stand.count("ada", "unseated", mark) + stand.count(HOST, "guest_unseated", mark), 0);
    live
}

#[test]
fn a_guest_with_a_new_address_is_on_air_again_on_its_seat() {
    apart("networks::a_guest_with_a_new_address_is_on_air_again_on_its_seat", |cable| {
        let (stand, _host, guest) = live(cable);
        for address in ["10.77.0.3/24", "10.77.0.4/24"] {
            let mark = stand.operator.mark();
            cable.there("addr flush dev there");
            cable.there(&format!("addr add {address} dev there"));
            let recovering = stand.event("ada", "media_recovering", mark);
            assert_eq!(recovering["cause"], "network_changed", "{recovering}");
            println!("{address}: {}", recovered(&stand, mark));
        }
        guest.logged("this device's network has changed");
    });
}

#[test]
fn a_guest_whose_cable_was_out_goes_on_with_the_connection_it_had() {
    apart("networks::a_guest_whose_cable_was_out_goes_on_with_the_connection_it_had", |cable| {
        let (stand, _host, _guest) = live(cable);
        let mark = stand.operator.mark();
        cable.here("link set here down");
        // The operator's connection is not over the cable.
        stand.event(HOST, "media_lost", mark);
        std::thread::sleep(std::time::Duration::from_secs(8));
        cable.here("link set here up");
        let live = recovered(&stand, mark);
        println!("cable: {live}");
        let recovering = stand.event("ada", "media_recovering", mark);
        assert_eq!(recovering["cause"], "network_down", "{recovering}");
    });
}
