//! Exchanges with servers that do what they must not, or what few do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use super::Whip;
use crate::model::media::{Report, Session};
use crate::model::message::Token;
use crate::model::server::{Again, Endpoint, NamedBy, Origin, ServerAsk, ServerUrl};
use crate::model::{Code, Refusal};

const OFFER: &str = "v=0\r\nm=audio 9\r\nm=video 9\r\n";
const ANSWER: &str = "v=0\r\nm=audio 9\r\nm=video 9\r\n";
const TOKEN: &str = "hunter2";
const SESSION: Session = Session { epoch: 1, peer: 1, exchange: 1 };
/// A loaded machine is given time.
const DEADLINE: Duration = Duration::from_secs(30);

/// What a server answers; it keeps the connection for as long as the test takes when it is not whole.
enum Reply {
    Whole(String),
    Begun(String),
}

fn reply(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Whole(format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    ))
}

fn created(location: &str, body: &str) -> Reply {
    reply("201 Created", &format!("Content-Type: application/sdp\r\nLocation: {location}\r\n"), body)
}

/// A server in this process, and what it was asked: `POST /path hunter2`.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        Self { address, asked }
    }

    fn origin(&self) -> Origin {
        Origin::new(&format!("http://{}", self.address)).expect("an origin")
    }

    fn url(&self, path: &str) -> ServerUrl {
        ServerUrl::own(&format!("http://{}{path}", self.address)).expect("an address")
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics").clone()
    }

    async fn was_asked(&self, wanted: &str) {
        let until_then = async {
            while !self.asked().iter().any(|asked| asked == wanted) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(DEADLINE, until_then).await.unwrap_or_else(|_| panic!("{wanted} in {:?}", self.asked()));
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Reply) {
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    let (mut first, mut length, mut token) = (String::new(), 0, String::new());
    reader.read_line(&mut first).expect("a request");
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).expect("a header") <= 2 {
            break;
        }
        let (name, value) = line.trim().split_once(": ").expect("a header");
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().expect("a length"),
            "authorization" => token = value.replace("Bearer ", " "),
            _ => {}
        }
    }
    reader.read_exact(&mut vec![0; length]).expect("the body");
    let what = first.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    asked.lock().expect("nobody panics").push(format!("{what}{token}"));
    match answer(&what) {
        Reply::Whole(text) => stream.write_all(text.as_bytes()).unwrap_or_default(),
        Reply::Begun(text) => {
            stream.write_all(text.as_bytes()).unwrap_or_default();
            thread::sleep(Duration::from_secs(120));
        }
    }
}

/// An exchange that is going on.
struct Stand {
    whip: Whip,
    reports: Receiver<Report>,
}

impl Stand {
    fn publish(url: ServerUrl, named_by: NamedBy, trusted: Vec<Origin>) -> Self {
        let (sender, reports) = channel(16);
        let mut whip = Whip::new(sender, None);
        let endpoint = Endpoint { url, named_by, token: Some(Token(TOKEN.into())), trusted };
        whip.ask(ServerAsk::Publish { session: SESSION, endpoint, sdp: OFFER.into() });
        whip.ask(ServerAsk::Candidate { session: SESSION, candidate: None });
        Self { whip, reports }
    }

    async fn report(&mut self) -> Report {
        timeout(DEADLINE, self.reports.recv()).await.expect("in time").expect("it says what became of it")
    }

    async fn refused(&mut self) -> (Refusal, Again) {
        match self.report().await {
            Report::ServerRefused { refusal, again, .. } => (refusal, again),
            other => panic!("{other:?}"),
        }
    }

    fn end(&mut self) {
        self.whip.ask(ServerAsk::End { session: SESSION });
    }
}

/// As the program's own.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn run(test: impl Future<Output = ()>) {
    runtime().block_on(test);
}

#[test]
fn a_status_is_final_or_worth_another_attempt() {
    let soon = [408, 409, 425, 429, 500, 502, 503, 504];
    let never =
        [200, 202, 204, 301, 302, 303, 304, 400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 418, 422];
    run(async {
        let server = Server::start(|what| {
            let status = what.rsplit('/').next().unwrap_or_default();
            reply(&format!("{status} So"), "Location: /elsewhere\r\n", "")
        });
        for (statuses, again) in [(&soon[..], Again::Soon), (&never[..], Again::Never)] {
            for status in statuses {
                let mut stand = Stand::publish(server.url(&format!("/{status}")), NamedBy::Own, Vec::new());
                let (refusal, said) = stand.refused().await;
                assert_eq!(said, again, "{status}");
                assert!(refusal.message.contains(&status.to_string()), "{refusal}");
            }
        }
        let asked = server.asked();
        assert_eq!(asked.len(), soon.len() + never.len(), "each once, nothing was followed: {asked:?}");
    });
}

#[test]
fn a_server_may_ask_for_a_pause_of_a_minute_at_most() {
    let later = |seconds: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).expect("a date")
    };
    run(async {
        for (asked_for, least, most) in [
            ("7".into(), 7, 7),
            ("86400".into(), 60, 60),
            (later(30), 1, 30),
            (later(9999), 60, 60),
            (later(-9), 0, 0),
        ] {
            let header = format!("Retry-After: {asked_for}\r\n");
            let server = Server::start(move |_| reply("503 Full", &header, ""));
            let (_, again) = Stand::publish(server.url("/"), NamedBy::Own, Vec::new()).refused().await;
            let Again::After(pause) = again else { panic!("{asked_for}: {again:?}") };
            assert!((least..=most).contains(&pause.as_secs()), "{asked_for}: {pause:?}");
        }
    });
}

#[test]
fn nothing_is_said_to_another_origin() {
    run(async {
        let other = Server::start(|_| created("/s/1", ANSWER));
        let leads = format!("{}/x?key", other.url("/").as_str().trim_end_matches('/'));
        for status in ["307 Moved", "308 Moved", "201 Created"] {
            let location = format!("Location: {leads}\r\n");
            let server = Server::start(move |_| reply(status, &location, ANSWER));
            let mut stand = Stand::publish(server.url("/whip"), NamedBy::Own, Vec::new());
            let (refusal, again) = stand.refused().await;
            assert_eq!((refusal.code, again), (Code::OriginNotAllowed, Again::Never), "{status}: {refusal}");
            assert!(!refusal.message.contains("key"), "{refusal}");
            stand.end();
            stand.whip.close(DEADLINE).await;
            assert_eq!(server.asked(), ["POST /whip hunter2"], "{status}");
        }
        assert_eq!(other.asked(), Vec::<String>::new());
    });
}

#[test]
fn a_trusted_origin_is_followed_and_has_the_token() {
    run(async {
        let other = Server::start(|_| created("s/1", ANSWER));
        let location = format!("Location: {}\r\n", other.url("/x/").as_str());
        let server = Server::start(move |_| reply("307 Moved", &location, ""));
        let mut stand = Stand::publish(server.url("/whip"), NamedBy::Own, vec![other.origin()]);
        assert_eq!(stand.report().await, Report::Answer { session: SESSION, sdp: ANSWER.into() });
        stand.end();
        other.was_asked("DELETE /x/s/1 hunter2").await;
        assert_eq!(other.asked()[0], "POST /x/ hunter2");
    });
}

#[test]
fn three_redirects_are_followed_and_no_fourth() {
    run(async {
        let server = Server::start(|what| match what {
            "POST /3" => created("/s", ANSWER),
            _ => {
                let next = what.rsplit('/').next().and_then(|step| step.parse::<u8>().ok()).unwrap_or(9) + 1;
                reply("307 On", &format!("Location: /{next}\r\n"), "")
            }
        });
        let mut stand = Stand::publish(server.url("/0"), NamedBy::Own, Vec::new());
        assert!(matches!(stand.report().await, Report::Answer { .. }));
        let (refusal, again) = Stand::publish(server.url("/4"), NamedBy::Own, Vec::new()).refused().await;
        assert_eq!(again, Again::Never, "{refusal}");
        assert_eq!(server.asked().iter().filter(|asked| asked.starts_with("POST")).count(), 4 + 4);
    });
}

#[test]
fn a_name_that_stands_for_this_machine_is_not_asked_for_a_grant() {
    run(async {
        let server = Server::start(|_| created("/s", ANSWER));
        let url =
            || ServerUrl::own(&format!("http://localhost:{}/whip", server.address.port())).expect("right");
        let (refusal, again) = Stand::publish(url(), NamedBy::Grant, Vec::new()).refused().await;
        assert_eq!((refusal.code, again), (Code::OriginNotAllowed, Again::Never), "{refusal}");
        assert!(server.asked().is_empty());
        let mut stand = Stand::publish(url(), NamedBy::Grant, vec![url().origin()]);
        assert!(matches!(stand.report().await, Report::Answer { .. }), "where it is trusted, it is");
    });
}

#[test]
fn a_session_is_ended_wherever_its_location_leads() {
    run(async {
        for (location, path) in [
            ("../sessions/1", "/sessions/1"),
            ("./s/1", "/rooms/s/1"),
            ("s/1#part", "/rooms/s/1"),
            ("?s=1", "/rooms/whip?s=1"),
            ("", "/rooms/whip?room=a"),
            ("/a/./b/../s/1", "/a/s/1"),
            ("../../../s/1", "/s/1"),
            ("%2e%2e/s/1", "/s/1"),
            ("?", "/rooms/whip?"),
            ("#part", "/rooms/whip?room=a"),
        ] {
            let server = Server::start(move |what| match what.starts_with("POST") {
                true => created(location, ANSWER),
                false => reply("200 OK", "", ""),
            });
            let mut stand = Stand::publish(server.url("/rooms/whip?room=a"), NamedBy::Own, Vec::new());
            assert!(matches!(stand.report().await, Report::Answer { .. }), "{location}");
            stand.end();
            server.was_asked(&format!("DELETE {path} hunter2")).await;
        }
    });
}

#[test]
fn a_session_whose_answer_is_of_no_use_is_ended() {
    run(async {
        let long = format!("{ANSWER}{}", "a=x\r\n".repeat(2 * 1024 * 1024 / 5));
        for body in ["", "v=0\r\nno sdp", "v=0\r\nm=audio 9\r\n", "<html>", &long] {
            let body = body.to_owned();
            let server = Server::start(move |what| match what.starts_with("POST") {
                true => created("/s/1", &body),
                false => reply("200 OK", "", ""),
            });
            let (refusal, again) = Stand::publish(server.url("/"), NamedBy::Own, Vec::new()).refused().await;
            assert_eq!(again, Again::Never, "{refusal}");
            server.was_asked("DELETE /s/1 hunter2").await;
        }
    });
}

#[test]
fn a_session_that_nobody_wants_any_more_is_ended_before_its_answer_is_whole() {
    run(async {
        let server = Server::start(|what| match what.starts_with("POST") {
            true => {
                Reply::Begun("HTTP/1.1 201 Created\r\nLocation: /s/1\r\nContent-Length: 900\r\n\r\nv".into())
            }
            false => reply("200 OK", "", ""),
        });
        let mut stand = Stand::publish(server.url("/"), NamedBy::Own, Vec::new());
        server.was_asked("POST / hunter2").await;
        stand.end();
        server.was_asked("DELETE /s/1 hunter2").await;
    });
}

#[test]
fn a_session_is_asked_to_end_until_the_server_takes_it() {
    run(async {
        let tries = std::sync::atomic::AtomicU32::new(0);
        let server = Server::start(move |what| match what.starts_with("POST") {
            true => created("/s/1", ANSWER),
            false if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
                reply("503 Busy", "", "")
            }
            false => reply("200 OK", "", ""),
        });
        let mut stand = Stand::publish(server.url("/"), NamedBy::Own, Vec::new());
        stand.report().await;
        stand.whip.close(DEADLINE).await;
        assert_eq!(server.asked(), ["POST / hunter2", "DELETE /s/1 hunter2", "DELETE /s/1 hunter2"]);
    });
}

#[test]
fn no_server_holds_up_the_end_of_the_program() {
    for silent_at in ["POST", "body", "DELETE"] {
        let runtime = runtime();
        runtime.block_on(async {
            let server = Server::start(move |what| match (what.starts_with("POST"), silent_at) {
                (true, "POST") | (false, "DELETE") => Reply::Begun("HTTP/1.1 2".into()),
                (true, "body") => {
                    Reply::Begun("HTTP/1.1 201 Created\r\nLocation: /s\r\nContent-Length: 9\r\n\r\n".into())
                }
                (true, _) => created("/s", ANSWER),
                (false, _) => reply("200 OK", "", ""),
            });
            let stand = Stand::publish(server.url("/"), NamedBy::Own, Vec::new());
            server.was_asked("POST / hunter2").await;
            timeout(DEADLINE, stand.whip.close(Duration::from_secs(1))).await.expect("it has a cap");
        });
        // Requests take 6 s: waited for here they would be seen below.
        let begun = std::time::Instant::now();
        drop(runtime);
        assert!(begun.elapsed() < Duration::from_secs(4), "{silent_at}: {:?}", begun.elapsed());
    }
}
