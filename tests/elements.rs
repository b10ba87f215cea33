//! What the program says when a part of GStreamer is not installed.

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{run, tool};

/// Runs a role with all of GStreamer's plugins but some; its exit status and its last line.
fn without(plugins: &[&str], role: &str, media: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let installed = run(tool("pkg-config", "pkg-config").args(["--variable=pluginsdir", "gstreamer-1.0"]));
    for entry in fs::read_dir(Path::new(installed.trim())).expect("GStreamer's plugins").flatten() {
        let name = entry.file_name().into_string().expect("plain names");
        if !plugins.iter().any(|plugin| name == format!("libgst{plugin}.so")) {
            symlink(entry.path(), folder.path().join(name)).expect("writable");
        }
    }
    let file = folder.path().join("config.toml");
    let text = format!(
        "role = \"{role}\"\n[user]\nid = \"kiosk-7\"\n[mqtt]\nurl = \"mqtt://127.0.0.1:9\"\n[media]\nprofile = \"test\"\n{media}"
    );
    fs::write(&file, text).expect("writable");
    let output = Command::new(env!("CARGO_BIN_EXE_coguestd"))
        .args(["run", "--config"])
        .arg(&file)
        .env("GST_PLUGIN_SYSTEM_PATH", folder.path())
        .env("GST_PLUGIN_SYSTEM_PATH_1_0", folder.path())
        .env("GST_REGISTRY", folder.path().join("registry"))
        .env("GST_REGISTRY_1_0", folder.path().join("registry"))
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn a_missing_element_is_named_with_its_package_in_one_line() {
    for (plugins, role, element, package) in [
        (&["nice"][..], "guest", "nice", "gstreamer1.0-nice"),
        (&["webrtc"], "host", "webrtcbin", "gstreamer1.0-plugins-bad"),
        (&["opus"], "guest", "opusenc", "gstreamer1.0-plugins-base"),
        (&["libav", "openh264", "vpx"], "host", "avdec_h264", "gstreamer1.0-libav"),
        (&["x264", "openh264", "vpx"], "guest", "x264enc", "gstreamer1.0-plugins-ugly"),
    ] {
        let (status, line) = without(plugins, role, "");
        assert!(
            line.contains(&format!("the GStreamer element {element}"))
                && line.contains(&format!("apt-get install {package}")),
            "without {plugins:?}, a {role} says: {line}"
        );
        assert!(matches!(status, Some(1 | 78)), "{status:?}: {line}");
    }
}
