//! A broker made by hand that takes no filters with wildcards, as some services do: mosquitto cannot be made to.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use serde_json::Value;

use crate::support::daemon::Start;

const PATIENCE: Duration = Duration::from_secs(60);

/// MQTT 5, 3.2.2.3.11: no wildcards.
const CONNACK: [u8; 7] = [0x20, 5, 0, 0, 2, 0x28, 0];
/// MQTT 5, 3.9.3.
const GRANTED_QOS_1: u8 = 1;
const NO_WILDCARDS: u8 = 0xa2;

/// What was published: topic and payload.
type Published = (String, Vec<u8>);

fn two(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The next packet: its first byte, and what follows its length.
fn packet(from: &mut impl Read) -> std::io::Result<(u8, Vec<u8>)> {
    let mut byte = [0];
    from.read_exact(&mut byte)?;
    let (first, mut length, mut shift) = (byte[0], 0, 0);
    loop {
        from.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok((first, body))
}

fn serve(mut far: TcpStream, published: &Sender<Published>) -> std::io::Result<()> {
    let mut near = BufReader::new(far.try_clone()?);
    loop {
        let (first, body) = packet(&mut near)?;
        match first >> 4 {
            1 => far.write_all(&CONNACK)?,
            3 => {
                let (topic, rest) = body[2..].split_at(two(&body));
                let rest = if first & 0b110 == 0 { rest } else { &rest[2..] };
                let said =
                    (String::from_utf8_lossy(topic).into_owned(), rest[1 + usize::from(rest[0])..].to_vec());
                published.send(said).unwrap_or_default();
                if first & 0b110 != 0 {
                    let number = &body[2 + topic.len()..][..2];
                    far.write_all(&[0x40, 2, number[0], number[1]])?;
                }
            }
            8 => {
                let mut filters = &body[3 + usize::from(body[2])..];
                let mut answer = vec![body[0], body[1], 0];
                while !filters.is_empty() {
                    let (filter, rest) = filters[2..].split_at(two(filters));
                    let wild = filter.contains(&b'+') || filter.contains(&b'#');
                    answer.push(if wild { NO_WILDCARDS } else { GRANTED_QOS_1 });
                    filters = &rest[1..];
                }
                far.write_all(&[0x90, u8::try_from(answer.len()).expect("few filters")])?;
                far.write_all(&answer)?;
            }
            10 => far.write_all(&[0xb0, 4, body[0], body[1], 0, 0])?,
            12 => far.write_all(&[0xd0, 0])?,
            _ => {}
        }
    }
}

#[test]
fn a_broker_without_wildcards_is_said_to_hand_on_no_commands() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let (sender, published) = channel();
    std::thread::spawn(move || {
        for far in listener.incoming() {
            let (far, sender) = (far.expect("somebody connects"), sender.clone());
            // It ends with the connection.
            std::thread::spawn(move || serve(far, &sender).unwrap_or_default());
        }
    });
    let guest = Start::new("guest", "ada", &format!("mqtt://127.0.0.1:{port}")).go();
    let state = std::iter::from_fn(|| published.recv_timeout(PATIENCE).ok()).find_map(|(topic, payload)| {
        let state: Value = topic.ends_with("ada/state").then(|| serde_json::from_slice(&payload).ok())??;
        state["summary"]
            .as_str()
            .is_some_and(|said| said.starts_with("commands are not heard"))
            .then_some(state)
    });
    assert!(state.is_some(), "{}", guest.log());
    let line = guest.logged("takes no filters with wildcards");
    assert!(line.contains("WARN"), "{line}");
    guest.logged("has to allow wildcard subscriptions");
}
