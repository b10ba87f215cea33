//! Why there is no connection, in one sentence: the broker's address, what is wrong, what to do.
//!
//! Invariant: the same trouble gives the same sentence, so that the caller can tell a change from a repetition. No
//! sentence holds a secret.

use std::io;

use rumqttc::v5::mqttbytes::Error as CodecError;
use rumqttc::v5::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode, SubscribeReasonCode};
use rustls::{AlertDescription, CertificateError};

use super::failure::{ConnectionFailure, Silence};
use super::granted::Shortcoming;
use super::packets::PacketError;
use super::probe::Spoken;
use super::socket::DialError;
use super::{CONNECT_TIMEOUT, Settings};

/// The sentence for `failure`.
pub(super) fn sentence(settings: &Settings, failure: &ConnectionFailure) -> String {
    let broker = format!("broker {}", address(settings));
    match failure {
        ConnectionFailure::Dial(DialError::NoAnswer) => no_answer(&broker),
        ConnectionFailure::Dial(DialError::Tcp(error) | DialError::Tls(error)) => {
            dialling(settings, &broker, error)
        }
        ConnectionFailure::Dial(DialError::Name) => {
            format!("{broker}: {} is no name a certificate can have; check mqtt.url", bare(&settings.host))
        }
        ConnectionFailure::Unanswered { how, spoken } => unanswered(settings, &broker, *how, *spoken),
        ConnectionFailure::Refused(code) => refused(settings, &broker, *code),
        ConnectionFailure::NotConnAck => not_mqtt(&broker),
        ConnectionFailure::Packet(error) => packet(settings, &broker, error),
        ConnectionFailure::Unexpected => {
            format!("{broker} sent something that is not MQTT 5: look at its log")
        }
        ConnectionFailure::Moved => format!("this device's network has changed: {broker} is asked again"),
        ConnectionFailure::NoSignOfLife => {
            format!("{broker} gives no sign of life any more: check the network")
        }
        ConnectionFailure::Unsubscribed => format!("{broker} does not answer subscriptions: look at its log"),
        ConnectionFailure::Disconnected(code) => disconnected(&broker, *code),
    }
}

/// When the broker does not let us subscribe.
pub(super) fn refused_filter(settings: &Settings, filter: &str, code: SubscribeReasonCode) -> String {
    use SubscribeReasonCode as Code;
    let (address, user) = (address(settings), user(settings));
    let why = format!("broker {address} does not let {user} subscribe to {filter} ({code:?})");
    match code {
        Code::WildcardSubscriptionsNotSupported => {
            format!("{why}: it has to allow wildcard subscriptions, or be replaced by one that does")
        }
        Code::QuotaExceeded => format!("{why}: raise its limit of subscriptions for each client"),
        Code::SharedSubscriptionsNotSupported
        | Code::SubscriptionIdNotSupported
        | Code::TopicFilterInvalid => {
            format!("{why}: check mqtt.prefix and the broker's rules for filters")
        }
        Code::NotAuthorized
        | Code::Failure
        | Code::Unspecified
        | Code::ImplementationSpecific
        | Code::PkidInUse
        | Code::Success(_) => format!("{why}: check its access list"),
    }
}

/// When the broker does not let us publish.
pub(super) fn refused_topic(settings: &Settings, topic: &str, code: &str) -> String {
    let (address, user) = (address(settings), user(settings));
    format!("broker {address} does not let {user} publish to {topic} ({code}): check its access list")
}

/// When a message is larger than the broker takes.
pub(super) fn too_large(settings: &Settings, topic: &str, size: usize, max: u32) -> String {
    format!(
        "broker {} takes packets of at most {max} bytes, and one of {size} is to go to {topic}: raise its maximum packet \
         size (max_packet_size in mosquitto.conf)",
        address(settings)
    )
}

/// When the broker forgets what should be remembered.
pub(super) fn not_retained(settings: &Settings, topic: &str) -> String {
    format!(
        "broker {} remembers no retained messages, and {topic} has to be one: allow them (retain_available in mosquitto.conf)",
        address(settings)
    )
}

/// `host:port`, an IPv6 address in brackets.
pub fn address(settings: &Settings) -> String {
    let host = bare(&settings.host);
    if host.contains(':') {
        format!("[{host}]:{}", settings.port)
    } else {
        format!("{host}:{}", settings.port)
    }
}

/// A host as a TLS name and for a look-up: an IPv6 address without its brackets.
pub(super) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn user(settings: &Settings) -> String {
    settings.username.as_ref().map_or_else(|| "an anonymous client".to_owned(), |name| format!("user {name}"))
}

fn no_answer(broker: &str) -> String {
    let seconds = CONNECT_TIMEOUT.as_secs();
    format!(
        "{broker} did not answer within {seconds} s: check mqtt.url, the network and the broker's firewall"
    )
}

fn refused(settings: &Settings, broker: &str, code: ConnectReturnCode) -> String {
    use ConnectReturnCode as Code;
    match code {
        // Mosquitto says NotAuthorized for a wrong password, others BadUserNamePassword.
        Code::BadUserNamePassword | Code::NotAuthorized => match &settings.username {
            Some(name) => format!(
                "{broker} refused the password of user {name}: check mqtt.username and mqtt.password_file"
            ),
            None => format!("{broker} wants a user name: set mqtt.username and mqtt.password_file"),
        },
        Code::ClientIdentifierNotValid | Code::BadClientId => {
            format!(
                "{broker} does not accept the client id {}: check user.id and its rules",
                settings.client_id
            )
        }
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => no_version_5(broker),
        Code::Banned => format!("{broker} has banned us: look at its log"),
        Code::ServerUnavailable | Code::ServerBusy | Code::ServiceUnavailable => {
            format!("{broker} is busy or not ready ({code:?}): it will be tried again")
        }
        Code::QuotaExceeded | Code::ConnectionRateExceeded => {
            format!("{broker} allows no more connections now ({code:?}): check its limits")
        }
        Code::UseAnotherServer | Code::ServerMoved => {
            format!("{broker} sends us to another broker ({code:?}): check mqtt.url")
        }
        Code::RetainNotSupported => format!("{broker} refused the connection: {}", Shortcoming::Retain),
        Code::QoSNotSupported => format!("{broker} refused the connection: {}", Shortcoming::Qos),
        Code::PacketTooLarge => {
            format!("{broker} takes smaller packets than what connects: raise its maximum packet size")
        }
        Code::Success
        | Code::UnspecifiedError
        | Code::MalformedPacket
        | Code::ProtocolError
        | Code::ImplementationSpecificError
        | Code::BadAuthenticationMethod
        | Code::TopicNameInvalid
        | Code::PayloadFormatInvalid => {
            format!("{broker} refused the connection ({code:?}): look at its log")
        }
    }
}

/// The broker took the connection and did not answer our CONNECT.
fn unanswered(settings: &Settings, broker: &str, how: Silence, spoken: Spoken) -> String {
    let did = match how {
        Silence::Closed => "closed the connection without an answer",
        Silence::Mute => "took the connection and did not answer",
    };
    match (spoken, &settings.tls) {
        (Spoken::Mqtt5, _) => format!(
            "{broker} {did}, and answers a smaller packet: raise its maximum packet size (max_packet_size in mosquitto.conf), \
             or look at its log"
        ),
        (Spoken::OldMqtt, _) => no_version_5(broker),
        (Spoken::Tls, _) => format!("{broker} wants TLS: use mqtts:// in mqtt.url"),
        (Spoken::Nothing, None) => format!(
            "{broker} {did}: it does not speak MQTT 5 on this port; use a broker that does, or look at its log"
        ),
        (Spoken::Nothing, Some(_)) => format!(
            "{broker} {did}: it wants a client certificate, or does not speak MQTT 5; look at its log"
        ),
    }
}

fn no_version_5(broker: &str) -> String {
    format!("{broker} does not speak MQTT 5 but an older version: update the broker or allow version 5")
}

fn not_mqtt(broker: &str) -> String {
    format!("{broker} does not answer like an MQTT 5 broker: check the port in mqtt.url")
}

fn packet(settings: &Settings, broker: &str, error: &PacketError) -> String {
    match error {
        PacketError::Io(error) | PacketError::Codec(CodecError::Io(error)) => io(settings, broker, error),
        PacketError::Closed => format!("{broker} closed the connection: look at its log"),
        PacketError::OldConnAck(_) => no_version_5(broker),
        PacketError::BeforeConnAck(_) => not_mqtt(broker),
        PacketError::Codec(CodecError::OutgoingPacketTooLarge { max, .. }) => format!(
            "{broker} takes packets of at most {max} bytes, too few to subscribe with: raise its maximum packet size \
             (max_packet_size in mosquitto.conf)"
        ),
        PacketError::Codec(error) => {
            format!("{broker} sent something that is not MQTT 5 ({error}): look at its log")
        }
    }
}

fn disconnected(broker: &str, code: DisconnectReasonCode) -> String {
    match code {
        DisconnectReasonCode::SessionTakenOver => {
            format!("{broker} has another connection with our client id: is the program running twice?")
        }
        DisconnectReasonCode::PacketTooLarge => {
            format!("{broker} found a packet too large: raise its maximum packet size")
        }
        DisconnectReasonCode::ServerShuttingDown => format!("{broker} is shutting down"),
        code => format!("{broker} ended the connection ({code:?}): look at its log"),
    }
}

/// Before there is a connection.
fn dialling(settings: &Settings, broker: &str, error: &io::Error) -> String {
    match (error.kind(), &settings.tls) {
        (
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
            Some(_),
        ) if error.get_ref().is_none_or(|inner| !inner.is::<rustls::Error>()) => format!(
            "{broker} closed the connection in the TLS handshake: it may want a client certificate, or speak no TLS on this \
             port (then mqtt:// in mqtt.url); look at its log"
        ),
        _ => io(settings, broker, error),
    }
}

fn io(settings: &Settings, broker: &str, error: &io::Error) -> String {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return certificate(settings, broker, error);
    }
    // The standard library has no kind for a failed look-up; these are its words.
    if error.to_string().contains("failed to lookup address") {
        let host = bare(&settings.host);
        return format!("{broker} cannot be found: the name {host} does not resolve; check mqtt.url and DNS");
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("{broker} does not listen: start the broker or check the port in mqtt.url")
        }
        io::ErrorKind::TimedOut => no_answer(broker),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            format!("{broker} cannot be reached ({error}): check the network")
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => format!("{broker} closed the connection: look at its log"),
        _ => format!("{broker}: {error}"),
    }
}

fn certificate(settings: &Settings, broker: &str, error: &rustls::Error) -> String {
    let host = bare(&settings.host);
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("{broker} has an expired certificate: renew it, or set this machine's clock")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("{broker} has a certificate that is not valid yet: set this machine's clock")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!(
                    "{broker} has a certificate for another name than {host}: use the name in it in mqtt.url"
                )
            }
            // A bad signature is another authority under the same name: one that was made anew.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                format!(
                    "{broker} has a certificate from an unknown authority: set mqtt.ca_file to that authority"
                )
            }
            CertificateError::Revoked => format!("{broker} has a revoked certificate: renew it"),
            // One that `openssl req -x509` made, in its own hand: rustls has no kind for it.
            other if other.to_string().contains("CaUsedAsEndEntity") => format!(
                "{broker} has an authority's certificate for its own: let the authority sign one for {host}, and give the broker \
                 that"
            ),
            other => format!("{broker} has a certificate that cannot be used ({other}): make a new one"),
        },
        rustls::Error::AlertReceived(alert) => alert_received(broker, *alert),
        rustls::Error::InvalidMessage(_) => {
            format!("{broker} does not speak TLS on this port: check the port, or use mqtt:// in mqtt.url")
        }
        rustls::Error::PeerIncompatible(detail) => {
            format!("{broker} speaks no TLS version or cipher that is safe ({detail:?}): update the broker")
        }
        other => format!("{broker}: TLS failed ({other}): look at its log"),
    }
}

fn alert_received(broker: &str, alert: AlertDescription) -> String {
    const REMEDY: &str = "check mqtt.client_certificate_file and mqtt.client_key_file";
    match alert {
        AlertDescription::CertificateRequired => format!("{broker} wants a client certificate: {REMEDY}"),
        AlertDescription::CertificateExpired => format!("{broker} finds our certificate expired: {REMEDY}"),
        AlertDescription::CertificateRevoked => format!("{broker} finds our certificate revoked: {REMEDY}"),
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => format!("{broker} refused our certificate ({alert:?}): {REMEDY}"),
        // TLS 1.2 brokers answer a missing certificate with this.
        AlertDescription::HandshakeFailure => {
            format!("{broker} refused the TLS handshake: it may want a client certificate, {REMEDY}")
        }
        other => format!("{broker} refused TLS ({other:?}): look at its log"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(settings: &Settings, failure: ConnectionFailure) -> String {
        sentence(settings, &failure)
    }

    #[test]
    fn a_refused_password_names_user_and_remedy() {
        let mut settings = Settings::new("127.0.0.1", 1883, "c");
        let refused = || ConnectionFailure::Refused(ConnectReturnCode::NotAuthorized);
        assert_eq!(
            said(&settings, refused()),
            "broker 127.0.0.1:1883 wants a user name: set mqtt.username and mqtt.password_file"
        );
        settings.username = Some("kiosk-7".into());
        settings.password = Some("secret".into());
        assert_eq!(
            said(&settings, refused()),
            "broker 127.0.0.1:1883 refused the password of user kiosk-7: check mqtt.username and mqtt.password_file"
        );
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn a_certificate_tells_what_is_wrong_with_it() {
        let settings = Settings::new("broker.example.org", 8883, "c");
        let mut sentences = std::collections::BTreeSet::new();
        for wrong in [
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::NotValidForName,
            CertificateError::UnknownIssuer,
            CertificateError::Revoked,
            CertificateError::BadEncoding,
        ] {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(wrong));
            sentences.insert(said(&settings, ConnectionFailure::Dial(DialError::Tls(error))));
        }
        assert_eq!(sentences.len(), 6, "{sentences:#?}");
        assert!(sentences.iter().all(|sentence| sentence.starts_with("broker broker.example.org:8883 ")));
    }

    #[test]
    fn an_ipv6_address_is_written_with_brackets_once() {
        for host in ["::1", "[::1]"] {
            let error = io::Error::from(io::ErrorKind::ConnectionRefused);
            let sentence =
                said(&Settings::new(host, 1883, "c"), ConnectionFailure::Dial(DialError::Tcp(error)));
            assert!(sentence.starts_with("broker [::1]:1883 does not listen"), "{sentence}");
        }
    }
}
