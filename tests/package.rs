//! What `make deb` puts together, without building it: the unit, its user, the list of files, what it depends on.
//!
//! Not here: the finished package; the system test installs it.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::{run, tool};
use toml::{Table, Value};

const UNIT: &str = "systemd/coguestd.service";
/// What `cargo run --example documents` writes; its own tests say that it does.
const MADE: &str = "target/";
/// Of 10, as `systemd-analyze security` counts.
const MOST_EXPOSED: &str = "15";

fn source(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `[package.metadata.deb]`.
fn metadata() -> Table {
    let manifest: Table = source("Cargo.toml").parse().expect("a manifest");
    manifest["package"]["metadata"]["deb"].as_table().expect("a table").clone()
}

/// The names in a list of packages, of alternatives the first.
fn packages(list: &Value) -> BTreeSet<String> {
    let list = list.as_str().expect("a list in a text");
    list.split(',').filter_map(|one| Some(one.split_whitespace().next()?.to_owned())).collect()
}

/// A list of the Makefile, `$(…)` aside.
fn makefile(name: &str) -> BTreeSet<String> {
    let text = source("Makefile").replace("\\\n", " ");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(":="));
    line.unwrap_or_else(|| panic!("the Makefile has no {name}"))
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// Where each file of the package comes from and goes.
fn assets() -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a path").to_owned();
    metadata()["assets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (text(&one[0]), text(&one[1])))
        .collect()
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = folder.path().join("coguestd.service");
    let installed = source(UNIT);
    let unit = installed.replace("=/usr/bin/coguestd ", concat!("=", env!("CARGO_BIN_EXE_coguestd"), " "));
    assert_ne!(installed, unit, "the unit starts the installed program");
    fs::write(&here, unit).expect("writable");
    let output = tool("systemd-analyze", "systemd")
        .args(["verify", "--man=no"])
        .arg(&here)
        .output()
        .expect("systemd-analyze runs");
    // It calls an unknown key a trifle and goes on.
    let said = String::from_utf8_lossy(&output.stderr);
    let about_it: Vec<&str> = said.lines().filter(|line| line.contains("coguestd.service")).collect();
    assert!(output.status.success() && about_it.is_empty(), "{}: {said}", output.status);
}

#[test]
fn the_unit_is_little_exposed() {
    run(tool("systemd-analyze", "systemd")
        .args(["security", "--offline=true", "--no-pager", &format!("--threshold={MOST_EXPOSED}")])
        .arg(UNIT));
}

#[test]
fn the_unit_starts_the_program_with_arguments_it_takes() {
    let unit = source(UNIT);
    let command =
        unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/coguestd ")).expect("a command");
    run(Command::new(env!("CARGO_BIN_EXE_coguestd")).args(command.split(' ')).arg("--help"));
}

#[test]
fn the_user_of_the_unit_is_made_with_its_groups() {
    let root = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(root.path().join("etc")).expect("writable");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/coguestd.sysusers");
    run(tool("systemd-sysusers", "systemd").arg(format!("--root={}", root.path().display())).arg(rules));
    let unit = source(UNIT);
    let set = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).expect("it is set").to_owned();
    let (user, groups) = (set("User="), fs::read_to_string(root.path().join("etc/group")).expect("groups"));
    assert!(
        fs::read_to_string(root.path().join("etc/passwd")).expect("users").contains(&format!("{user}:x:"))
    );
    for group in set("SupplementaryGroups=").split(' ') {
        let line =
            groups.lines().find(|line| line.starts_with(&format!("{group}:"))).expect("the group is made");
        assert!(line.ends_with(&format!(":{user}")), "{line}");
    }
}

#[test]
fn every_file_of_the_package_is_there() {
    for (from, to) in assets().iter().filter(|(from, _)| !from.starts_with(MADE)) {
        let folder = from.split("/*").next().expect("a first part");
        assert!(Path::new(folder).exists(), "{from}, for {to}, is not in this source");
    }
    let systemd: BTreeSet<String> = fs::read_dir("systemd")
        .expect("readable")
        .map(|entry| format!("systemd/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|path| {
            !path.ends_with(".service") && !path.ends_with(".sysusers") && Path::new(path).is_file()
        })
        .collect();
    let packed: BTreeSet<String> = assets().into_iter().map(|(from, _)| from).collect();
    assert!(systemd.is_subset(&packed), "not in the package: {:?}", systemd.difference(&packed));
}

#[test]
fn what_an_operator_edits_is_kept_over_an_upgrade() {
    let kept = metadata()["conf-files"].as_array().expect("a list").clone();
    for (_, to) in assets().iter().filter(|(_, to)| to.starts_with("etc/")) {
        assert!(kept.contains(&Value::from(format!("/{to}"))), "an upgrade would overwrite {to}");
    }
    assert_eq!(kept.len(), 1);
}

#[test]
fn the_package_depends_on_all_that_running_takes() {
    let depends = packages(&metadata()["depends"]);
    let lacks: Vec<_> = makefile("RUN_PACKAGES").into_iter().filter(|name| !depends.contains(name)).collect();
    assert!(lacks.is_empty(), "a kiosk would lack {lacks:?}");
}

#[test]
fn the_machine_of_the_system_test_holds_all_that_the_package_asks_for() {
    // It has no way to a mirror.
    let recipe = source("tests/system/make-image");
    let list = |name: &str| {
        let inside = recipe.split_once(&format!("\n{name}=(")).expect("a list").1;
        // bash knows what its braces stand for.
        let words = inside.split_once(')').expect("its end").0.replace('\n', " ");
        run(Command::new("bash").arg("-c").arg(format!("printf '%s\\n' {words}")))
    };
    let has: BTreeSet<String> =
        [list("system"), list("needed")].concat().lines().map(str::to_owned).collect();
    let depends = packages(&metadata()["depends"]);
    let lacks: Vec<_> = depends.iter().filter(|name| *name != "$auto" && !has.contains(*name)).collect();
    assert!(lacks.is_empty(), "tests/system/make-image lacks {lacks:?}");
}

#[test]
fn scripts_are_whole() {
    for folder in ["systemd/debian", "cross", "tests/system"] {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            let text = fs::read(&path).unwrap_or_default();
            // The last one marks what is sourced.
            let marks = ["#!/bin/sh", "#!/usr/bin/env bash", "# shellcheck shell=bash"];
            if marks.iter().any(|mark| text.starts_with(mark.as_bytes())) {
                run(Command::new("bash").arg("-n").arg(&path));
            }
        }
    }
}

#[test]
fn the_system_test_lists_its_steps() {
    let said = run(tool("python3", "python3")
        .args(["tests/system/run", "--list"])
        .env("PYTHONDONTWRITEBYTECODE", "1"));
    for step in ["install", "main", "upgrade", "purge"] {
        assert!(said.lines().any(|line| line.split_whitespace().next() == Some(step)), "{said}");
    }
}

#[test]
fn a_container_holds_what_a_root_holds() {
    let (root, image) = (source("cross/make-root"), source("cross/Dockerfile"));
    let list = |name: &str| {
        let inside = root.split_once(&format!("\n{name}=(")).expect("a list").1;
        inside.split_once(')').expect("its end").0.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    // The Rust toolchain is the developer's own there.
    let lacks: Vec<String> = [list("libraries"), list("packages")]
        .concat()
        .into_iter()
        .filter(|name| !["rustc-web", "cargo-web"].contains(&name.as_str()))
        .filter(|name| {
            !image.contains(&format!(" {name}")) && !image.contains(&format!("\"{name}:$CROSS_DEB_ARCH\""))
        })
        .collect();
    assert!(lacks.is_empty(), "cross/Dockerfile lacks {lacks:?}");
}

#[test]
fn cross_knows_both_boards_and_both_releases() {
    let mut images = BTreeSet::new();
    for (file, suite) in [("Cross.toml", "bookworm"), ("cross/trixie.toml", "trixie")] {
        let recipe: Table = source(file).parse().expect("TOML");
        let targets = recipe["target"].as_table().expect("targets");
        for triple in ["aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf"] {
            let image = &targets[triple]["image"];
            assert!(images.insert(image.to_string()), "{file}: another image is called {image}");
            let made = &targets[triple]["dockerfile"];
            assert!(Path::new(made["file"].as_str().expect("a path")).is_file(), "{file}: {triple}");
            assert_eq!(made["build-args"]["SUITE"].as_str(), Some(suite), "{file}: {triple}");
            let variable = format!("CC_{}=", triple.replace('-', "_"));
            assert!(source("cross/Dockerfile").contains(&variable), "cross/Dockerfile has no {variable}");
        }
    }
}

#[test]
fn make_and_its_scripts_ask_cargo_where_things_are_made() {
    let here = std::env::current_dir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let elsewhere = elsewhere.path().to_str().expect("a plain path");
    for (variable, value, folder) in [
        ("CARGO_TARGET_DIR", elsewhere, Path::new(elsewhere).to_owned()),
        ("CARGO_BUILD_TARGET_DIR", elsewhere, Path::new(elsewhere).to_owned()),
        ("CARGO_TARGET_DIR", "other", here.join("other")),
    ] {
        let mut make = tool("make", "make");
        make.args(["-n", "demo", "bench", "deb", "test-system"]);
        for inherited in ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "MAKEFLAGS"] {
            make.env_remove(inherited);
        }
        let recipes = run(make.env(variable, value));
        let program = format!("\"{}/release/coguestd\"", folder.display());
        assert!(recipes.contains(&program), "{variable}={value}: no {program} in\n{recipes}");
        assert!(
            !recipes.contains("target/"),
            "{variable}={value}: a folder that cargo was not asked for\n{recipes}"
        );
    }
    for script in ["cross/deb", "cross/build", "cross/in-root", "tests/system/run"] {
        let text = source(script);
        for named in ["target/release", "target/debian", "target/cross"] {
            assert!(!text.contains(named), "{script} names {named}: ask cross/target-directory");
        }
    }
}
