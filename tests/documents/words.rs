//! What the documents name is what the program has: subcommands and options, commands and their parameters, topics, keys of the
//! configuration, targets of make, files, statuses. README, `docs/` and every help text (of which the manuals are made).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use coguestd::cli::Arguments;
use serde_json::Value;

use super::shell::{calls, is_placeholder, read_call, words};
use super::{documents, read};

/// A text with its name.
struct Page {
    name: String,
    text: String,
}

/// A line of a block of code, or a span of code in a line.
struct Code {
    place: String,
    language: String,
    text: String,
}

/// README, `docs/` and the help of each subcommand; of what has changed, not: it tells of the past.
fn pages() -> Vec<Page> {
    let written = documents().into_iter().filter(|path| !path.ends_with("CHANGELOG.md"));
    let mut pages: Vec<Page> =
        written.map(|path| Page { name: path.display().to_string(), text: read(&path) }).collect();
    let program = Arguments::command();
    let names = program.get_subcommands().map(|sub| sub.get_name().to_owned());
    for name in names.map(Some).chain([None]) {
        let mut help = program.clone();
        let of = match &name {
            Some(name) => help.find_subcommand_mut(name).expect("it was listed"),
            None => &mut help,
        };
        let text = of.render_long_help().to_string();
        // Its lines are shown as they are.
        let name = format!("coguestd {} --help", name.unwrap_or_default());
        pages.push(Page { name, text: format!("```help\n{text}\n```\n") });
    }
    pages
}

fn code(page: &Page) -> Vec<Code> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for (number, line) in page.text.lines().enumerate() {
        let place = format!("{}:{}", page.name, number + 1);
        if let Some(rest) = line.trim_start().strip_prefix("```") {
            block = if block.is_some() { None } else { Some(rest.trim().to_owned()) };
        } else if let Some(language) = &block {
            found.push(Code { place, language: language.clone(), text: line.to_owned() });
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            found.extend(spans.map(|span| Code {
                place: place.clone(),
                language: "span".to_owned(),
                text: span.to_owned(),
            }));
        }
    }
    found
}

/// All code of all pages.
fn all_code() -> Vec<Code> {
    pages().iter().flat_map(code).collect()
}

/// The interface, as the program writes it.
fn interface() -> Value {
    serde_json::from_str(&read(Path::new("docs/asyncapi.json")))
        .expect("JSON; a test compares it with the program's")
}

fn addresses(interface: &Value) -> Vec<String> {
    let channels = interface["channels"].as_object().expect("channels").values();
    channels.filter_map(|channel| Some(channel["address"].as_str()?.to_owned())).collect()
}

/// Commands and the names of their parameters.
fn commands(interface: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let messages = interface["components"]["messages"].as_object().expect("messages");
    let named = messages.iter().filter_map(|(name, message)| Some((name.strip_prefix("command.")?, message)));
    named
        .map(|(name, message)| {
            let properties = message["payload"]["properties"].as_object();
            (name.to_owned(), properties.into_iter().flat_map(|all| all.keys().cloned()).collect())
        })
        .collect()
}

#[test]
fn every_call_of_the_program_can_be_made() {
    let known = commands(&interface());
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for code in all_code() {
        for call in calls(&code.text) {
            match read_call(&call) {
                Err(why) => wrong.push(format!("{}: {why}: {}", code.place, code.text.trim())),
                Ok((name, rest)) if name == "ctl" => {
                    let Some(command) = rest.get(1).filter(|word| !is_placeholder(word)) else { continue };
                    let Some(parameters) = known.get(command) else {
                        wrong.push(format!("{}: there is no command {command}", code.place));
                        continue;
                    };
                    for pair in rest[2..].iter().filter(|word| !is_placeholder(word)) {
                        let key = pair.split('=').next().unwrap_or(pair);
                        if !parameters.contains(key) {
                            wrong.push(format!("{}: {command} has no parameter {key}", code.place));
                        }
                    }
                }
                Ok(_) => {}
            }
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 40, "only {seen} calls were seen");
}

#[test]
fn every_topic_is_one_of_the_interface() {
    let interface = interface();
    let addresses = addresses(&interface);
    let known: Vec<Vec<&str>> = addresses
        .iter()
        .filter_map(|address| address.strip_prefix("coguest/v1/"))
        .map(|a| a.split('/').collect())
        .collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for code in all_code() {
        let ends = |c: char| c.is_whitespace() || "'\"`,;()|".contains(c);
        let whole = code.text.split("coguest/v1/").skip(1).filter_map(|rest| rest.split(ends).next());
        let below = code.text.match_indices("command/").chain(code.text.match_indices("event/")).filter_map(
            |(at, _)| code.text[at..].split(ends).next().filter(|_| !code.text[..at].ends_with(['/', '}'])),
        );
        for topic in whole.filter(|topic| !topic.is_empty()) {
            let levels: Vec<&str> = topic.split('/').collect();
            let fits = |address: &Vec<&str>| {
                let open = levels.last() == Some(&"#");
                let levels = if open { &levels[..levels.len() - 1] } else { &levels[..] };
                (if open { levels.len() <= address.len() } else { levels.len() == address.len() })
                    && levels.iter().zip(address).all(|(level, known)| {
                        *level == "+" || level == known || known.starts_with('{') || is_placeholder(level)
                    })
            };
            // Where replies go chooses who asks, and Home Assistant's values are in no document for programs.
            let other = matches!(levels[..], ["response", ..] | ["device", _, "home_assistant", ..]);
            if !other && !known.iter().any(fits) {
                wrong.push(format!("{}: there is no topic {topic}", code.place));
            }
            seen += 1;
        }
        for topic in below {
            let known = addresses.iter().any(|address| address.ends_with(&format!("/{topic}")));
            let name = topic.split('/').nth(1).unwrap_or_default();
            if !known && !is_placeholder(name) && name != "+" && name != "#" {
                wrong.push(format!("{}: there is no {topic}", code.place));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 5, "only {seen} topics were seen");
}

/// Every key, as `check-config` lists them.
fn keys() -> BTreeSet<String> {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd/coguestd.toml");
    let checked = Command::new(env!("CARGO_BIN_EXE_coguestd"))
        .args(["check-config", "--set", "user.id=x", "--config", example])
        .output()
        .expect("the program runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let (mut keys, mut section) = (BTreeSet::new(), String::new());
    for line in String::from_utf8(checked.stdout).expect("text").lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        } else if let Some(key) =
            line.trim_start_matches("# ").split(' ').next().filter(|key| !key.is_empty())
        {
            keys.insert(format!("{section}{key}"));
        }
    }
    keys
}

/// Names of other programs that look like keys: settings of brokers, an action of Home Assistant.
const FOREIGN: [&str; 4] =
    ["mqtt.peer_cert_as_username", "mqtt.max_packet_size", "mqtt.retain_available", "mqtt.publish"];

#[test]
fn every_key_of_the_configuration_is_one() {
    let keys = keys();
    let sections: BTreeSet<&str> = keys.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    let mut look = |place: &str, name: &str| {
        let mut parts = name.split('.');
        let (section, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if sections.contains(section)
            && !key.is_empty()
            && !matches!(key, "toml" | "service" | "d" | "md" | "rs")
        {
            seen += 1;
            if !keys.contains(&format!("{section}.{key}")) && key != "*" && !FOREIGN.contains(&name) {
                wrong.push(format!("{place}: there is no key {section}.{key}"));
            }
        }
    };
    for page in pages() {
        let mut section = String::new();
        for code in code(&page) {
            if code.language == "toml" {
                let line = code.text.trim();
                if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
                    section = name.trim_matches('[').to_owned();
                } else if let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                    let key = key.trim();
                    look(
                        &code.place,
                        &if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") },
                    );
                }
                continue;
            }
            section.clear();
            let name = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.' | '*');
            for word in words(&code.text) {
                let word = word.split('=').next().unwrap_or_default();
                if word.contains('.') && word.chars().all(name) {
                    look(&code.place, word);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 40, "only {seen} keys were seen");
}

#[test]
fn every_target_of_make_and_every_file_is_there() {
    let makefile = read(Path::new("Makefile"));
    let targets: BTreeSet<&str> =
        makefile.lines().filter_map(|line| Some(line.split_once(": ").or(line.split_once(':'))?.0)).collect();
    let manifest = read(Path::new("Cargo.toml"));
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for code in all_code() {
        let words = words(&code.text);
        for (at, _) in words.iter().enumerate().filter(|(_, word)| *word == "make") {
            let named = words[at + 1..]
                .iter()
                .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
            for target in named.take(if code.language == "span" { 1 } else { 4 }) {
                seen += 1;
                if !targets.contains(target.as_str()) {
                    wrong.push(format!("{}: there is no target {target}", code.place));
                }
            }
        }
        for word in words.iter().map(|word| word.trim_start_matches("./").trim_end_matches([',', '.', ':'])) {
            let own = ["src/", "docs/", "systemd/", "pipelines/", "tests/", "cross/", "benches/", "fuzz/"];
            let installed = ["/usr/bin/coguestd", "/usr/share/coguestd/", "/usr/share/doc/coguestd/"];
            if own.iter().any(|folder| word.starts_with(folder)) && !word.contains(['*', '{']) {
                seen += 1;
                if !Path::new(word).exists() {
                    wrong.push(format!("{}: there is no {word}", code.place));
                }
            } else if installed.iter().any(|folder| word.starts_with(folder)) {
                seen += 1;
                let named = word.trim_start_matches('/').trim_end_matches('/');
                let folder = named.rsplit_once('/').map_or(named, |(folder, _)| folder);
                if !manifest.contains(&format!("\"{named}")) && !manifest.contains(&format!("\"{folder}/\""))
                {
                    wrong.push(format!("{}: the package has no {word}", code.place));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 15, "only {seen} targets and files were seen");
}

#[test]
fn every_status_is_one_that_the_program_says() {
    let sources = ["src/guest/view.rs", "src/host/view.rs"]
        .map(|file| plain(&fs::read_to_string(file).expect("a source")));
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for code in all_code().into_iter().filter(|code| code.text.contains("systemctl status coguestd")) {
        for status in code.text.split('"').skip(1).step_by(2) {
            seen += 1;
            if !sources.iter().any(|source| source.contains(&format!("\"{}\"", plain(status)))) {
                wrong.push(format!("{}: it never says {status:?}", code.place));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 0, "no status was seen");
}

/// A sentence with `#` in place of each number, and of each `{…}` of a format.
fn plain(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some(c) = rest.chars().next() {
        let inside = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        match inside.filter(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || "_.:?".contains(c))) {
            Some((_, after)) => {
                plain.push('#');
                rest = after;
            }
            None if c.is_ascii_digit() => {
                plain.push('#');
                rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            }
            None => {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    plain
}

#[test]
fn the_reader_of_the_documents_finds_what_is_wrong() {
    assert_eq!(words("a 'b c' \"d\" # e"), ["a", "b c", "d"]);
    let call = |line: &str| calls(line).iter().map(|call| read_call(call)).collect::<Vec<_>>();
    assert_eq!(call("$ sudo -u coguestd coguestd frob"), [Err("there is no subcommand frob".to_owned())]);
    assert_eq!(call("coguestd watch --bogus | jq"), [Err("watch has no option --bogus".to_owned())]);
    let ctl =
        call("coguestd ctl --timeout 3 kiosk-7 apply_for_seat seat_index=2 > x; systemctl reload coguestd");
    let rest = ["kiosk-7", "apply_for_seat", "seat_index=2"].map(str::to_owned).to_vec();
    assert_eq!(ctl, [Ok(("ctl".to_owned(), rest))]);
    assert_eq!(plain("live on seat 12, {count} of {of.many}"), "live on seat #, # of #");
    assert!(is_placeholder("COMMAND") && is_placeholder("{name}") && !is_placeholder("get_state"));
}
