//! Small bad files: each rule of the layers can be broken, and says so.

use std::path::Path;

use super::{SOFT_CAP, faults_of, too_long};

#[track_caller]
fn refused(path: &str, text: &str, why: &str) {
    let faults = faults_of(Path::new(path), text);
    assert!(faults.iter().any(|fault| fault.contains(why)), "{path}: {text}\nfound {faults:?}");
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_eq!(faults_of(Path::new(path), text), Vec::<String>::new(), "{path}: {text}");
}

#[test]
fn a_module_that_looks_up_or_sideways_is_found() {
    refused("guest/mod.rs", "use crate::host::Host;", "`guest` must not import `host`");
    refused("model/room.rs", "use crate::guest;", "`model` must not import `guest`");
    refused("mqtt/wire/room.rs", "use crate::media::webrtc;", "`mqtt` must not import `media`");
    refused("media/webrtc.rs", "fn f() { crate::mqtt::connect() }", "`media` must not import `mqtt`");
    refused("app/mod.rs", "use crate::cli;", "`app` must not import `cli`");
    refused("main.rs", "use coguestd::app;", "`main` must not import `app`");
    refused("devices/mod.rs", "use crate::config::Settings;", "`devices` must not import `config`");
}

#[test]
fn groups_and_chains_are_followed() {
    refused(
        "guest/mod.rs",
        "use crate::{model::{User, media}, host::Host};",
        "`guest` must not import `host`",
    );
    refused("guest/room.rs", "use super::super::mqtt::topics;", "`guest` must not import `mqtt`");
    refused("systemd.rs", "use super::app;", "`systemd` must not import `app`");
    passes("guest/mod.rs", "use crate::{model::{host, media}};");
    passes("guest/room.rs", "use super::host;");
}

#[test]
fn a_library_outside_its_module_is_found() {
    refused("app/guest.rs", "use gstreamer as gst;", "seen by media only");
    refused("app/guest.rs", "use gstreamer_webrtc::WebRTCSDPType;", "seen by media only");
    refused("cli/run.rs", "fn f() { gst::init() }", "seen by media only");
    refused("app/mod.rs", "use rumqttc::v5::mqttbytes;", "seen by mqtt only");
    refused("media/stage.rs", "use v4l::Device;", "seen by devices only");
    refused("media/stage.rs", "fn f() -> ::alsa::PCM {}", "seen by devices only");
    refused("app/mod.rs", "fn f() -> anyhow::Result<()> {}", "seen by cli and main only");
    refused("mqtt/mod.rs", "use ureq;", "seen by signal only");
    passes("signal/whip.rs", "use ureq::Agent;");
    passes("media/mod.rs", "use gstreamer as gst;");
}

#[test]
fn a_pure_module_that_is_not_pure_is_found() {
    refused("guest/mod.rs", "fn f() { std::time::Instant::now() }", "does not know `Instant::now`");
    refused("host/mod.rs", "use std::time::SystemTime;", "does not know `SystemTime`");
    refused("model/ids.rs", "fn f() { std::fs::read(x) }", "does not know `std::fs`");
    refused("model/ids.rs", "fn f() { Uuid::new_v4() }", "does not know `Uuid::new_v4`");
    refused("guest/mod.rs", "fn f() { rand::random() }", "does not know `rand::random`");
    refused("guest/mod.rs", "fn f() { tokio::spawn(x) }", "does not know `tokio`");
    refused("host/mod.rs", "use std::sync::{Arc, Mutex};", "does not know `Mutex`");
    refused("host/mod.rs", "use jiff::Timestamp;", "does not use `jiff`");
    passes("host/mod.rs", "mod live; use live::Live; use std::time::Instant; use serde::Serialize;");
}

#[test]
fn a_sentence_that_needs_its_fields_is_found() {
    let why = "the field `error`";
    refused("app/mod.rs", r#"fn f() { tracing::warn!(%error, "lost") }"#, why);
    refused(
        "app/mod.rs",
        r#"fn f() { tracing::info!(room, user_id = %f(a, b), ?error, "lost {}", x) }"#,
        why,
    );
    passes("app/mod.rs", r#"fn f() { tracing::error!(room = %id, seat, "lost: {error}, {}", error.code) }"#);
    passes("app/mod.rs", r#"fn f() { tracing::debug!(%error, "lost"); tracing::info!("{error}", x) }"#);
}

#[test]
fn comments_texts_and_tests_are_no_code() {
    passes(
        "guest/mod.rs",
        "//! As crate::host does.\n/* crate::mqtt /* and */ tokio */ fn f<'a>(x: &'a str) {}",
    );
    passes("guest/mod.rs", r##"const A: &str = "crate::host"; const B: &str = r#"tokio " std::fs"#;"##);
    passes("guest/mod.rs", r"const C: [char; 2] = ['\'', '\u{27}']; const D: char = '/';");
    passes("guest/mod.rs", "fn f() {}\n#[cfg(test)]\nmod tests { fn g() { Instant::now() } }");
    refused("guest/mod.rs", "const A: char = '\"'; use crate::host; const B: char = '\"';", "`host`");
}

#[test]
fn a_file_over_the_cap_is_found() {
    assert_eq!(too_long("src/a.rs", SOFT_CAP), None);
    assert!(too_long("src/a.rs", SOFT_CAP + 1).is_some_and(|fault| fault.contains("401 lines")));
    assert!(too_long("src/a.rs", 601).is_some_and(|fault| fault.contains("more than 600")));
}
