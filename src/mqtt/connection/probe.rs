//! What a broker speaks that hung up on an MQTT 5 CONNECT, or left it without an answer.
//!
//! Asked are MQTT 3.1.1, with a client id of its own and no login, and TLS where the configuration has none. Nothing is
//! published or subscribed, and no session stays.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::socket::{DialError, PROBE_CAP, dial};
use crate::mqtt::tls;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// MQTT 3.1.1: it knows no MQTT 5, or does not allow it.
    OldMqtt,
    /// TLS.
    Tls,
    /// Nothing that was asked for.
    Nothing,
}

/// Asks, for at most twice [`PROBE_CAP`].
pub(super) async fn probe(settings: &Settings, tls: Option<Arc<ClientConfig>>) -> Spoken {
    let is_plain = tls.is_none();
    if speaks_old_mqtt(settings, tls).await {
        return Spoken::OldMqtt;
    }
    if is_plain && speaks_tls(settings).await { Spoken::Tls } else { Spoken::Nothing }
}

async fn speaks_old_mqtt(settings: &Settings, tls: Option<Arc<ClientConfig>>) -> bool {
    let until = Instant::now() + PROBE_CAP;
    let asked = async {
        let mut stream = dial(settings, tls, until).await.ok()?;
        stream.write_all(&old_connect()).await.ok()?;
        stream.flush().await.ok()?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.ok()?;
        // Any CONNACK of that version, also one that wants a password.
        Some(answer[0] == 0x20 && answer[1] == 2)
    };
    timeout_at(until, asked).await.ok().flatten().unwrap_or(false)
}

/// A CONNECT of MQTT 3.1.1 (section 3.1): clean session, ten seconds of keep-alive.
fn old_connect() -> Vec<u8> {
    let id = format!("coguestd-probe-{:08x}", rand::random::<u32>());
    let mut body = b"\x00\x04MQTT\x04\x02\x00\x0a\x00".to_vec();
    // A short ASCII text, whose length fits one byte.
    body.push(id.len().try_into().unwrap_or_default());
    body.extend_from_slice(id.as_bytes());
    let mut packet = vec![0x10, body.len().try_into().unwrap_or_default()];
    packet.append(&mut body);
    packet
}

async fn speaks_tls(settings: &Settings) -> bool {
    let Ok(config) = tls::trusting_nobody() else { return false };
    let until = Instant::now() + PROBE_CAP;
    match timeout_at(until, dial(settings, Some(config), until)).await {
        Ok(Err(DialError::Tls(error))) => {
            let error = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
            matches!(error, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)))
        }
        Ok(Ok(_) | Err(DialError::Tcp(_) | DialError::Name | DialError::NoAnswer)) | Err(_) => false,
    }
}
