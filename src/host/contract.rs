//! What a host is told and what it says.

use std::time::Duration;

use crate::model::command::{SeatCount, Settled};
use crate::model::event::Event;
use crate::model::media::Ticket;
use crate::model::message::{Grant, Signal, ToGuest, ToHost, Token};
use crate::model::sound::Return;
use crate::model::stage::{SeatStats, StageAsk, StageReport};
use crate::model::viewer::WatchOffer;
use crate::model::{
    By, Code, LiveId, Operator, Presence, Refusal, RequestId, RoomState, SeatMode, SessionId, User, UserId,
};

/// Who decides applications in the mode `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptApplications {
    /// An operator decides each.
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
        /// WHIP endpoint (RFC 9725); `None`: the guests publish nothing.
        publish_url: Option<String>,
        /// Bearer token for both.
        token: Option<Token>,
        /// WHEP endpoint; `None`: the guests play nothing.
        playback_url: Option<String>,
        /// WHEP endpoint of one guest's media, for viewers; `None`: nobody watches.
        watch_url: Option<String>,
    },
}

impl Grants {
    /// Where the media of this guest go.
    pub(super) fn of(&self, live_id: &LiveId, guest: &UserId) -> Grant {
        let fill = |url: &Option<String>| url.as_ref().map(|url| filled(url, live_id, guest));
        match self {
            Self::Stage(stage) => Grant::Mqtt { stage: stage.clone() },
            Self::Whip { publish_url, token, playback_url, watch_url: _ } => Grant::Whip {
                publish_url: fill(publish_url),
                token: token.clone(),
                playback_url: fill(playback_url),
            },
        }
    }
}

/// A URL with the room and the guest in it.
fn filled(url: &str, live_id: &LiveId, guest: &UserId) -> String {
    url.replace("{live_id}", live_id.as_str()).replace("{user_id}", guest.as_str())
}

/// The rules that may change while the host runs; nothing that is under way changes with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPolicy {
    /// Seats of a live that names no number.
    pub seats: SeatCount,
    /// Mode of a live that names none.
    pub seat_mode: SeatMode,
    /// Who decides applications.
    pub accept_applications: AcceptApplications,
    /// How long a lost guest keeps its place.
    pub hold: Duration,
    /// What guests hear for whom nothing else was set.
    pub returned: Return,
    /// How many guests the room takes; nobody is sent out for a smaller number.
    pub capacity: usize,
    /// How many sessions of viewers there are at once; 0: nobody watches. None is ended for a smaller number.
    pub watching: usize,
}

/// What a host is told before it begins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The host itself.
    pub user: User,
    /// The rules of its rooms.
    pub policy: HostPolicy,
    /// The live to start without a command; it is forgotten when a live ends.
    pub standing_room: Option<LiveId>,
    /// Where media go.
    pub grant: Grants,
    /// Random bytes that ids are made from.
    pub seed: [u8; 32],
}

impl Settings {
    /// Whether media go to this host itself.
    pub(super) fn is_stage(&self) -> bool {
        match &self.grant {
            Grants::Stage(stage) => *stage == self.user.user_id,
            Grants::Whip { .. } => false,
        }
    }

    /// Where a seat is watched that does not come to this host; `None`: it comes here.
    ///
    /// # Errors
    /// `permission_denied`
    pub(super) fn watch_elsewhere(
        &self,
        live_id: &LiveId,
        guest: &UserId,
        session: impl FnOnce() -> SessionId,
    ) -> Result<Option<WatchOffer>, Refusal> {
        let denied = |why: String| Err(Refusal::new(Code::PermissionDenied, why));
        match &self.grant {
            Grants::Stage(stage) if *stage != self.user.user_id => {
                denied(format!("the media go to {stage} (room.stage), not to this host"))
            }
            Grants::Whip { watch_url: None, .. } => {
                denied("the media go to a server, and room.watch_url names no place to watch them".to_owned())
            }
            Grants::Stage(_) | Grants::Whip { .. } if self.policy.watching == 0 => {
                denied("nobody watches here: host.watching is 0".to_owned())
            }
            Grants::Stage(_) => Ok(None),
            Grants::Whip { watch_url: Some(url), token, .. } => Ok(Some(WatchOffer::Whep {
                session: session(),
                playback_url: filled(url, live_id, guest),
                token: token.clone(),
            })),
        }
    }

    /// Who decides, where `operator` gave the command.
    pub(super) fn by(&self, operator: Option<Operator>) -> By {
        By { user: self.user.clone(), operator }
    }
}

/// What happened outside of the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The broker is there and the commands are subscribed.
    Online,
    /// The broker is gone.
    Offline,
    /// The own `offline` was seen while connected: the will of a former connection came late.
    OwnOffline,
    /// The topic of a watched room is subscribed: what is retained there comes at once, as [`Input::Room`].
    RoomSubscribed(LiveId),
    /// What is retained of a watched room.
    Room {
        /// The room that was watched.
        live_id: LiveId,
        /// `None` where nothing is retained, or nothing that can be read.
        state: Option<RoomState>,
    },
    /// A watched user's `status`.
    UserStatus {
        /// The user that was watched.
        user_id: UserId,
        /// What its retained `status` says.
        presence: Presence,
    },
    /// A request on `to_host`, or why it cannot be read.
    Request {
        /// The room in the topic.
        live_id: LiveId,
        /// The user in the topic.
        from: UserId,
        /// Repeated in the answer.
        request_id: RequestId,
        /// What is asked, or why it cannot be read.
        request: Result<ToHost, Refusal>,
    },
    /// Something on `to_host` that cannot be answered.
    Noise {
        /// The user in the topic.
        from: UserId,
    },
    /// A signal on `to_stage`.
    Signal {
        /// The room in the topic.
        live_id: LiveId,
        /// The user in the topic.
        from: UserId,
        /// What was read of it.
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

/// What should happen outside of the machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A pending command ended.
    Settled {
        /// The ticket it was given.
        ticket: Ticket,
        /// Its one reply.
        settled: Settled,
    },
    /// Listen to the guests of this room.
    Enter(LiveId),
    /// Listen to them no longer.
    Exit(LiveId),
    /// Say what is retained of this room: [`Input::Room`].
    WatchRoom(LiveId),
    /// Ends [`Output::WatchRoom`].
    UnwatchRoom(LiveId),
    /// Say this user's `status`: [`Input::UserStatus`].
    Watch(UserId),
    /// Ends [`Output::Watch`].
    Unwatch(UserId),
    /// A message to a guest.
    ToGuest {
        /// The room in the topic.
        live_id: LiveId,
        /// The guest in the topic.
        to: UserId,
        /// What it is told.
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
    /// Nothing is retained of the room to be started, or it would have come by now.
    StoredRead,
    /// This guest's application expires.
    Application(UserId),
    /// This guest's invitation expires.
    Invitation(UserId),
    /// This guest was gone for the whole hold.
    Hold(UserId),
    /// The stage owes this picture.
    Snapshot(Ticket),
    /// The offer for this viewer is owed.
    ViewerOffer(u64),
    /// This viewer owes its answer.
    ViewerAnswer(u64),
    /// Nothing was heard of this viewer for so long that it is over.
    ViewerSilent(u64),
}
