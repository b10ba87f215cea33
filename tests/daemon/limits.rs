//! A host at the edge of what its system lets it have.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::hands::HandGuest;
use crate::support::stand::{HOST, ROOM, Stand, place};

/// Descriptors of the host: enough for itself and some of eight guests.
const DESCRIPTORS: u32 = 200;

const PRINT: &str =
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF";

fn offer() -> String {
    format!(
        "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {PRINT}\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=setup:actpass\r\n\
         a=sendrecv\r\na=rtpmap:111 opus/48000/2\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\na=setup:actpass\r\n\
         a=sendonly\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
    )
}

/// Sits down and offers; whether the stage answers. It says goodbye otherwise.
fn is_taken(guest: &HandGuest, seat_index: usize) -> bool {
    guest.join();
    guest.ok("apply", json!({"seat_index": seat_index}));
    let mark = guest.client.mark();
    let signal = json!({"type": "signal", "session": format!("of {}", guest.user_id), "exchange": 1,
        "description": {"type": "offer", "sdp": offer()}});
    guest.client.publish(&place(&guest.user_id, "to_stage"), signal.to_string());
    let answer = |value: Value| match (&value["description"]["type"], &value["bye"]) {
        (Value::String(kind), _) if kind == "answer" => Some(true),
        (_, Value::Bool(true)) => Some(false),
        _ => None,
    };
    guest.client.wait("an answer or a goodbye", mark, |heard| answer(heard.value()))
}

#[test]
fn a_host_turns_guests_away_in_words_before_anything_runs_out() {
    let stand = Stand::open();
    let mut under = Command::new("sh");
    under.args(["-c", &format!("ulimit -n {DESCRIPTORS} && exec \"$@\""), "sh"]);
    let mark = stand.operator.mark();
    let keys = [format!("room.live_id={ROOM}"), "host.seat_mode=free".to_owned(), "host.seats=8".to_owned()];
    let host = crate::support::daemon::Start::under(under, "host", HOST, &stand.broker.url())
        .set(&keys.each_ref().map(String::as_str))
        .go();
    stand.room(mark, |room| room["status"] == "live");
    let guests =
        ["ada", "bob", "cleo", "dan", "eve", "finn", "gus", "hal"].map(|user| stand.hand_guest(user));
    let mut taken = guests.iter().enumerate().map(|(seat_index, guest)| is_taken(guest, seat_index));
    let room_for = taken.by_ref().take_while(|taken| *taken).count();
    assert!((1..8).contains(&room_for), "it has room for some, and not for all: {room_for}");
    let words = format!("the host has no descriptors for another guest or viewer: LimitNOFILE={DESCRIPTORS}");
    let state = stand.state(HOST);
    assert_eq!(state["last_error"]["message"], words.as_str(), "{state}");
    assert!(host.log().contains(&words), "a line says so");
    // The host goes on, and so do those it has.
    assert_eq!(taken.next(), Some(false), "there is still no room");
    guests[0].ok("leave_seat", json!({}));
}
