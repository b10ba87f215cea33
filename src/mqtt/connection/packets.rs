//! MQTT 5 packets on a stream: the codec is `rumqttc`'s, reading and writing is done here.
//!
//! Invariant: [`PacketStream::turn`] may be cancelled at any time and loses nothing; all that was pushed before a turn leaves in
//! one write, as far as the socket takes it.

use std::io;

use bytes::{Buf, BytesMut};
use rumqttc::v5::mqttbytes::Error as CodecError;
use rumqttc::v5::mqttbytes::v5::Packet;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use super::MAX_PACKET;
use super::socket::BrokerStream;

/// While more than this waits to be written, nothing is added that can wait.
const WRITTEN_AHEAD: usize = 64 * 1024;

/// Room for one read, in bytes: many small packets, or a part of a large one.
const READ: usize = 8 * 1024;

/// What a CONNACK of MQTT 3.1.1 begins with: its fixed header. That of MQTT 5 is longer.
const OLD_CONNACK: [u8; 2] = [0x20, 2];

/// Whether more may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadState {
    On,
    Paused,
}

/// Why packets come no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum PacketError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the connection was closed")]
    Closed,
    #[error("{0}")]
    Codec(CodecError),
    #[error("no MQTT: {0}")]
    BeforeConnAck(CodecError),
    #[error("a CONNACK of MQTT 3.1.1 with code {0}")]
    OldConnAck(u8),
}

pub(super) struct PacketStream {
    reader: ReadHalf<Box<dyn BrokerStream>>,
    writer: WriteHalf<Box<dyn BrokerStream>>,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Written, and not yet handed to the kernel by TLS.
    unflushed: Unflushed,
    seen: FirstPacket,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unflushed {
    Nothing,
    Something,
}

/// Whether a packet was read already: only the first can be of another version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FirstPacket {
    Nothing,
    Packet,
}

impl PacketStream {
    pub(super) fn new(stream: Box<dyn BrokerStream>) -> Self {
        let (reader, writer) = split(stream);
        Self {
            reader,
            writer,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            unflushed: Unflushed::Nothing,
            seen: FirstPacket::Nothing,
        }
    }

    /// Adds a packet to what is written next.
    pub(super) fn push(&mut self, packet: &Packet, max: Option<u32>) -> Result<(), PacketError> {
        packet.write(&mut self.outgoing, max).map_err(PacketError::Codec)?;
        Ok(())
    }

    /// Whether the socket keeps up.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < WRITTEN_AHEAD
    }

    /// Everything is with the kernel.
    pub(super) fn is_written(&self) -> bool {
        self.outgoing.is_empty() && self.unflushed == Unflushed::Nothing
    }

    /// The next packet that has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, PacketError> {
        if self.seen == FirstPacket::Nothing && self.incoming.starts_with(&OLD_CONNACK) {
            return match self.incoming.get(3) {
                Some(code) => Err(PacketError::OldConnAck(*code)),
                None => Ok(None),
            };
        }
        let before = self.incoming.len();
        match Packet::read(&mut self.incoming, Some(MAX_PACKET)) {
            Ok(packet) => {
                self.seen = FirstPacket::Packet;
                Ok(Some(packet))
            }
            // The codec says the same of a whole packet whose inside is cut off; that one it has taken out.
            Err(CodecError::InsufficientBytes(_)) if self.incoming.len() == before => Ok(None),
            Err(CodecError::InsufficientBytes(_)) => Err(self.unreadable(CodecError::MalformedPacket)),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn unreadable(&self, error: CodecError) -> PacketError {
        match self.seen {
            FirstPacket::Nothing => PacketError::BeforeConnAck(error),
            FirstPacket::Packet => PacketError::Codec(error),
        }
    }

    /// Reads what there is, or writes; returns after some of either. Never, where there is nothing to do.
    pub(super) async fn turn(&mut self, reading: ReadState) -> Result<(), PacketError> {
        let Self { reader, writer, incoming, outgoing, unflushed, .. } = self;
        incoming.reserve(READ);
        let has_to_send = !outgoing.is_empty() || *unflushed == Unflushed::Something;
        tokio::select! {
            biased;
            sent = send(writer, outgoing, unflushed), if has_to_send => sent,
            read = reader.read_buf(incoming), if reading == ReadState::On => match read? {
                0 => Err(PacketError::Closed),
                _ => Ok(()),
            },
            else => std::future::pending().await,
        }
    }
}

/// One step of writing. Cancelled, it has done nothing or all of it.
async fn send(
    writer: &mut WriteHalf<Box<dyn BrokerStream>>,
    outgoing: &mut BytesMut,
    unflushed: &mut Unflushed,
) -> Result<(), PacketError> {
    if outgoing.is_empty() {
        writer.flush().await?;
        *unflushed = Unflushed::Nothing;
        return Ok(());
    }
    match writer.write(outgoing).await? {
        0 => return Err(PacketError::Closed),
        count => outgoing.advance(count),
    }
    *unflushed = Unflushed::Something;
    Ok(())
}
