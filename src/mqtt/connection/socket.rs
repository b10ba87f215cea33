//! The way to the broker: name, TCP, TLS.
//!
//! Invariant: what arrives is acknowledged at once. A broker that leaves Nagle's algorithm on (mosquitto without
//! `set_tcp_nodelay`) holds a message back until the one before is acknowledged, and Linux delays acknowledgements by 40 ms
//! where it has nothing to send along (tcp(7), `TCP_QUICKACK`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt::set_tcp_quickack;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::Settings;
use super::diagnosis::bare;
use crate::network::LocalRoute;

/// A connection to the broker, encrypted or not.
pub(super) trait BrokerStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> BrokerStream for S {}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    /// Looking up the name, or TCP.
    #[error("{0}")]
    Tcp(io::Error),
    /// The TLS handshake.
    #[error("{0}")]
    Tls(io::Error),
    /// A name that no certificate can have.
    #[error("no name for a certificate")]
    Name,
    /// Nobody answers the first packet of the TCP handshake.
    #[error("no answer")]
    NoAnswer,
}

/// A connection, and its way out of this machine as far as that is known.
pub(super) struct Dialled {
    pub(super) stream: Box<dyn BrokerStream>,
    pub(super) route: Option<LocalRoute>,
}

/// Connects until `deadline`; each of several addresses gets its share of the time.
pub(super) async fn dial(
    settings: &Settings,
    tls: Option<Arc<ClientConfig>>,
    deadline: Instant,
) -> Result<Dialled, DialError> {
    let host = bare(&settings.host);
    let tcp = connect(host, settings.port, deadline).await?;
    tcp.set_nodelay(true).map_err(DialError::Tcp)?;
    let local = tcp.local_addr().ok().map(|local| local.ip());
    let route = tcp.peer_addr().ok().and_then(|remote| LocalRoute::new(local, remote).ok());
    let prompt = Prompt { tcp };
    let Some(config) = tls else { return Ok(Dialled { stream: Box::new(prompt), route }) };
    // The zone of a link-local address is this machine's own business.
    let name = host.split_once('%').map_or(host, |(address, _)| address);
    let name = ServerName::try_from(name.to_owned()).map_err(|_| DialError::Name)?;
    let stream = TlsConnector::from(config).connect(name, prompt).await.map_err(DialError::Tls)?;
    Ok(Dialled { stream: Box::new(stream), route })
}

async fn connect(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, DialError> {
    let left = || deadline.saturating_duration_since(Instant::now());
    let found = timeout(left(), lookup_host((host, port))).await.map_err(|_| DialError::NoAnswer)?;
    let addresses: Vec<_> = found.map_err(DialError::Tcp)?.collect();
    let mut last = DialError::NoAnswer;
    for (tried, address) in addresses.iter().enumerate() {
        let rest = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout(left() / rest, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => last = DialError::Tcp(error),
            Err(_) => last = DialError::NoAnswer,
        }
    }
    Err(last)
}

/// A TCP connection that acknowledges what it reads at once.
struct Prompt {
    tcp: TcpStream,
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.tcp).poll_read(context, buffer);
        if buffer.filled().len() > before {
            // The kernel leaves this mode by itself, so it is entered after each read. Refused, it is only slower.
            set_tcp_quickack(&self.tcp, true).unwrap_or_default();
        }
        polled
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

/// How long one question of [`super::probe`] may take.
pub(super) const PROBE_CAP: Duration = Duration::from_secs(2);
