//! A broker between one host and some guests, as bad as the protocol allows: order is kept within a topic and nowhere else,
//! what is under way to somebody who loses the connection is lost, and what he had just heard he hears again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use coguestd::guest;
use coguestd::host;
use coguestd::model::media::{Ask, Report, VideoPlan};
use coguestd::model::message::DeviceKind;
use coguestd::model::stage::{StageAsk, StageReport};
use coguestd::model::{Presence, RoomState, UserId};

use super::guest_stand::{self, GuestStand, id};
use super::host_stand::{self, HostStand};

/// Guests in this world.
pub const GUESTS: usize = 3;

/// How many of the last messages of a topic are heard again after the connection was lost.
const REPEATED: usize = 3;

/// How long after it was heard a message may still be unacknowledged.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// How long the broker keeps what is said to a host that is away.
const SESSION: Duration = Duration::from_secs(60);

/// The host's place among the clients.
pub const HOST: usize = GUESTS;

#[derive(Debug, Clone)]
pub enum Mail {
    Guest(guest::Input),
    Host(host::Input),
}

/// One topic on its way to one reader.
#[derive(Debug, Default)]
struct Line {
    under_way: VecDeque<Mail>,
    /// Not yet acknowledged, as far as the broker knows.
    heard: VecDeque<(Instant, Mail)>,
}

pub struct Network {
    pub guests: Vec<GuestStand>,
    pub host: HostStand,
    pub online: [bool; GUESTS + 1],
    lines: BTreeMap<(usize, String), Line>,
    room: Option<RoomState>,
    status: BTreeMap<UserId, Presence>,
    watched: Vec<BTreeSet<UserId>>,
    entered: [bool; GUESTS],
    host_entered: bool,
    host_away: Option<Instant>,
    looked: bool,
    starts: u8,
}

impl Network {
    pub fn new(now: Instant) -> Self {
        let mut network = Self {
            guests: (0..GUESTS).map(|n| GuestStand::new(guest_settings(n, 0), now)).collect(),
            host: HostStand::new(host_settings(0), now),
            online: [false; GUESTS + 1],
            lines: BTreeMap::new(),
            room: None,
            status: BTreeMap::new(),
            watched: vec![BTreeSet::new(); GUESTS + 1],
            entered: [false; GUESTS],
            host_entered: false,
            host_away: None,
            looked: false,
            starts: 1,
        };
        (0..=GUESTS).for_each(|who| network.connect(who));
        network
    }

    pub fn name(who: usize) -> UserId {
        if who == HOST { id("host-1") } else { id(&format!("kiosk-{who}")) }
    }

    /// The connection is there: what was heard last is heard again, what is retained is said.
    pub fn connect(&mut self, who: usize) {
        if std::mem::replace(&mut self.online[who], true) {
            return;
        }
        let now = self.host.now;
        if who == HOST && self.host_away.take().is_some_and(|since| now - since > SESSION) {
            self.lines.retain(|(reader, topic), _| *reader != HOST || !topic.starts_with("to_"));
        }
        for ((_, topic), line) in self.lines.iter_mut().filter(|((reader, _), _)| *reader == who) {
            if topic.starts_with("to_") {
                let waiting = std::mem::take(&mut line.under_way);
                let heard =
                    line.heard.drain(..).filter(|(at, _)| now - *at < UNACKNOWLEDGED).map(|(_, mail)| mail);
                line.under_way = heard.chain(waiting).collect();
            }
        }
        for user in self.watched[who].clone() {
            self.say_status(who, &user);
        }
        if who == HOST {
            self.say_looked();
            let outputs = self.host.input(host::Input::Online);
            self.route_host(outputs);
        } else {
            self.say_room(who);
            let outputs = self.guests[who].input(guest::Input::Online);
            self.route_guest(who, outputs);
        }
        self.set_status(who, Presence::Online);
    }

    /// The connection is lost, and the will is said. The broker keeps the host's session for a while, but not a guest's: what
    /// was under way to a guest is lost.
    pub fn disconnect(&mut self, who: usize) {
        if !std::mem::replace(&mut self.online[who], false) {
            return;
        }
        for ((reader, topic), line) in &mut self.lines {
            if *reader == who && topic != "media" && (who != HOST || !topic.starts_with("to_")) {
                line.under_way.clear();
            }
        }
        if who == HOST {
            self.host_away = Some(self.host.now);
            let outputs = self.host.input(host::Input::Offline);
            self.route_host(outputs);
        } else {
            let outputs = self.guests[who].input(guest::Input::Offline);
            self.route_guest(who, outputs);
        }
        self.set_status(who, Presence::Offline);
    }

    /// A new start of a program, after a stop or without one.
    pub fn restart(&mut self, who: usize) {
        self.disconnect(who);
        self.lines.retain(|(reader, _), _| *reader != who);
        self.watched[who].clear();
        self.starts += 1;
        let now = self.host.now;
        if who == HOST {
            self.looked = false;
            self.host_entered = false;
            self.host = HostStand::new(host_settings(self.starts), now);
            self.host.room = self.room.clone();
        } else {
            self.entered[who] = false;
            self.guests[who] = GuestStand::new(guest_settings(who, self.starts), now);
        }
    }

    fn set_status(&mut self, who: usize, presence: Presence) {
        let user = Self::name(who);
        self.status.insert(user.clone(), presence);
        for reader in 0..=GUESTS {
            if self.watched[reader].contains(&user) {
                self.say_status(reader, &user);
            }
        }
    }

    fn say_status(&mut self, reader: usize, user: &UserId) {
        let presence = self.status.get(user).copied().unwrap_or(Presence::Offline);
        let user_id = user.clone();
        let mail = if reader == HOST {
            Mail::Host(host::Input::UserStatus { user_id, presence })
        } else {
            Mail::Guest(guest::Input::HostStatus { user_id, presence })
        };
        self.send(reader, format!("status {user}"), mail);
    }

    fn say_room(&mut self, who: usize) {
        if self.entered[who] {
            let input = guest::Input::Room { live_id: id("lobby"), state: self.room.clone() };
            self.send(who, "room".to_owned(), Mail::Guest(input));
        }
    }

    /// What is retained, to a host that looks before it starts.
    fn say_looked(&mut self) {
        if self.looked {
            let input = host::Input::Room { live_id: id("lobby"), state: self.room.clone() };
            self.send(HOST, "room".to_owned(), Mail::Host(input));
        }
    }

    fn send(&mut self, reader: usize, topic: String, mail: Mail) {
        let room_plane = reader == HOST && topic.starts_with("to_");
        let kept = topic == "media" || room_plane;
        if (self.online[reader] || kept) && (self.host_entered || !room_plane) {
            self.lines.entry((reader, topic)).or_default().under_way.push_back(mail);
        }
    }

    /// Delivers the next message of some topic; whether there was one.
    pub fn deliver(&mut self, which: usize) -> bool {
        let waiting: Vec<(usize, String)> = self
            .lines
            .iter()
            .filter(|((reader, topic), line)| {
                !line.under_way.is_empty() && (self.online[*reader] || topic == "media")
            })
            .map(|(key, _)| key.clone())
            .collect();
        let Some(key) = waiting.get(which % waiting.len().max(1)).cloned() else { return false };
        let line = self.lines.get_mut(&key).expect("it is there");
        let Some(mail) = line.under_way.pop_front() else { return false };
        line.heard.push_back((self.host.now, mail.clone()));
        if line.heard.len() > REPEATED {
            line.heard.pop_front();
        }
        match mail {
            Mail::Host(input) => {
                let outputs = self.host.input(input);
                self.route_host(outputs);
            }
            Mail::Guest(input) => {
                let outputs = self.guests[key.0].input(input);
                self.route_guest(key.0, outputs);
            }
        }
        true
    }

    /// Time passes for all.
    pub fn pass(&mut self, time: Duration) {
        // What is retained is said soon after it was asked for.
        while let Some(Mail::Host(input)) =
            self.lines.get_mut(&(HOST, "room".to_owned())).and_then(|line| line.under_way.pop_front())
        {
            let outputs = self.host.input(input);
            self.route_host(outputs);
        }
        let outputs = self.host.pass(time);
        self.route_host(outputs);
        for who in 0..GUESTS {
            let outputs = self.guests[who].pass(time);
            self.route_guest(who, outputs);
        }
    }

    pub fn route_guest(&mut self, who: usize, outputs: Vec<guest::Output>) {
        let from = Self::name(who);
        for output in outputs {
            match output {
                guest::Output::ToHost { live_id, request_id, message } if self.online[who] => {
                    let (from, request) = (from.clone(), Ok(message));
                    let input = host::Input::Request { live_id, from, request_id, request };
                    self.send(HOST, format!("to_host {who}"), Mail::Host(input));
                }
                guest::Output::ToStage { live_id, signal } if self.online[who] => {
                    let input = host::Input::Signal { live_id, from: from.clone(), signal };
                    self.send(HOST, format!("to_stage {who}"), Mail::Host(input));
                }
                guest::Output::Enter(_) => {
                    self.entered[who] = true;
                    self.say_room(who);
                }
                guest::Output::Exit(_) => {
                    self.entered[who] = false;
                    self.lines.retain(|(reader, topic), _| {
                        *reader != who || topic.starts_with("status") || topic == "media"
                    });
                }
                guest::Output::Watch(user) => {
                    self.watched[who].insert(user.clone());
                    self.say_status(who, &user);
                }
                guest::Output::Unwatch(user) => {
                    self.watched[who].remove(&user);
                    self.lines.remove(&(who, format!("status {user}")));
                }
                guest::Output::Media(ask) => self.media(who, ask),
                _ => {}
            }
        }
    }

    fn media(&mut self, who: usize, ask: Ask) {
        let reports = match ask {
            Ask::Start { session, .. } => vec![
                Report::Offer { session, sdp: "v=0".to_owned() },
                Report::DeviceOpened {
                    epoch: session.epoch,
                    device: DeviceKind::Microphone,
                    id: "0".to_owned(),
                },
            ],
            Ask::Answer { session, .. } => vec![Report::FirstPacket { session }],
            Ask::Plan { epoch, plan } if plan.video == VideoPlan::Camera => {
                vec![Report::DeviceOpened { epoch, device: DeviceKind::Camera, id: "0".to_owned() }]
            }
            Ask::Stop { epoch } => vec![Report::Stopped { epoch }],
            _ => vec![],
        };
        for report in reports {
            self.send(who, "media".to_owned(), Mail::Guest(guest::Input::Media(report)));
        }
    }

    pub fn route_host(&mut self, outputs: Vec<host::Output>) {
        for output in outputs {
            match output {
                host::Output::ToGuest { live_id, to, message } if self.online[HOST] => {
                    let who = (0..GUESTS).find(|who| Self::name(*who) == to).expect("a guest of this world");
                    if self.entered[who] {
                        let input = guest::Input::Message { live_id, message };
                        self.send(who, "to_guest".to_owned(), Mail::Guest(input));
                    }
                }
                host::Output::Room(room) => {
                    assert!(self.online[HOST], "a room is published while the broker is there");
                    self.room = Some(room);
                    (0..GUESTS).for_each(|who| self.say_room(who));
                }
                host::Output::WatchRoom(live_id) => {
                    assert_eq!(live_id, id("lobby"));
                    self.looked = true;
                    self.say_looked();
                }
                host::Output::UnwatchRoom(_) => self.looked = false,
                host::Output::Enter(_) => self.host_entered = true,
                host::Output::Exit(_) => self.host_entered = false,
                host::Output::Watch(user) => {
                    self.watched[HOST].insert(user.clone());
                    self.say_status(HOST, &user);
                }
                host::Output::Unwatch(user) => {
                    self.watched[HOST].remove(&user);
                    self.lines.remove(&(HOST, format!("status {user}")));
                }
                host::Output::Stage(StageAsk::Offer { peer, exchange, .. }) => {
                    let answer = StageReport::Answer { peer: peer.clone(), exchange, sdp: "v=0".to_owned() };
                    for report in [answer, StageReport::Live { peer }] {
                        self.send(HOST, "media".to_owned(), Mail::Host(host::Input::Stage(report)));
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether anything is under way.
    pub fn is_busy(&self) -> bool {
        self.lines.values().any(|line| !line.under_way.is_empty())
    }

    /// Everybody is back, everything arrives, and time passes until nothing is due but what may wait for ever.
    pub fn settle(&mut self) {
        for who in 0..=GUESTS {
            self.connect(who);
        }
        for _ in 0..240 {
            let mut delivered = 0;
            while self.deliver(delivered) {
                delivered += 1;
                assert!(delivered < 20_000, "they never stop talking");
            }
            self.pass(Duration::from_millis(500));
        }
        let mut delivered = 0;
        while self.is_busy() && delivered < 20_000 {
            self.deliver(0);
            delivered += 1;
        }
    }
}

fn guest_settings(who: usize, start: u8) -> guest::Settings {
    let mut settings = guest_stand::settings(Network::name(who).as_str(), start);
    settings.seed[1] = u8::try_from(who).expect("few");
    settings.standing_room = Some(id("lobby"));
    settings
}

fn host_settings(start: u8) -> host::Settings {
    let mut settings = host_stand::settings(start);
    settings.standing_room = Some(id("lobby"));
    settings
}
