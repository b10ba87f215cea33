//! How a connection to the broker fails.

use rumqttc::v5::mqttbytes::Error as CodecError;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode};

use super::packets::PacketError;
use super::probe::Spoken;
use super::socket::DialError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionFailure {
    /// There was no connection.
    #[error("{0}")]
    Dial(#[from] DialError),
    /// The broker took the connection and hung up on our CONNECT, or left it without an answer.
    #[error("no answer to CONNECT ({how:?})")]
    Unanswered {
        /// In which way.
        how: Silence,
        /// What else it answers.
        spoken: Spoken,
    },
    /// Our CONNECT was refused.
    #[error("refused: {0:?}")]
    Refused(ConnectReturnCode),
    /// Something else than a CONNACK came first.
    #[error("no CONNACK")]
    NotConnAck,
    /// What came is no MQTT 5, or nothing comes any more.
    #[error("{0}")]
    Packet(#[from] PacketError),
    /// A packet came that a broker does not send.
    #[error("unexpected packet")]
    Unexpected,
    /// Our PINGREQ had no answer.
    #[error("no sign of life")]
    NoSignOfLife,
    /// The address that the connection was made from is gone, or is not the one that leads to the broker any more.
    #[error("the network has changed")]
    Moved,
    /// Our SUBSCRIBE had no answer.
    #[error("subscriptions are not answered")]
    Unsubscribed,
    /// The broker said DISCONNECT.
    #[error("disconnected: {0:?}")]
    Disconnected(DisconnectReasonCode),
}

/// How a CONNECT was left without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The broker hung up.
    Closed,
    /// It did nothing at all.
    Mute,
}

impl ConnectionFailure {
    /// What the broker was found to speak.
    pub(super) fn spoken(&self) -> Option<Spoken> {
        match self {
            Self::Unanswered { spoken, .. } => Some(*spoken),
            Self::Dial(_)
            | Self::Refused(_)
            | Self::NotConnAck
            | Self::Packet(_)
            | Self::Unexpected
            | Self::NoSignOfLife
            | Self::Moved
            | Self::Unsubscribed
            | Self::Disconnected(_) => None,
        }
    }

    /// Whether the broker sent something unreadable: what its session holds may be the cause.
    pub(super) fn is_malformed(&self) -> bool {
        match self {
            Self::Packet(PacketError::Codec(error)) => !matches!(error, CodecError::Io(_)),
            Self::Unexpected => true,
            Self::Packet(
                PacketError::Io(_)
                | PacketError::Closed
                | PacketError::OldConnAck(_)
                | PacketError::BeforeConnAck(_),
            )
            | Self::Dial(_)
            | Self::Unanswered { .. }
            | Self::Refused(_)
            | Self::NotConnAck
            | Self::NoSignOfLife
            | Self::Moved
            | Self::Unsubscribed
            | Self::Disconnected(_) => false,
        }
    }
}
