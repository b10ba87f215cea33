//! What a guest is told and what it says.

use std::time::Duration;

use crate::model::command::Settled;
use crate::model::event::Event;
use crate::model::media::{Ask, GuestStats, Mirror, Quality, Report, Ticket};
use crate::model::message::{Signal, ToGuest, ToHost, Token};
use crate::model::server::{Origin, ServerAsk};
use crate::model::state::LayersState;
use crate::model::volume::Loudness;
use crate::model::{LiveId, Presence, Refusal, RequestId, RoomState, User, UserId};

/// Whose invitations are accepted without an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptInvitations {
    /// Nobody's.
    Manual,
    /// Everybody's.
    Always,
    /// Those of these hosts.
    From(Vec<UserId>),
}

/// A server that takes this guest's media, whatever the host grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishServer {
    /// WHIP endpoint, with `{live_id}` and `{user_id}` where they belong; `None`: the host's grant names it.
    pub publish_url: Option<String>,
    /// Bearer token for that endpoint, and for no other; `None`: the host's grant brings it.
    pub token: Option<Token>,
}

/// What a guest is told before it begins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who it is.
    pub user: User,
    /// The room to be in whenever it is live.
    pub standing_room: Option<LiveId>,
    /// The configured server, if media go to one.
    pub server: Option<PublishServer>,
    /// Where a server may lead beside its own origin, and a grant in clear or to this machine.
    pub trusted_origins: Vec<Origin>,
    /// Whose invitations are accepted at once.
    pub accept_invitations: AcceptInvitations,
    /// How long a seat is kept while the host is gone.
    pub host_hold: Duration,
    /// The configured camera, shown until one is open.
    pub camera: String,
    /// The configured microphone, shown until one is open.
    pub microphone: String,
    /// Picture size.
    pub quality: Quality,
    /// Mirrored or not.
    pub mirror: Mirror,
    /// What is drawn into its pictures.
    pub layers: LayersState,
    /// Microphone volume.
    pub capture_volume: Loudness,
    /// Speaker volume.
    pub output_volume: Loudness,
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
    /// What is retained of the entered room; `None` for nothing.
    Room {
        /// Which room.
        live_id: LiveId,
        /// Its state.
        state: Option<RoomState>,
    },
    /// The watched host's `status`.
    HostStatus {
        /// Who.
        user_id: UserId,
        /// There or not.
        presence: Presence,
    },
    /// A message on `to_guest`.
    Message {
        /// Of which room.
        live_id: LiveId,
        /// What.
        message: ToGuest,
    },
    /// An offer to the stage of a room could not be sent.
    OfferUnsent {
        /// The session it was for, as signals name it.
        name: String,
        /// Why.
        refusal: Refusal,
    },
    /// The own media report.
    Media(Report),
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
    /// Listen to this room: its `state` and what it says to this guest.
    Enter(LiveId),
    /// Listen to it no longer.
    Exit(LiveId),
    /// Say this host's `status`: [`Input::HostStatus`].
    Watch(UserId),
    /// No longer.
    Unwatch(UserId),
    /// A request to the host of a room.
    ToHost {
        /// Of which room.
        live_id: LiveId,
        /// Named in the answer.
        request_id: RequestId,
        /// What is asked.
        message: ToHost,
    },
    /// A signal to the stage of a room.
    ToStage {
        /// Of which room.
        live_id: LiveId,
        /// The signal.
        signal: Signal,
    },
    /// Ask the broker for a sign of life now: nothing is heard of the far side, and that may be the network.
    ProbeBroker,
    /// Ask the server that takes the media.
    ToServer(ServerAsk),
    /// Publish an event.
    Event(Event),
    /// Ask the own media.
    Media(Ask),
    /// Publish statistics.
    Stats {
        /// Which seat.
        seat_index: u32,
        /// The numbers.
        stats: GuestStats,
    },
    /// Everything for [`Input::Stop`] was said.
    Stopped,
}

/// Whether the program is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    No,
    Begun,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The host did not answer this request.
    Request(RequestId),
    /// `join` was not answered: once more.
    Join,
    /// The command `join_live` has waited long enough.
    JoinLive,
    /// The host was gone for the whole hold.
    HostHold,
    /// The own application has expired, and the host did not say so.
    Application,
    /// This invitation has expired, and the host did not say so.
    Invitation(crate::model::InvitationId),
    /// Media are not live yet.
    Live,
    /// Nothing was heard of the far side for too long.
    Silent,
    /// The network is back, and the peer connection from before has not spoken.
    PathReturns,
    /// The far side was heard for so long that its silence before counts no more.
    Steady,
    /// The pause before the next attempt is over.
    Retry,
    /// Media do not say that they stopped.
    Stop,
    /// The camera does not open.
    Camera,
    /// The microphone does not open.
    Microphone,
    /// What was refused for its rate is said again.
    Devices,
    /// The camera owes this picture.
    Snapshot(Ticket),
}
