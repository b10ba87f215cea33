//! What a broker speaks that hung up on an MQTT 5 CONNECT, or left it without an answer.
//!
//! Asked are MQTT 5 in its shortest form and MQTT 3.1.1, with a client id of its own and no login, and TLS where the configuration has
//! none. Nothing is published or subscribed, and no session stays.

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
    /// MQTT 5: it does not like what stands in our CONNECT, or its size.
    Mqtt5,
    /// MQTT 3.1.1: it knows no MQTT 5, or does not allow it.
    OldMqtt,
    /// TLS.
    Tls,
    /// Nothing that was asked for.
    Nothing,
}

/// The protocol levels of a CONNECT (MQTT 3.1.1 and 5, section 3.1.2.2).
const MQTT_5: u8 = 5;
const MQTT_3_1_1: u8 = 4;

/// Asks, for at most three times [`PROBE_CAP`].
pub(super) async fn probe(settings: &Settings, tls: Option<Arc<ClientConfig>>) -> Spoken {
    let is_plain = tls.is_none();
    if speaks_mqtt(settings, tls.clone(), MQTT_5).await {
        return Spoken::Mqtt5;
    }
    if speaks_mqtt(settings, tls, MQTT_3_1_1).await {
        return Spoken::OldMqtt;
    }
    if is_plain && speaks_tls(settings).await { Spoken::Tls } else { Spoken::Nothing }
}

async fn speaks_mqtt(settings: &Settings, tls: Option<Arc<ClientConfig>>, level: u8) -> bool {
    let until = Instant::now() + PROBE_CAP;
    let asked = async {
        let mut stream = dial(settings, tls, until).await.ok()?.stream;
        stream.write_all(&connect(level)).await.ok()?;
        stream.flush().await.ok()?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.ok()?;
        // Any CONNACK of that version, also one that wants a password; that of MQTT 5 has properties behind it.
        Some(answer[0] == 0x20 && (answer[1] == 2) == (level == MQTT_3_1_1))
    };
    timeout_at(until, asked).await.ok().flatten().unwrap_or(false)
}

/// A CONNECT (section 3.1): clean start, ten seconds of keep-alive.
fn connect(level: u8) -> Vec<u8> {
    let id = format!("coguestd-probe-{:08x}", rand::random::<u32>());
    let mut body = b"\x00\x04MQTT".to_vec();
    body.extend([level, 0x02, 0, 10]);
    if level == MQTT_5 {
        // No properties.
        body.push(0);
    }
    // A short ASCII text, whose length fits one byte.
    body.extend([0, id.len().try_into().unwrap_or_default()]);
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
