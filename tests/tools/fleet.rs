//! The recipe of docs/fleet.md, run as it stands: its commands make an authority and certificates that a broker with its settings
//! takes, and the name in a machine's certificate is the one it may speak for.

use std::fs;
use std::path::Path;

use super::bench::{coguestd, said, secret};
use crate::support::broker::{Broker, Setup};
use crate::support::{run, tool};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fleet.md");

/// The blocks of a language in the page.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let open = format!("```{language}\n");
    page.split(&open).skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::to_owned).collect()
}

/// Runs the shell commands of the page, for this machine and for a broker on loopback.
fn follow(page: &str, folder: &Path, id: &str) {
    tool("openssl", "openssl");
    for script in blocks(page, "sh") {
        let script = script
            .replace("id=kiosk-10000000abcdef01", &format!("id={id}"))
            .replace("DNS:broker.example.org", "IP:127.0.0.1");
        run(tool("sh", "dash").args(["-e", "-c", &script]).current_dir(folder));
    }
}

#[test]
fn the_recipe_for_client_certificates_works_as_it_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = fs::read_to_string(PAGE).expect("the page is there");
    follow(&page, folder.path(), "kiosk-7");
    let at = |name: &str| folder.path().join(name).display().to_string();

    // The broker's settings of the page, with the files made here.
    let wanted = page.split("### Mosquitto\n\n```\n").nth(1).and_then(|rest| rest.split("\n```").next());
    let lines = wanted.expect("settings for Mosquitto").lines().filter(|line| {
        !line.starts_with("listener") && !line.starts_with("acl_file") && !line.starts_with("allow_anonymous")
    });
    let setup = lines.fold(Setup::new().shipped_acl(), |setup, line| {
        setup.line(&line.replace("/etc/mosquitto/", &format!("{}/", folder.path().display())))
    });
    let broker = Broker::with(setup.line("allow_anonymous false"));

    let key = secret(&folder.path().join("own.key"), &fs::read_to_string(at("kiosk-7.key")).expect("made"));
    let doctor = |user_id: &str| {
        let text = format!(
            "[user]\nid = \"{user_id}\"\n[mqtt]\nurl = \"mqtts://127.0.0.1:{}\"\nca_file = \"{}\"\n\
             client_certificate_file = \"{}\"\nclient_key_file = \"{}\"\n[media]\nprofile = \"test\"\nspeaker = \"none\"\n",
            broker.port(),
            at("ca.pem"),
            at("kiosk-7.pem"),
            key.display()
        );
        let file = folder.path().join(format!("{user_id}.toml"));
        fs::write(&file, text).expect("writable");
        said(&coguestd().arg("doctor").arg("--config").arg(&file).output().expect("the program runs"))
    };
    let (status, out, wrong) = doctor("kiosk-7");
    assert_eq!(status, Some(0), "{out}\n{wrong}");
    assert!(
        out.contains("connected over TLS") && out.contains("speaks and hears on its own topics"),
        "{out}"
    );
    let (status, out, _) = doctor("kiosk-8");
    assert_eq!(status, Some(1), "a certificate speaks for its own name only:\n{out}");
    assert!(out.contains("publish to coguest/v1/device/kiosk-8/reply/"), "{out}");
}

#[test]
fn the_configurations_of_the_page_are_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = fs::read_to_string(PAGE).expect("the page is there");
    follow(&page, folder.path(), "kiosk-7");
    let credentials = folder.path().join("credentials");
    fs::create_dir(&credentials).expect("writable");
    secret(
        &credentials.join("client-key"),
        &fs::read_to_string(folder.path().join("kiosk-7.key")).expect("made"),
    );
    fs::copy(folder.path().join("kiosk-7.pem"), folder.path().join("client.pem")).expect("made");
    let file = folder.path().join("config.toml");
    for text in blocks(&page, "toml") {
        let text = text
            .replace("/etc/coguestd/", &format!("{}/", folder.path().display()))
            .replace("auto:serial", "auto");
        fs::write(&file, text).expect("writable");
        let mut command = coguestd();
        command.arg("check-config").arg("--config").arg(&file).env("CREDENTIALS_DIRECTORY", &credentials);
        let (status, out, wrong) = said(&command.output().expect("the program runs"));
        assert_eq!((status, wrong.as_str()), (Some(0), ""), "{out}");
    }
}
