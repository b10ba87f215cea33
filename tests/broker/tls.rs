//! TLS, and what is said when it fails.

use coguestd::mqtt::connection::{Error, Publish, Settings, TlsFiles, open};

use crate::support::broker::{Broker, ClientCertificates, Setup};
use crate::support::certificates::{Authority, Identity, Validity};
use crate::support::peer::{Peer, settings, settings_of};

fn secured(authority: &Authority, server: &Identity, clients: ClientCertificates) -> Broker {
    Broker::with(Setup::new().tls(&authority.file_pem(), server, clients))
}

fn trusting(broker: &Broker, authority: &Authority) -> Settings {
    let tls = TlsFiles { ca_file: Some(authority.file_pem()), ..TlsFiles::default() };
    Settings { tls: Some(tls), ..settings(broker, "peer") }
}

fn with_client(settings: Settings, client: &Identity) -> Settings {
    let tls = TlsFiles {
        client_certificate_file: Some(client.certificate.clone()),
        client_key_file: Some(client.key.clone()),
        ..settings.tls.clone().unwrap_or_default()
    };
    Settings { tls: Some(tls), ..settings }
}

fn why_not(settings: Settings) -> String {
    let why = Peer::open(settings).wait_down();
    assert!(why.starts_with("broker "), "{why}");
    why
}

#[test]
fn a_trusted_broker_is_spoken_to() {
    let authority = Authority::new();
    let server = authority.server("IP:127.0.0.1,DNS:localhost", Validity::Now);
    let broker = secured(&authority, &server, ClientCertificates::Ignored);
    for host in ["127.0.0.1", "localhost"] {
        let mut peer = Peer::up(Settings { host: host.into(), ..trusting(&broker, &authority) });
        peer.link.subscribe("echo", coguestd::mqtt::connection::SubscribeOptions::REQUESTS);
        peer.wait_subscribed("echo");
        peer.link.publish(Publish::new("echo", vec![b'x'; 100_000])).expect("there is room");
        assert_eq!(peer.wait_message().payload.len(), 100_000);
    }
}

#[test]
fn each_reason_for_distrust_has_its_own_words() {
    let authority = Authority::new();
    let good = authority.server("IP:127.0.0.1", Validity::Now);
    let broker = secured(&authority, &good, ClientCertificates::Ignored);
    let why = why_not(trusting(&broker, &Authority::new()));
    assert!(why.contains("unknown authority") && why.contains("mqtt.ca_file"), "{why}");
    let system = Settings { tls: Some(TlsFiles::default()), ..settings(&broker, "peer") };
    let why = why_not(system);
    assert!(why.contains("unknown authority"), "{why}");
    let why = why_not(Settings { tls: None, ..trusting(&broker, &authority) });
    assert!(why.contains("mqtts://"), "{why}");

    let other = authority.server("DNS:broker.example.org", Validity::Now);
    let broker = secured(&authority, &other, ClientCertificates::Ignored);
    let why = why_not(trusting(&broker, &authority));
    assert!(why.contains("another name than 127.0.0.1"), "{why}");

    let expired = authority.server("IP:127.0.0.1", Validity::Past);
    let broker = secured(&authority, &expired, ClientCertificates::Ignored);
    let why = why_not(trusting(&broker, &authority));
    assert!(why.contains("expired certificate") && why.contains("clock"), "{why}");

    let broker = secured(&authority, &authority.own(), ClientCertificates::Ignored);
    let why = why_not(trusting(&broker, &authority));
    assert!(why.contains("an authority's certificate for its own"), "{why}");

    let plain = Broker::start();
    let why = why_not(trusting(&plain, &authority));
    assert!(why.contains("TLS"), "{why}");

    let broker = secured(&authority, &expired, ClientCertificates::Ignored);
    let why = why_not(settings(&broker, "peer"));
    assert!(why.contains("wants TLS: use mqtts://"), "{why}");
}

#[test]
fn a_client_certificate_can_be_required() {
    let authority = Authority::new();
    let server = authority.server("IP:127.0.0.1", Validity::Now);
    let broker = secured(&authority, &server, ClientCertificates::Required);
    let why = why_not(trusting(&broker, &authority));
    assert!(why.contains("client certificate") && why.contains("mqtt.client_certificate_file"), "{why}");

    let elsewhere = Authority::new();
    let stranger = elsewhere.client("stranger");
    let why = why_not(with_client(trusting(&broker, &authority), &stranger));
    assert!(why.contains("certificate") && why.contains("mqtt.client_certificate_file"), "{why}");

    let client = authority.client("kiosk-7");
    let mut peer = Peer::open(with_client(trusting(&broker, &authority), &client));
    peer.wait_up();
}

#[test]
fn a_key_of_another_certificate_is_named_at_the_start() {
    let authority = Authority::new();
    let (one, other) = (authority.client("one"), authority.client("other"));
    let mixed = Identity { certificate: one.certificate, key: other.key };
    let mut settings = Settings::new("127.0.0.1", 1, "peer");
    settings.tls = Some(TlsFiles { ca_file: Some(authority.file_pem()), ..TlsFiles::default() });
    let error = open(with_client(settings.clone(), &mixed)).expect_err("they do not fit");
    assert!(matches!(error, Error::ClientPair { .. }), "{error}");
    let swapped = Identity { certificate: mixed.key.clone(), key: mixed.certificate.clone() };
    let said = open(with_client(settings, &swapped)).expect_err("they are swapped").to_string();
    assert!(said.contains("other.key holds a private key, and no certificate"), "{said}");
}

#[test]
fn a_wrong_password_is_told_with_the_remedy() {
    let authority = Authority::new();
    let server = authority.server("IP:127.0.0.1", Validity::Now);
    let setup =
        Setup::new().users(&["kiosk-7"]).tls(&authority.file_pem(), &server, ClientCertificates::Ignored);
    let broker = Broker::with(setup);
    let tls = trusting(&broker, &authority).tls;
    let right = Settings { tls, ..settings_of(&broker, "kiosk-7") };
    let wrong = Settings { password: Some("guess".into()), ..right.clone() };
    let remedy = "check mqtt.username and mqtt.password_file";
    let expected =
        format!("broker 127.0.0.1:{} refused the password of user kiosk-7: {remedy}", broker.port());
    assert_eq!(why_not(wrong), expected);
    let nobody = Settings { username: None, password: None, ..right.clone() };
    assert!(why_not(nobody).contains("wants a user name"));
    Peer::up(right);
}
