//! From nothing to a CONNACK.

use std::sync::Arc;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, ConnectReturnCode, LastWill, Login, Packet,
};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use super::failure::{ConnectionFailure, Silence};
use super::inbound_queue::RECEIVE_MAXIMUM;
use super::packets::{PacketError, PacketStream, ReadState};
use super::probe::{Spoken, probe};
use super::socket::{Dialled, dial};
use super::{CONNECT_TIMEOUT, MAX_PACKET, Participation, SESSION_EXPIRY, Settings};
use crate::network::LocalRoute;

/// Whether the broker's session, if it has one of ours, is wanted back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Anew,
    Resuming,
}

/// A connection that the broker has accepted.
pub(super) struct Accepted {
    pub(super) packets: PacketStream,
    pub(super) answer: ConnAck,
    /// Its way out of this machine, as far as that is known.
    pub(super) route: Option<LocalRoute>,
}

/// Connects, and asks what else the broker speaks where it does not answer and `known` does not say so.
pub(super) async fn handshake(
    settings: &Settings,
    tls: Option<Arc<ClientConfig>>,
    presence: Participation,
    begin: Begin,
    known: Option<Spoken>,
) -> Result<Accepted, ConnectionFailure> {
    let deadline = Instant::now() + CONNECT_TIMEOUT;
    let Dialled { stream, route } = match timeout_at(deadline, dial(settings, tls.clone(), deadline)).await {
        Ok(dialled) => dialled?,
        Err(_) => return Err(ConnectionFailure::Dial(super::socket::DialError::NoAnswer)),
    };
    let mut packets = PacketStream::new(stream);
    packets.push(&connect(settings, presence, begin), None)?;
    let how = match timeout_at(deadline, first(&mut packets)).await {
        Ok(Ok(Packet::ConnAck(answer))) if answer.code == ConnectReturnCode::Success => {
            return Ok(Accepted { packets, answer, route });
        }
        Ok(Ok(Packet::ConnAck(answer))) => return Err(ConnectionFailure::Refused(answer.code)),
        // With a reason, though it is not the packet for it.
        Ok(Ok(Packet::Disconnect(said))) => return Err(ConnectionFailure::Disconnected(said.reason_code)),
        Ok(Ok(_)) => return Err(ConnectionFailure::NotConnAck),
        Ok(Err(PacketError::Closed)) => Silence::Closed,
        Ok(Err(PacketError::Io(error))) if is_hang_up(&error) => Silence::Closed,
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => Silence::Mute,
    };
    drop(packets);
    let spoken = match known {
        Some(spoken) => spoken,
        None => probe(settings, tls).await,
    };
    Err(ConnectionFailure::Unanswered { how, spoken })
}

fn is_hang_up(error: &std::io::Error) -> bool {
    use std::io::ErrorKind as Kind;
    let of_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    !of_tls
        && matches!(
            error.kind(),
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof
        )
}

async fn first(packets: &mut PacketStream) -> Result<Packet, PacketError> {
    loop {
        if let Some(packet) = packets.next()? {
            return Ok(packet);
        }
        packets.turn(ReadState::On).await?;
    }
}

fn connect(settings: &Settings, presence: Participation, begin: Begin) -> Packet {
    let mut properties = ConnectProperties::new();
    properties.receive_maximum = Some(RECEIVE_MAXIMUM);
    properties.max_packet_size = Some(MAX_PACKET);
    let (session, will) = match presence {
        Participation::TakingPart => (u32::try_from(SESSION_EXPIRY.as_secs()).ok(), settings.will.as_ref()),
        Participation::Watching => (None, None),
    };
    properties.session_expiry_interval = session;
    let will =
        will.map(|will| LastWill::new(&will.topic, will.payload.clone(), QoS::AtLeastOnce, true, None));
    let login = (settings.username.is_some() || settings.password.is_some()).then(|| {
        let of = |secret: &Option<String>| secret.clone().unwrap_or_default();
        Login::new(of(&settings.username), of(&settings.password))
    });
    let connect = Connect {
        keep_alive: u16::try_from(settings.keep_alive.as_secs()).unwrap_or(u16::MAX),
        client_id: settings.client_id.clone(),
        clean_start: begin == Begin::Anew,
        properties: Some(properties),
    };
    Packet::Connect(connect, will, login)
}
