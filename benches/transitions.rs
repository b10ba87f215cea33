//! How many transitions a second the pure machines do: one core, no JSON, no sockets, no pipelines.
//!
//! The script is the life of a room: guests join a host, apply or are invited, sit down, signal, go live, send statistics,
//! close and open a camera, are banned and moved, and leave by a kick, by themselves, or with the end of the live. A transition
//! is one `handle_…` call with all its outputs drained; what one machine says is what the other is told.
//! `cargo run --release --example transitions` prints one line of JSON.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use coguestd::guest::{self, Guest};
use coguestd::host::{self, Host};
use coguestd::model::command::{
    Command, DeviceCommand, GuestCommand, HostCommand, InviteToSeat, Inviter, JoinLive, MovePolicy,
    MoveUserToSeat, SeatCount, StartLive, Who,
};
use coguestd::model::media::{
    Ask, GuestStats, IceCandidate, Mirror, Quality, Report, SentAudio, SentVideo, Session,
};
use coguestd::model::message::{Application, DeviceKind};
use coguestd::model::sound::Return;
use coguestd::model::stage::{SeatStats, SeenVideo, StageAsk, StagePeer, StageReport};
use coguestd::model::volume::Loudness;
use coguestd::model::{LiveId, Media, Presence, RequestTimeout, RoomState, SeatMode, User, UserId, Volume};

/// Guests of the room.
const GUESTS: usize = 16;
/// Candidates each side of a connection finds.
const CANDIDATES: usize = 6;

/// Statistics of a stay: one a minute and a half at the default interval.
const STATISTICS: usize = 18;

/// How long is measured.
const MEASURED: Duration = Duration::from_secs(2);

fn main() {
    let mut house = House::new();
    house.evening();
    house.transitions = 0;
    let start = Instant::now();
    let mut evenings = 0;
    while start.elapsed() < MEASURED {
        house.evening();
        evenings += 1;
    }
    let seconds = start.elapsed().as_secs_f64();
    let rate = f64::from(house.transitions) / seconds;
    println!(
        r#"{{"transitions_per_s":{rate:.0},"transitions":{},"evenings":{evenings},"seconds":{seconds:.3}}}"#,
        house.transitions
    );
}

enum Mail {
    Host(host::Input),
    Guest(usize, guest::Input),
}

/// A host, its guests, and a broker that never fails.
struct House {
    host: Host,
    guests: Vec<Guest>,
    names: Vec<UserId>,
    live_id: LiveId,
    now: Instant,
    room: Option<RoomState>,
    mail: VecDeque<Mail>,
    transitions: u32,
}

impl House {
    fn new() -> Self {
        let names: Vec<UserId> = (0..GUESTS).map(|n| id(&format!("kiosk-{n}"))).collect();
        let guests = names.iter().zip(0..).map(|(name, n)| Guest::new(guest_settings(name, n))).collect();
        let mut house = Self {
            host: Host::new(host_settings()),
            guests,
            names,
            live_id: "lobby".parse().expect("a valid id"),
            now: Instant::now(),
            room: None,
            mail: VecDeque::new(),
            transitions: 0,
        };
        house.tell_host(host::Input::Online);
        for n in 0..GUESTS {
            house.tell_guest(n, guest::Input::Online);
        }
        house
    }

    /// From the start of a live to its end.
    fn evening(&mut self) {
        self.pass(Duration::from_secs(60));
        let (seats, seat_mode) = (SeatCount::try_from(8).ok(), Some(SeatMode::Apply));
        let live_id = self.live_id.clone();
        let start = StartLive { live_id: live_id.clone(), seats, seat_mode };
        self.host_command(HostCommand::StartLive(start));
        self.tell_host(host::Input::Room { live_id: live_id.clone(), state: self.room.clone() });
        for n in 0..GUESTS {
            self.guest_command(n, GuestCommand::JoinLive(JoinLive { live_id: live_id.clone() }));
            self.show_room(n);
        }
        assert_eq!(self.inside(), GUESTS, "all are let in");
        for n in 0..4 {
            self.guest_command(n, GuestCommand::ApplyForSeat(Application::default()));
            self.pass(Duration::from_secs(2));
            self.host_command(HostCommand::AcceptApplication(self.who(n)));
        }
        for n in 4..8 {
            self.host_command(HostCommand::InviteToSeat(InviteToSeat {
                invitee_id: self.names[n].clone(),
                seat_index: -1,
                timeout: RequestTimeout::DEFAULT,
                media: if n % 2 == 0 { Media::Video } else { Media::Audio },
                extra_info: None,
            }));
            self.pass(Duration::from_secs(2));
            self.guest_command(n, GuestCommand::AcceptInvitation(Inviter::default()));
        }
        assert_eq!(self.live(), 8, "all who sit are live");
        for _ in 0..STATISTICS {
            self.statistics();
        }
        self.host_command(HostCommand::CloseRemoteCamera(self.who(1)));
        self.host_command(HostCommand::OpenRemoteCamera(self.who(1)));
        for n in [0, 2] {
            self.device_command(n, DeviceCommand::CloseLocalCamera);
            self.device_command(n, DeviceCommand::OpenLocalCamera);
        }
        let swap = MoveUserToSeat {
            user_id: self.names[0].clone(),
            seat_index: 3,
            policy: MovePolicy::SwapPosition,
        };
        self.host_command(HostCommand::MoveUserToSeat(swap));
        self.host_command(HostCommand::KickUserOutOfSeat(self.who(5)));
        self.guest_command(6, GuestCommand::Disconnect);
        self.guest_command(7, GuestCommand::LeaveLive);
        self.host_command(HostCommand::EndLive);
        assert_eq!((self.live(), self.inside()), (0, 0), "the live is over");
    }

    fn statistics(&mut self) {
        self.pass(Duration::from_secs(5));
        let peers: Vec<_> = (0..GUESTS).filter_map(|n| Some((n, self.guests[n].epoch()?))).collect();
        for (n, epoch) in peers {
            // The peers of this script never fail, so that a stay has one, of its own number.
            let session = Session { epoch, peer: epoch, exchange: 1 };
            self.tell_guest(n, guest::Input::Media(Report::Stats { session, stats: sent() }));
        }
        self.tell_host(host::Input::Stage(StageReport::Stats(Vec::new())));
    }

    fn inside(&self) -> usize {
        let total = self.host.snapshot();
        total.candidates.total + total.connected.len()
    }

    fn live(&self) -> usize {
        let is_live = |guest: &&Guest| {
            guest.snapshot().seat.is_some_and(|seat| seat.phase == coguestd::model::Phase::Live)
        };
        self.guests.iter().filter(is_live).count()
    }

    fn who(&self, n: usize) -> Who {
        Who { user_id: self.names[n].clone() }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.host.handle_timeout(self.now);
        self.transitions += 1;
        self.drain_host();
        for n in 0..GUESTS {
            if self.guests[n].poll_timeout().is_some_and(|(at, _)| at <= self.now) {
                self.guests[n].handle_timeout(self.now);
                self.transitions += 1;
                self.drain_guest(n);
            }
        }
        self.deliver();
    }

    fn host_command(&mut self, command: HostCommand) {
        let settled = self.host.handle_command(self.now, Command::Host { operator: None, command });
        settled.expect("the script asks for nothing impossible");
        self.transitions += 1;
        self.drain_host();
        self.deliver();
    }

    fn guest_command(&mut self, n: usize, command: GuestCommand) {
        let settled = self.guests[n].handle_command(self.now, Command::Guest(command));
        settled.expect("the script asks for nothing impossible");
        self.transitions += 1;
        self.drain_guest(n);
        self.deliver();
    }

    fn device_command(&mut self, n: usize, command: DeviceCommand) {
        let settled = self.guests[n].handle_command(self.now, Command::Device(command));
        settled.expect("the script asks for nothing impossible");
        self.transitions += 1;
        self.drain_guest(n);
        self.deliver();
    }

    fn tell_host(&mut self, input: host::Input) {
        self.mail.push_back(Mail::Host(input));
        self.deliver();
    }

    fn tell_guest(&mut self, n: usize, input: guest::Input) {
        self.mail.push_back(Mail::Guest(n, input));
        self.deliver();
    }

    fn show_room(&mut self, n: usize) {
        let input = guest::Input::Room { live_id: self.live_id.clone(), state: self.room.clone() };
        self.tell_guest(n, input);
    }

    fn deliver(&mut self) {
        while let Some(mail) = self.mail.pop_front() {
            self.transitions += 1;
            match mail {
                Mail::Host(input) => {
                    self.host.handle_input(self.now, input);
                    self.drain_host();
                }
                Mail::Guest(n, input) => {
                    self.guests[n].handle_input(self.now, input);
                    self.drain_guest(n);
                }
            }
        }
    }

    fn drain_host(&mut self) {
        while let Some(output) = self.host.poll_output() {
            match output {
                host::Output::ToGuest { live_id, to, message } => {
                    let n = self.number(&to);
                    self.mail.push_back(Mail::Guest(n, guest::Input::Message { live_id, message }));
                }
                host::Output::Room(room) => {
                    for n in 0..GUESTS {
                        let input =
                            guest::Input::Room { live_id: room.live_id.clone(), state: Some(room.clone()) };
                        self.mail.push_back(Mail::Guest(n, input));
                    }
                    self.room = Some(room);
                }
                host::Output::Stage(StageAsk::Offer { peer, exchange, .. }) => self.stage(peer, exchange),
                _ => {}
            }
        }
    }

    /// What the stage makes of an offer.
    fn stage(&mut self, peer: StagePeer, exchange: u32) {
        let report = |report| Mail::Host(host::Input::Stage(report));
        self.mail.push_back(report(StageReport::Answer {
            peer: peer.clone(),
            exchange,
            sdp: "v=0".to_owned(),
        }));
        for _ in 0..CANDIDATES {
            let candidate = Some(candidate());
            self.mail.push_back(report(StageReport::Candidate { peer: peer.clone(), exchange, candidate }));
        }
        self.mail.push_back(report(StageReport::Live { peer: peer.clone() }));
        for _ in 0..STATISTICS {
            self.mail.push_back(report(StageReport::Stats(vec![(peer.clone(), seen())])));
        }
    }

    fn drain_guest(&mut self, n: usize) {
        while let Some(output) = self.guests[n].poll_output() {
            let (live_id, from) = (self.live_id.clone(), self.names[n].clone());
            match output {
                guest::Output::ToHost { request_id, message, .. } => {
                    let request = Ok(message);
                    self.mail.push_back(Mail::Host(host::Input::Request {
                        live_id,
                        from,
                        request_id,
                        request,
                    }));
                }
                guest::Output::ToStage { signal, .. } => {
                    self.mail.push_back(Mail::Host(host::Input::Signal { live_id, from, signal }));
                }
                guest::Output::Watch(user_id) => {
                    let presence = Presence::Online;
                    self.mail.push_back(Mail::Guest(n, guest::Input::HostStatus { user_id, presence }));
                }
                guest::Output::Media(ask) => self.media(n, ask),
                _ => {}
            }
        }
    }

    /// What the media of a guest make of what they are asked.
    fn media(&mut self, n: usize, ask: Ask) {
        let mut report = |report| self.mail.push_back(Mail::Guest(n, guest::Input::Media(report)));
        match ask {
            Ask::Start { session, media, .. } => {
                let (epoch, id) = (session.epoch, "0".to_owned());
                report(Report::Offer { session, sdp: "v=0".to_owned() });
                if media == Media::Video {
                    report(Report::DeviceOpened { epoch, device: DeviceKind::Camera, id: id.clone() });
                }
                report(Report::DeviceOpened { epoch, device: DeviceKind::Microphone, id });
                for _ in 0..CANDIDATES {
                    report(Report::Candidate { session, candidate: Some(candidate()) });
                }
                report(Report::Candidate { session, candidate: None });
                report(Report::Connected { session });
                report(Report::FirstPacket { session });
            }
            Ask::Plan { epoch, plan } if plan.video == coguestd::model::media::VideoPlan::Camera => {
                report(Report::DeviceOpened { epoch, device: DeviceKind::Camera, id: "0".to_owned() });
            }
            Ask::Stop { epoch } => report(Report::Stopped { epoch }),
            _ => {}
        }
    }

    fn number(&self, name: &UserId) -> usize {
        self.names.iter().position(|known| known == name).expect("a guest of this house")
    }
}

fn id(text: &str) -> UserId {
    text.parse().expect("a valid id")
}

fn candidate() -> IceCandidate {
    IceCandidate {
        candidate: "candidate:1 1 UDP 2122252543 192.0.2.7 51820 typ host".to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    }
}

fn sent() -> GuestStats {
    GuestStats {
        round_trip_ms: Some(12.0),
        loss: Some(0.0),
        video: Some(SentVideo::default()),
        audio: Some(SentAudio::default()),
        ..GuestStats::default()
    }
}

fn seen() -> SeatStats {
    SeatStats { video: Some(SeenVideo::default()), ..SeatStats::default() }
}

fn host_settings() -> host::Settings {
    host::Settings {
        user: User::named_by_id(id("host-1")),
        policy: host::HostPolicy {
            seats: SeatCount::DEFAULT,
            seat_mode: SeatMode::Apply,
            accept_applications: host::AcceptApplications::Manual,
            hold: Duration::from_secs(15),
            returned: Return::Others,
            capacity: 10_000,
            watching: 64,
        },
        standing_room: None,
        grant: host::Grants::Stage(id("host-1")),
        seed: [1; 32],
    }
}

fn guest_settings(name: &UserId, n: u8) -> guest::Settings {
    guest::Settings {
        user: User::named_by_id(name.clone()),
        standing_room: None,
        server: None,
        trusted_origins: Vec::new(),
        accept_invitations: guest::AcceptInvitations::Manual,
        host_hold: Duration::from_secs(60),
        camera: "auto".to_owned(),
        microphone: "auto".to_owned(),
        quality: Quality::P720,
        mirror: Mirror::No,
        layers: Default::default(),
        capture_volume: Loudness::Set(Volume::FULL),
        output_volume: Loudness::Set(Volume::FULL),
        seed: [n; 32],
    }
}
