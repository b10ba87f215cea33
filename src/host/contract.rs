//! What a host is told and what it says.

use std::time::Duration;

use crate::model::command::{SeatCount, Settled};
use crate::model::event::Event;
use crate::model::media::Ticket;
use crate::model::message::{Signal, ToGuest, ToHost, Token};
use crate::model::sound::Return;
use crate::model::stage::{SeatStats, StageAsk, StageReport};
use crate::model::{LiveId, Presence, Refusal, RequestId, RoomState, SeatMode, User, UserId};

/// Who decides applications in the mode `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptApplications {
    /// An operator.
    Manual,
    /// Nobody: all are accepted at once.
    Always,
}

/// Where the guests' media go.
#[derive(Debug, Clone, PartialEq)]
pub enum Grants {
    /// Straight to this peer: the host itself, or another.
    Stage(UserId),
    /// To a server; `{live_id}` and `{user_id}` in the URLs are filled in per guest.
    Whip {
        /// WHIP endpoint.
        publish_url: Option<String>,
        /// Bearer token for both.
        token: Option<Token>,
        /// WHEP endpoint.
        playback_url: Option<String>,
    },
}

/// What a host is told before it begins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who it is.
    pub user: User,
    /// Seats of a live that names no number.
    pub seats: SeatCount,
    /// Mode of a live that names none.
    pub seat_mode: SeatMode,
    /// Who decides applications.
    pub accept_applications: AcceptApplications,
    /// How long a lost guest keeps its place.
    pub hold: Duration,
    /// What guests hear of the room.
    pub returned: Return,
    /// Guests the room takes.
    pub capacity: usize,
    /// The live to start by itself.
    pub standing_room: Option<LiveId>,
    /// Where media go.
    pub grant: Grants,
    /// For ids.
    pub seed: [u8; 32],
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The broker is there and the commands are subscribed.
    Online,
    /// The broker is gone.
    Offline,
    /// The own `offline` was seen while connected: the will of a former connection came late.
    OwnOffline,
    /// What is retained of a watched room; `None` for nothing.
    Room {
        /// Which room.
        live_id: LiveId,
        /// Its state.
        state: Option<RoomState>,
    },
    /// A watched user's `status`.
    UserStatus {
        /// Who.
        user_id: UserId,
        /// There or not.
        presence: Presence,
    },
    /// A request on `to_host`, or why it cannot be read.
    Request {
        /// Of which room.
        live_id: LiveId,
        /// The user in the topic.
        from: UserId,
        /// Named in the answer.
        request_id: RequestId,
        /// What is asked.
        request: Result<ToHost, Refusal>,
    },
    /// Something on `to_host` that cannot be answered.
    Noise {
        /// The user in the topic.
        from: UserId,
    },
    /// A signal on `to_stage`.
    Signal {
        /// Of which room.
        live_id: LiveId,
        /// The user in the topic.
        from: UserId,
        /// The signal.
        signal: Signal,
    },
    /// Something on `to_stage` that is no signal.
    SignalNoise {
        /// The user in the topic.
        from: UserId,
    },
    /// The own stage reports.
    Stage(StageReport),
    /// The program is asked to stop.
    Stop,
}

/// What should happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A pending command ended.
    Settled {
        /// Which.
        ticket: Ticket,
        /// How.
        settled: Settled,
    },
    /// Listen to the guests of this room.
    Enter(LiveId),
    /// Listen to them no longer.
    Exit(LiveId),
    /// Say what is retained of this room: [`Input::Room`].
    WatchRoom(LiveId),
    /// No longer.
    UnwatchRoom(LiveId),
    /// Say this user's `status`: [`Input::UserStatus`].
    Watch(UserId),
    /// No longer.
    Unwatch(UserId),
    /// A message to a guest.
    ToGuest {
        /// Of which room.
        live_id: LiveId,
        /// Whom.
        to: UserId,
        /// What.
        message: ToGuest,
    },
    /// Publish the room.
    Room(RoomState),
    /// Publish an event.
    Event(Event),
    /// Ask the own stage.
    Stage(StageAsk),
    /// Publish statistics: guest, seat, numbers.
    Stats(Vec<(UserId, u32, SeatStats)>),
    /// Everything for [`Input::Stop`] was said.
    Stopped,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Nobody has said whether the room to be started is somebody else's.
    Start,
    /// This guest's application expires.
    Application(UserId),
    /// This guest's invitation expires.
    Invitation(UserId),
    /// This guest was gone for the whole hold.
    Hold(UserId),
    /// The stage owes this picture.
    Snapshot(Ticket),
}
