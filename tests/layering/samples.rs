//! Small bad files: each rule can be broken, and says so.

use std::collections::BTreeMap;

use crate::exceptions::{Findings, differences, shrunk};
use crate::lengths::{SOFT_CAP, over_soft_cap};
use crate::rust::Source;
use crate::tree::Tree;
use crate::{circles, habits, layers, names, picture};

#[track_caller]
fn refused(path: &str, text: &str, why: &str) {
    let faults = layers::faults_of(&Source::read(path, text));
    assert!(faults.iter().any(|fault| fault.contains(why)), "{path}: {text}\nfound {faults:?}");
}

#[track_caller]
fn passes(path: &str, text: &str) {
    assert_eq!(layers::faults_of(&Source::read(path, text)), Vec::<String>::new(), "{path}: {text}");
}

#[track_caller]
fn finds(rule: fn(&Tree) -> Findings, files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = rule(&Tree::of(files.iter().copied())).into_keys().collect();
    assert_eq!(found, expected, "{files:?}");
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
    refused("guest/mod.rs", "fn f() { say!(\"{}\", crate::host::name()) }", "`guest` must not import `host`");
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
    passes("guest/room.rs", "pub(in crate::host) fn f() {}");
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
    refused("media/rate/mod.rs", "use gstreamer as gst;", "does not use `gstreamer`");
    refused("media/rate/queue.rs", "fn f() { Instant::now() }", "does not know `Instant::now`");
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
fn an_arrow_that_nobody_uses_is_found() {
    let unused = layers::unused_arrows(&Tree::of([("guest/mod.rs", "use crate::model::User;")]));
    assert!(!unused.iter().any(|fault| fault.starts_with("`guest`")), "{unused:?}");
    assert!(unused.iter().any(|fault| fault.starts_with("`host` does not import `model`")), "{unused:?}");
}

#[test]
fn a_picture_that_is_not_the_real_one_is_found() {
    let lib = "//! # Who may import whom\n//!\n//! ```text\n//! app → { guest, host }\n//!     → model → gone\n//! ```\n";
    let steps = picture::steps(lib);
    let tree = Tree::of([
        ("app/mod.rs", "use crate::model::User; use crate::host::Host;"),
        ("guest/mod.rs", "use crate::host::Host;"),
        ("host/mod.rs", ""),
        ("model/mod.rs", "fn f() { crate::app::run() }"),
        ("memory.rs", ""),
    ]);
    let expected = [
        "the picture has `gone`, and there is no such module",
        "the picture has no `memory`",
        "guest/mod.rs: `guest` imports `host`, which is not to its right",
        "model/mod.rs: `model` imports `app`, which is not to its right",
    ];
    assert_eq!(picture::compare(&steps, &tree), expected);
}

#[test]
fn a_circle_of_imports_is_found() {
    let rule = circles::of_imports;
    finds(
        rule,
        &[
            ("guest/mod.rs", "mod a; mod b; mod c;"),
            ("guest/a.rs", "use super::b::B;"),
            ("guest/b.rs", "fn f() { crate::guest::c::f() }"),
            ("guest/c.rs", "use crate::guest; fn f() { guest::a::f() }"),
        ],
        &["src/guest: a", "src/guest: b", "src/guest: c"],
    );
    finds(
        rule,
        &[("guest/mod.rs", "mod a; use a::A;"), ("guest/a.rs", "use super::Guest;")],
        &["src/guest: a", "src/guest: mod"],
    );
    // The folder of `a` is one member.
    finds(
        rule,
        &[
            ("guest/a/mod.rs", "mod deep;"),
            ("guest/a/deep.rs", "use super::super::b::B;"),
            ("guest/b.rs", "use super::a::A;"),
        ],
        &["src/guest: a", "src/guest: b"],
    );
    finds(
        rule,
        &[("app.rs", "use crate::cli::f;"), ("cli.rs", "use crate::app::f;")],
        &["src: app", "src: cli"],
    );
    finds(
        rule,
        &[
            ("guest/mod.rs", "mod a; mod b; pub use b::B;"),
            ("guest/a.rs", "use super::b::B;"),
            ("guest/b.rs", "#[cfg(test)] mod tests { use super::super::a::A; }"),
        ],
        &[],
    );
}

#[test]
fn a_type_in_several_files_is_found() {
    let files = [
        ("guest/mod.rs", "mod a; mod b; pub struct Guest; impl Guest { fn f(&self) { self.a() } }"),
        ("guest/a.rs", "use super::Guest; impl Guest { fn a(&self) { Self::b(self) } }"),
        ("guest/b.rs", "use crate::guest; impl guest::Guest { fn b(&self) { self.a(); self.x.f() } }"),
        // Another one of the same name, and a trait that it implements elsewhere.
        ("host/mod.rs", "mod a; struct Guest; impl Guest { fn a(&self) { self.a() } }"),
        ("host/a.rs", "impl Clone for super::Guest { fn clone(&self) { self.a() } }"),
    ];
    finds(
        circles::split_impls,
        &files,
        &["guest::Guest in guest/a.rs", "guest::Guest in guest/b.rs", "guest::Guest in guest/mod.rs"],
    );
    finds(circles::of_calls, &files, &["guest::Guest: guest/a.rs", "guest::Guest: guest/b.rs"]);
}

#[test]
fn a_type_that_comes_by_another_file_is_the_same() {
    let files = [
        ("guest/mod.rs", "mod a; mod b; pub use a::Guest;"),
        ("guest/a.rs", "pub struct Guest; impl Guest {}"),
        ("guest/b.rs", "use super::Guest; impl Guest {}"),
    ];
    finds(circles::split_impls, &files, &["guest::a::Guest in guest/a.rs", "guest::a::Guest in guest/b.rs"]);
}

#[test]
fn a_name_with_two_meanings_is_found() {
    let files = [
        ("app/mod.rs", "struct Peer; enum Error {} enum Input {}"),
        ("guest/mod.rs", "type Peer = u8; enum Error {} enum Input {}"),
        ("host/mod.rs", "trait Other {} enum Error {} enum Input {} #[cfg(test)] struct Other;"),
    ];
    finds(names::twice, &files, &["Peer in app/mod.rs", "Peer in guest/mod.rs"]);
    let files = [("app/mod.rs", "enum Input {}"), ("mqtt/mod.rs", "enum Input {}")];
    finds(names::twice, &files, &["Input in app/mod.rs", "Input in mqtt/mod.rs"]);
}

#[test]
fn a_name_that_was_given_up_is_found() {
    let files = [
        ("mqtt/connection/desk.rs", "struct Desk; struct Deskless;"),
        ("mqtt_like.rs", "struct Desk;"),
        ("config/mod.rs", "struct Desk;"),
    ];
    finds(names::given_up, &files, &["Desk in mqtt/connection/desk.rs", "file mqtt/connection/desk"]);
    assert_eq!(
        names::words_in_identifiers(&Tree::of([("a.rs", "struct HostDesk; fn desk_of(desks: u8) {}")])),
        2
    );
    assert_eq!(names::words_in("The desk decides; a desktop does not."), 1);
}

#[test]
fn a_thread_elsewhere_is_found() {
    let files = [
        ("media/core/job.rs", "fn f() { thread::Builder::new().spawn(g) }"),
        ("media/a.rs", "fn f() { std::thread::spawn(g); std::thread::sleep(x) }"),
        ("media/b.rs", "use std::thread; fn f() { thread::Builder::new().spawn(g) }"),
        ("app/mod.rs", "fn f() { tokio::task::spawn_blocking(g) }"),
    ];
    finds(habits::threads, &files, &["app/mod.rs", "media/a.rs", "media/b.rs"]);
}

#[test]
fn json_elsewhere_is_found() {
    let files = [
        ("mqtt/mod.rs", "fn f() { serde_json::json!({}) }"),
        ("cli/mod.rs", "use serde_json::Value;"),
        ("app/mod.rs", "use serde_json::Value;"),
        ("model/mod.rs", "fn f(x: serde_json::Value) {} /// In JSON.\nfn g() {}"),
        ("guest/mod.rs", "fn f() { \"serde_json\" }"),
    ];
    finds(habits::json, &files, &["app/mod.rs", "model/mod.rs"]);
}

#[test]
fn a_comment_without_content_is_counted() {
    let text = "//! The guest.\n/// Which.\nstruct A { /// The role.\n b: u8, /// Seconds since\n/// the last packet.\n c: u8 }
        impl A { /// Who.\n fn f() {} } #[cfg(test)] /// Made up.\n struct B;";
    let found =
        habits::short_docs(&Tree::of([("guest/a.rs", text), ("app.rs", "/// All that is open.\nfn f() {}")]));
    assert_eq!(found, BTreeMap::from([("guest".to_owned(), 4)]));
}

#[test]
fn a_result_thrown_away_is_counted() {
    let text =
        "fn f() -> u8 { g().unwrap_or_default(); let x = g().unwrap_or_default(); g().unwrap_or_default() }";
    let found = habits::thrown_away(&Tree::of([("guest/a.rs", text)]));
    assert_eq!(found, BTreeMap::from([("guest".to_owned(), 1)]));
}

#[test]
fn a_file_over_the_cap_is_found() {
    let long = over_soft_cap(vec![("src/a.rs".to_owned(), SOFT_CAP), ("src/b.rs".to_owned(), SOFT_CAP + 1)]);
    assert_eq!(long.into_keys().collect::<Vec<_>>(), ["src/b.rs"]);
}

#[test]
fn an_exception_may_only_shrink() {
    let of =
        |pairs: &[(&str, usize)]| pairs.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect();
    let listed: Findings = of(&[("a", 1), ("b", 3), ("c", 1)]);
    assert_eq!(differences(&listed, &listed), Vec::<String>::new());
    let found = of(&[("b", 2), ("c", 2), ("d", 1)]);
    let expected = [
        "only 2 are left, not 3, lower it: b",
        "new: c: 2, not 1",
        "new: d",
        "no exception any more, take it out: a",
    ];
    assert_eq!(differences(&listed, &found), expected);
}

#[test]
fn a_list_of_exceptions_is_shrunk_and_never_grows() {
    let list = "# `rule | what`, with ` = count`\n\njson | app/a.rs\njson | app/gone.rs\nthread | app/a.rs = 3\nthread | app/b.rs\n";
    let tree = Tree::of([
        ("app/a.rs", "use serde_json::Value; fn f() { thread::spawn(g); thread::spawn(g) }"),
        ("app/b.rs", "fn f() { thread::spawn(g); thread::spawn(g) }"),
        ("app/c.rs", "use serde_json::Value;"),
    ]);
    let kept =
        "# `rule | what`, with ` = count`\n\njson | app/a.rs\nthread | app/a.rs = 2\nthread | app/b.rs\n";
    assert_eq!(shrunk(list, &[crate::JSON, crate::THREAD], &tree), kept);
}
