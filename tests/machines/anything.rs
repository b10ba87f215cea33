//! Any bytes on any topic, to a guest and a host that talk with each other: they are read as the program reads them and put to
//! the machines; nothing panics, and what the stands hold holds. The fuzz target runs this too.
//!
//! A script is cut at 0xFF, which no text has. Its first byte says how willing the two are. A step says where its bytes go
//! and who says them; what follows is the message: as it stands, or a golden one of that topic with some of its bytes changed.

use std::time::{Duration, Instant};

use coguestd::model::command::{Command, GuestCommand, HostCommand, JoinLive, StartLive};
use coguestd::model::media::Report;
use coguestd::model::message::DeviceKind;
use coguestd::model::stage::{StageAsk, StageReport};
use coguestd::model::{LiveId, Presence, SeatMode, UserId};
use coguestd::mqtt::wire::command::{self, Envelope};
use coguestd::mqtt::wire::room::{self, FromGuest, RetainedRoom};
use coguestd::{guest, host};

use super::guest_stand::{self, GuestStand, id};
use super::host_stand::{self, HostStand};

/// Most steps of a script.
const STEPS: usize = 250;

/// Most messages between the two that follow from one step.
const TALK: usize = 200;

/// Most bytes that a machine is when it is written down, after any script: nothing is kept of what is said to it.
const GUEST_MAX: usize = 256 * 1024;
const HOST_MAX: usize = 1024 * 1024;

macro_rules! golden {
    ($($name:literal)*) => { &[$(include_bytes!(concat!("../golden/", $name, ".json"))),*] };
}

const TO_HOST: &[&[u8]] = golden!("to_host/join" "to_host/apply" "to_host/accept_invitation" "to_host/devices"
    "to_host/devices_with_phase" "to_host/leave_seat" "to_host/leave" "to_host/cancel_application"
    "to_host/reject_invitation");

const TO_STAGE: &[&[u8]] =
    golden!("to_stage/offer" "to_stage/candidate" "to_stage/end_of_candidates" "to_stage/bye");

const TO_GUEST: &[&[u8]] = golden!("to_guest/seated" "to_guest/unseated" "to_guest/moved" "to_guest/invitation"
    "to_guest/application_accepted" "to_guest/device_control" "to_guest/result_of_join" "to_guest/result"
    "to_guest/result_refused" "to_guest/seated_whip" "to_guest/live_ended" "to_guest/invitation_cancelled"
    "to_guest/invitation_no_response" "to_guest/application_no_response" "to_guest/application_rejected"
    "to_stage/answer" "to_stage/candidate");

const ROOM: &[&[u8]] = golden!("room/live" "room/ended");

macro_rules! commands {
    ($($name:literal)*) => { &[$(($name, include_bytes!(concat!("../golden/command/", $name, ".json")).as_slice())),*] };
}

const COMMANDS: &[(&str, &[u8])] = commands!("apply_for_seat" "accept_application" "invite_to_seat" "accept_invitation"
    "move_user_to_seat" "lock_seat" "unlock_seat" "kick_user_out_of_seat" "disconnect" "close_remote_camera"
    "open_local_camera" "cancel_application" "reject_application" "cancel_invitation" "leave_live" "join_live");

/// Puts a script to a guest and a host; `look` sees them after every step.
pub fn hear(script: &[u8], mut look: impl FnMut(&World)) {
    let Some((first, script)) = script.split_first() else { return };
    let mut world = World::new(*first);
    for step in script.split(|byte| *byte == 0xff).take(STEPS) {
        world.step(step);
        look(&world);
    }
    let (guest, host) = world.sizes();
    assert!(guest <= GUEST_MAX, "the guest is {guest} bytes: {:?}", world.guest.guest);
    assert!(host <= HOST_MAX, "the host is {host} bytes: {:?}", world.host.host);
}

pub struct World {
    pub guest: GuestStand,
    pub host: HostStand,
}

impl World {
    /// The host's live runs, and the guest is inside.
    pub fn new(kind: u8) -> Self {
        let now = Instant::now();
        let (mut guest, mut host) = (guest_stand::settings("kiosk-7", 1), host_stand::settings(1));
        if kind.is_multiple_of(2) {
            guest.accept_invitations = guest::AcceptInvitations::Always;
            host.policy.seat_mode = SeatMode::Free;
        }
        let mut world = Self { guest: GuestStand::new(guest, now), host: HostStand::new(host, now) };
        world.host_hears(host::Input::Online);
        let start = StartLive { live_id: lobby(), seats: None, seat_mode: None };
        let command = Command::Host { operator: None, command: HostCommand::StartLive(start) };
        let (_, outputs) = world.host.command(command);
        world.route(Vec::new(), outputs);
        world.host_hears(host::Input::Room { live_id: lobby(), state: None });
        world.guest_hears(guest::Input::Online);
        let (_, outputs) =
            world.guest.command(Command::Guest(GuestCommand::JoinLive(JoinLive { live_id: lobby() })));
        world.route(outputs, Vec::new());
        let room = world.host.room.clone();
        world.guest_hears(guest::Input::Room { live_id: lobby(), state: room });
        world
    }

    /// How much each is, written down.
    pub fn sizes(&self) -> (usize, usize) {
        (format!("{:?}", self.guest.guest).len(), format!("{:?}", self.host.host).len())
    }

    pub fn step(&mut self, step: &[u8]) {
        let [topic, how, rest @ ..] = step else { return };
        let from = speaker(*how);
        match topic % 16 {
            0 | 1 => self.say_to_host(from, &message(rest, TO_HOST)),
            2 | 3 => self.say_to_stage(from, &message(rest, TO_STAGE)),
            4..=6 => self.say_to_guest(&message(rest, TO_GUEST)),
            7 => self.room(*how, &message(rest, ROOM)),
            8 => self.status(*how, rest),
            9..=12 => self.command(*how, rest),
            13 => self.stage(*how),
            14 => self.media(*how),
            _ => self.pass(Duration::from_millis(u64::from(*how) * 50)),
        }
    }

    fn say_to_host(&mut self, from: UserId, bytes: &[u8]) {
        match room::read_to_host(bytes) {
            FromGuest::Request(request_id, request) => {
                let outputs = self.host.request_as(&from, &lobby(), request_id, request);
                self.route(Vec::new(), outputs);
            }
            FromGuest::Noise => self.host_hears(host::Input::Noise { from }),
        }
    }

    fn say_to_stage(&mut self, from: UserId, bytes: &[u8]) {
        self.host_hears(match room::read_to_stage(bytes) {
            Some(signal) => host::Input::Signal { live_id: lobby(), from, signal },
            None => host::Input::SignalNoise { from },
        });
    }

    fn say_to_guest(&mut self, bytes: &[u8]) {
        if let Some(message) = room::read_to_guest(bytes) {
            self.guest_hears(guest::Input::Message { live_id: lobby(), message });
        }
    }

    fn room(&mut self, how: u8, bytes: &[u8]) {
        let state = match room::read_room(bytes) {
            RetainedRoom::Room(state) => Some(state),
            RetainedRoom::Nothing => None,
            RetainedRoom::Unreadable => return,
        };
        let live_id = lobby();
        if how.is_multiple_of(2) {
            self.guest_hears(guest::Input::Room { live_id, state });
        } else {
            self.host_hears(host::Input::Room { live_id, state });
        }
    }

    fn status(&mut self, how: u8, bytes: &[u8]) {
        let presence = if bytes == b"online" { Presence::Online } else { Presence::Offline };
        match how % 8 {
            0 => self.guest_hears(guest::Input::HostStatus { user_id: id("host-1"), presence }),
            1 => self.guest_hears(guest::Input::Offline),
            2 => self.guest_hears(guest::Input::Online),
            3 => self.guest_hears(guest::Input::OwnOffline),
            4 => self.host_hears(host::Input::Offline),
            5 => self.host_hears(host::Input::Online),
            _ => self.host_hears(host::Input::UserStatus { user_id: speaker(how / 8), presence }),
        }
    }

    fn command(&mut self, how: u8, bytes: &[u8]) {
        let (name, payload) = match bytes.split_first().filter(|(first, _)| **first >= 0x80) {
            Some((first, changes)) => {
                let (name, payload) = COMMANDS[usize::from(*first) % COMMANDS.len()];
                (name, changed(payload, changes))
            }
            None => {
                let names: Vec<&str> = command::names().collect();
                (names[usize::from(how) % names.len()], bytes.to_vec())
            }
        };
        let Ok(command) = Envelope::open(&payload).read(name) else { return };
        let (_, guest) = self.guest.command(command.clone());
        let (_, host) = self.host.command(command);
        self.route(guest, host);
    }

    fn stage(&mut self, how: u8) {
        let Some(peer) =
            self.host.peers.iter().nth(usize::from(how / 2) % self.host.peers.len().max(1)).cloned()
        else {
            return;
        };
        let report =
            if how.is_multiple_of(2) { StageReport::Live { peer } } else { StageReport::Silent { peer } };
        self.host_hears(host::Input::Stage(report));
    }

    fn media(&mut self, how: u8) {
        let Some(opened) = self.guest.opened else { return };
        let epoch = opened.epoch;
        let device = if how.is_multiple_of(8) { DeviceKind::Camera } else { DeviceKind::Microphone };
        let report = match (how % 4, opened.session) {
            (0, _) => Report::DeviceOpened { epoch, device, id: "0".to_owned() },
            (1, _) => Report::DeviceLost { epoch, device, why: "unplugged".to_owned() },
            (2, Some(session)) => Report::Offer { session, sdp: "v=0".to_owned() },
            (_, Some(session)) => Report::FirstPacket { session },
            (_, None) => return,
        };
        self.guest_hears(guest::Input::Media(report));
    }

    pub fn pass(&mut self, time: Duration) {
        let (guest, host) = (self.guest.pass(time), self.host.pass(time));
        self.route(guest, host);
    }

    fn guest_hears(&mut self, input: guest::Input) {
        let outputs = self.guest.input(input);
        self.route(outputs, Vec::new());
    }

    fn host_hears(&mut self, input: host::Input) {
        let outputs = self.host.input(input);
        self.route(Vec::new(), outputs);
    }

    /// What one says the other hears, as bytes, until both are quiet.
    fn route(&mut self, mut guest: Vec<guest::Output>, mut host: Vec<host::Output>) {
        for _ in 0..TALK {
            let mut more = (Vec::new(), Vec::new());
            for output in guest.drain(..) {
                more.1.extend(self.said_by_guest(output));
            }
            for output in host.drain(..) {
                more.0.extend(self.said_by_host(output));
            }
            (guest, host) = more;
            if guest.is_empty() && host.is_empty() {
                return;
            }
        }
        panic!("they never stop talking: {guest:?}, {host:?}");
    }

    fn said_by_guest(&mut self, output: guest::Output) -> Vec<host::Output> {
        let from = id("kiosk-7");
        match output {
            guest::Output::ToHost { live_id, request_id, message } => {
                let bytes = room::write_to_host(&request_id, &message);
                let FromGuest::Request(request_id, request) = room::read_to_host(&bytes) else {
                    panic!("{message:?} is written as it is read");
                };
                self.host.input(host::Input::Request { live_id, from, request_id, request })
            }
            guest::Output::ToStage { live_id, signal } => {
                let signal = room::read_to_stage(&room::write_signal(signal)).expect("it is a signal");
                self.host.input(host::Input::Signal { live_id, from, signal })
            }
            guest::Output::Settled { .. }
            | guest::Output::Stopped
            | guest::Output::Enter(_)
            | guest::Output::Exit(_)
            | guest::Output::Watch(_)
            | guest::Output::Unwatch(_)
            | guest::Output::ToServer(_)
            | guest::Output::ProbeBroker
            | guest::Output::Event(_)
            | guest::Output::Media(_)
            | guest::Output::Stats { .. } => Vec::new(),
        }
    }

    fn said_by_host(&mut self, output: host::Output) -> Vec<guest::Output> {
        match output {
            host::Output::ToGuest { live_id, to, message } if to == id::<UserId>("kiosk-7") => {
                let bytes = room::write_to_guest(&message);
                let message = room::read_to_guest(&bytes).expect("it is written as it is read");
                self.guest.input(guest::Input::Message { live_id, message })
            }
            host::Output::Room(state) => {
                let live_id = state.live_id.clone();
                self.guest.input(guest::Input::Room { live_id, state: Some(state) })
            }
            host::Output::Stage(StageAsk::Offer { peer, exchange, .. }) => {
                let report = StageReport::Answer { peer, exchange, sdp: "v=0".to_owned() };
                let outputs = self.host.input(host::Input::Stage(report));
                outputs.into_iter().flat_map(|output| self.said_by_host(output)).collect()
            }
            host::Output::ToGuest { .. }
            | host::Output::Settled { .. }
            | host::Output::Stopped
            | host::Output::Enter(_)
            | host::Output::Exit(_)
            | host::Output::Watch(_)
            | host::Output::Unwatch(_)
            | host::Output::WatchRoom(_)
            | host::Output::UnwatchRoom(_)
            | host::Output::Event(_)
            | host::Output::Stage(_)
            | host::Output::Stats(_) => Vec::new(),
        }
    }
}

fn lobby() -> LiveId {
    id("lobby")
}

fn speaker(how: u8) -> UserId {
    id(["kiosk-7", "kiosk-8", "kiosk-9", "stranger"][usize::from(how) % 4])
}

/// The bytes themselves; or, after one of 0x80 and more, a golden message in which pairs of place and byte are changed.
fn message(bytes: &[u8], golden: &[&[u8]]) -> Vec<u8> {
    let Some((first, rest)) = bytes.split_first().filter(|(first, _)| **first >= 0x80) else {
        return bytes.to_vec();
    };
    changed(golden[usize::from(*first) % golden.len()], rest)
}

fn changed(golden: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut message = golden.to_vec();
    for change in changes.chunks_exact(2) {
        let place = usize::from(change[0]) % message.len();
        message[place] = change[1];
    }
    message
}
