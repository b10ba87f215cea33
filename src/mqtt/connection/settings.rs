//! What a connection needs to know before it begins.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use super::KEEP_ALIVE;

/// Where and as whom to connect.
#[derive(Clone)]
pub struct Settings {
    /// Name or address of the broker; an IPv6 address with or without brackets.
    pub host: String,
    /// TCP port of the broker.
    pub port: u16,
    /// TLS, or plain TCP when absent.
    pub tls: Option<TlsFiles>,
    /// User name, when the broker asks for one.
    pub username: Option<String>,
    /// Password, when the broker asks for one. Never shown.
    pub password: Option<String>,
    /// MQTT client id; unique per machine, or two machines throw each other out in turn.
    pub client_id: String,
    /// What the broker publishes, retained and with QoS 1, when we vanish. Not set while [`Participation::Watching`].
    pub will: Option<Will>,
    /// Longest silence before the broker is asked for a sign of life.
    pub keep_alive: Duration,
    /// How to begin.
    pub presence: Participation,
}

impl Settings {
    /// Plain TCP, no user, no will, the usual keep-alive, taking part.
    pub fn new(host: impl Into<String>, port: u16, client_id: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port,
            tls: None,
            username: None,
            password: None,
            client_id: client_id.into(),
            will: None,
            keep_alive: KEEP_ALIVE,
            presence: Participation::TakingPart,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("client_id", &self.client_id)
            .field("will", &self.will)
            .field("keep_alive", &self.keep_alive)
            .field("presence", &self.presence)
            .finish()
    }
}

/// Files of a TLS connection, all PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Who may vouch for the broker; the system's certificate authorities when absent.
    pub ca_file: Option<PathBuf>,
    /// Our certificate, with its chain; goes with `client_key_file`.
    pub client_certificate_file: Option<PathBuf>,
    /// The unencrypted private key of that certificate.
    pub client_key_file: Option<PathBuf>,
}

/// What the broker says for us when we vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Will {
    /// Topic of the will.
    pub topic: String,
    /// Its payload.
    pub payload: Bytes,
}

/// Whether this machine speaks, or only listens because another one has its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Participation {
    /// With a will and a session; levels and messages are published.
    TakingPart,
    /// No will, no session, nothing is published.
    Watching,
}
