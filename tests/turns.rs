//! A guest that is reached through a TURN server over TLS alone (coturn), and one that does not believe its certificate.

#[path = "support/network.rs"]
mod network;
mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::json;
use support::broker::free_port;
use support::certificates::{Authority, Identity, Validity};
use support::client::{Client, Heard};
use support::stand::{Stand, place};
use support::{eventually, tool};
use tempfile::TempDir;

/// A server for `turns:` alone, with this certificate.
struct TurnServer {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl TurnServer {
    fn start(identity: &Identity) -> Self {
        network::ensure_interface();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (port, plain) = (free_port(), free_port());
        let mut command = tool("turnserver", "coturn");
        command.args([
            "-n",
            "--lt-cred-mech",
            "-u",
            "kiosk:secret",
            "-r",
            "test",
            "--no-cli",
            "--no-dtls",
            "--no-udp",
        ]);
        command.args(["--listening-ip", "127.0.0.1", "--relay-ip", &own_address(), "--log-file", "stdout"]);
        command.args(["--tls-listening-port", &port.to_string(), "--listening-port", &plain.to_string()]);
        for (option, file) in [("--userdb", "users"), ("--pidfile", "pid")] {
            command.arg(option).arg(folder.path().join(file));
        }
        command.arg("--cert").arg(&identity.certificate).arg("--pkey").arg(&identity.key);
        let log = fs::File::create(folder.path().join("log")).expect("writable");
        let child =
            command.stdin(Stdio::null()).stderr(log.try_clone().expect("a descriptor")).stdout(log).spawn();
        let server = Self { child: child.expect("it starts"), port, folder };
        eventually("the TURN server", || TcpStream::connect(("127.0.0.1", port)).ok());
        server
    }
}

impl Drop for TurnServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
    }
}

/// Where packets to others leave from.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
    let to_anybody = ["192.0.2.1:9", "198.51.100.1:9"].into_iter().find(|to| socket.connect(to).is_ok());
    to_anybody.expect("a way to somewhere");
    socket.local_addr().expect("bound").ip().to_string()
}

/// A wire to `port`: its own port, and the first bytes that went over it, connection by connection.
fn wire(port: u16) -> (u16, Arc<Mutex<Vec<Vec<u8>>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let own = listener.local_addr().expect("bound").port();
    let first = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&first);
    thread::spawn(move || {
        for mut near in listener.incoming().flatten() {
            let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                let mut begin = [0; 2048];
                let length = near.read(&mut begin).unwrap_or(0);
                seen.lock().expect("nobody panics").push(begin[..length].to_vec());
                far.write_all(&begin[..length]).unwrap_or_default();
                let (mut from, mut to) =
                    (far.try_clone().expect("a descriptor"), near.try_clone().expect("one"));
                thread::spawn(move || std::io::copy(&mut from, &mut to));
                std::io::copy(&mut near, &mut far).unwrap_or_default();
            });
        }
    });
    (own, first)
}

fn relay_only(port: u16, authority: &Path, folder: &Path) -> Vec<String> {
    let password = folder.join("password");
    fs::write(&password, "secret").expect("writable");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&password, mode).expect("ours");
    vec![
        format!(
            "webrtc.turn=[{{ url = \"turns:localhost:{port}\", username = \"kiosk\", password_file = \"{}\" }}]",
            password.display()
        ),
        "webrtc.policy=relay".to_owned(),
        format!("room.ca_file={}", authority.display()),
        "media.speaker=none".to_owned(),
    ]
}

/// Who hears what guests and stage say to each other.
fn witness(stand: &Stand) -> Client {
    let witness = stand.client("witness");
    witness.subscribe("coguest/v1/room/#");
    witness
}

#[test]
fn turns_is_tls_and_media_flow_through_it() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a temporary folder"));
    let server = TurnServer::start(&authority.server("DNS:localhost", Validity::Now));
    let (port, first) = wire(server.port);
    let stand = Stand::open();
    let _host = stand.host(&["host.seat_mode=free"]);
    let keys = relay_only(port, &authority.file_pem(), folder.path());
    let _guest = stand.guest_inside("ada", &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let witness = witness(&stand);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({}));
    stand.event("ada", "media_live", mark);
    let candidates = witness.all(0);
    let candidates: Vec<String> = candidates
        .iter()
        .filter(|heard| heard.topic == place("ada", "to_stage"))
        .filter_map(|heard| heard.value()["candidate"]["candidate"].as_str().map(str::to_owned))
        .filter(|candidate| !candidate.is_empty())
        .collect();
    assert!(
        !candidates.is_empty() && candidates.iter().all(|candidate| candidate.contains("typ relay")),
        "{candidates:?}"
    );
    let first = first.lock().expect("nobody panics").clone();
    assert!(!first.is_empty());
    for begin in first {
        // A record of the handshake, and a ClientHello in it (RFC 8446, sections 5.1 and 4).
        assert_eq!((begin.first(), begin.get(1), begin.get(5)), (Some(&22), Some(&3), Some(&1)), "{begin:?}");
    }
}

#[test]
fn a_wrong_certificate_is_named_and_there_is_no_relay() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a temporary folder"));
    let server = TurnServer::start(&authority.server("DNS:other.example", Validity::Now));
    let stand = Stand::open();
    let _host = stand.host(&["host.seat_mode=free"]);
    let keys = relay_only(server.port, &authority.file_pem(), folder.path());
    let guest = stand.guest_inside("ada", &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let witness = witness(&stand);
    let mark = stand.operator.mark();
    stand.ok("ada", "apply_for_seat", json!({}));
    let named = format!(
        "no relay by the TURN server localhost, port {}: TLS fails: invalid peer certificate",
        server.port
    );
    let log = eventually("the line of the log", || Some(guest.log()).filter(|log| log.contains(&named)));
    assert_eq!(log.matches(&named).count(), 1, "once for a peer connection");
    assert!(!log.contains("secret"));
    assert_eq!(stand.count("ada", "media_live", mark), 0);
    let relayed = |heard: &Heard| heard.value().to_string().contains("typ relay");
    assert!(!witness.all(0).iter().any(relayed));
}
