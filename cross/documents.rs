//! Writes what the packages ship beside the program: man pages, shell completions, the changelog in Debian's form.
//!
//! `cargo run --example documents DIRECTORY`. All of it is made from what is already true (the command line, the example
//! configuration, CHANGELOG.md), at the build of a package, so none of it can fall behind. Not here: what goes where;
//! Cargo.toml says that.

use std::error::Error;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use coguestd::cli::Arguments;

const CONFIGURATION: &str = include_str!("../systemd/coguestd.toml");
const CHANGELOG: &str = include_str!("../CHANGELOG.md");
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Who answers for the packages.
const MAINTAINER: &str = "The coguestd developers <coguestd@example.org>";

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args_os().nth(1).ok_or("usage: documents DIRECTORY")?;
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;
    commands(directory)?;
    fs::write(directory.join("coguestd.toml.5"), configuration(CONFIGURATION))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Arguments::command(), "coguestd", directory)?;
    }
    let seconds = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let at =
        seconds.map_or_else(jiff::Timestamp::now, |at| jiff::Timestamp::from_second(at).unwrap_or_default());
    fs::write(directory.join("changelog"), changelog(CHANGELOG, at))?;
    Ok(())
}

/// coguestd(8), and a page for each subcommand.
fn commands(directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    page(&whole, "coguestd", directory)?;
    for subcommand in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
        page(subcommand, &format!("coguestd-{}", subcommand.get_name()), directory)?;
    }
    Ok(())
}

fn page(command: &clap::Command, name: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    let command = command.clone().version(VERSION);
    let man = Man::new(command)
        .title(name.to_uppercase())
        .section("8")
        .manual("coguestd")
        .source(format!("coguestd {VERSION}"));
    let mut text = Vec::new();
    man.render(&mut text)?;
    let mut see = Roff::new();
    see.control("SH", ["SEE ALSO"]);
    see.text([
        bold("coguestd"),
        roman("(8), "),
        bold("coguestd.toml"),
        roman("(5), "),
        bold("systemctl"),
        roman("(1)"),
    ]);
    see.to_writer(&mut text)?;
    fs::write(directory.join(format!("{name}.8")), text)?;
    Ok(())
}

/// One line of the example configuration.
#[derive(Debug, PartialEq)]
enum Line<'a> {
    Blank,
    Section(&'a str),
    /// A key as it is written, and the comment beside it.
    Key(&'a str, &'a str),
    /// A comment that goes on from the line above.
    More(&'a str),
    Comment(&'a str),
}

fn read(line: &str) -> Line<'_> {
    let bare = line.strip_prefix("# ").unwrap_or(line);
    let (left, comment) = bare.split_once(" #").unwrap_or((bare, ""));
    let is_key = |text: &str| {
        let key = text.split(" =").next().unwrap_or("");
        text.contains(" =") && !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    match line.trim() {
        "" | "#" => Line::Blank,
        text if text.starts_with('[') && text.ends_with(']') => Line::Section(&text[1..text.len() - 1]),
        _ if is_key(left) => Line::Key(left.trim(), comment.trim()),
        text if line.starts_with(' ') => Line::More(text.trim_start_matches('#').trim()),
        text => Line::Comment(text.trim_start_matches('#').trim()),
    }
}

/// coguestd.toml(5).
fn configuration(example: &str) -> String {
    let mut page = Roff::new();
    page.control("TH", ["COGUESTD.TOML", "5", "", &format!("coguestd {VERSION}"), "coguestd"]);
    page.control("SH", ["NAME"]);
    page.text([roman("coguestd.toml - configuration of the co-guest daemon")]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([roman("/etc/coguestd/config.toml, /etc/coguestd/conf.d/*.toml")]);
    page.control("SH", ["DESCRIPTION"]);
    // The first line names the file itself.
    for line in example.lines().skip(1) {
        match read(line) {
            Line::Blank => drop(page.control("PP", [])),
            Line::Section(name) => drop(page.control("SH", [format!("SECTION [{name}]").as_str()])),
            Line::Key(key, comment) => {
                page.control("TP", []);
                page.text([bold(key)]);
                page.text([roman(if comment.is_empty() { "\u{a0}" } else { comment })]);
            }
            Line::More(text) | Line::Comment(text) => drop(page.text([roman(text)])),
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("coguestd"), roman("(8), "), bold("coguestd-check-config"), roman("(8)")]);
    page.render()
}

/// CHANGELOG.md as debian/changelog: one entry for this version.
fn changelog(markdown: &str, at: jiff::Timestamp) -> String {
    let mut said = String::new();
    let newest = markdown.lines().skip_while(|line| !line.starts_with("## ")).skip(1);
    for line in newest.take_while(|line| !line.starts_with("## ")).filter(|line| !line.trim().is_empty()) {
        let text = line.trim_start_matches("* ").trim().replace('`', "");
        let mut mark = if line.starts_with("* ") { "  * " } else { "    " };
        // 80 columns, as Debian wants them.
        let mut length = 0;
        for word in text.split_whitespace() {
            if length == 0 || length + word.len() > 75 {
                said.push_str(&format!("{}{mark}{word}", if length == 0 { "" } else { "\n" }));
                (mark, length) = ("    ", word.len());
            } else {
                said.push_str(&format!(" {word}"));
                length += 1 + word.len();
            }
        }
        said.push('\n');
    }
    let date = at.strftime("%a, %d %b %Y %H:%M:%S +0000");
    format!("coguestd ({VERSION}-1) unstable; urgency=medium\n\n{said}\n -- {MAINTAINER}  {date}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a temporary directory");
        commands(directory.path()).expect("a writable directory");
        directory
    }

    #[test]
    fn every_subcommand_has_a_page_with_its_options() {
        let directory = written();
        let mut whole = Arguments::command().disable_help_subcommand(true);
        whole.build();
        for subcommand in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = format!("coguestd-{}.8", subcommand.get_name());
            let page = fs::read_to_string(directory.path().join(&name)).expect("a page");
            for option in
                subcommand.get_opts().filter(|option| !option.is_hide_set()).filter_map(|o| o.get_long())
            {
                assert!(page.contains(&option.replace('-', "\\-")), "{name} lacks --{option}");
            }
        }
    }

    #[test]
    fn every_key_of_the_example_is_in_its_page() {
        let page = configuration(CONFIGURATION).replace('\\', "");
        let keys: Vec<&str> = CONFIGURATION
            .lines()
            .filter_map(|line| match read(line) {
                Line::Key(key, _) => key.split(" =").next(),
                Line::Blank | Line::Section(_) | Line::More(_) | Line::Comment(_) => None,
            })
            .collect();
        assert!(keys.len() > 40, "{keys:?}");
        for key in keys {
            assert!(page.contains(&format!("fB{key} =")), "{key} is missing");
        }
        assert!(page.contains("SECTION [webrtc]"));
    }

    #[test]
    fn a_line_is_what_it_looks_like() {
        assert_eq!(read("[mqtt]"), Line::Section("mqtt"));
        assert_eq!(read("seats = 8   # 1-32"), Line::Key("seats = 8", "1-32"));
        assert_eq!(read("# name = \"x\"  # example; y"), Line::Key("name = \"x\"", "example; y"));
        assert_eq!(read("          # goes on"), Line::More("goes on"));
        assert_eq!(read("# Secrets never = here"), Line::Comment("Secrets never = here"));
        assert_eq!(read(""), Line::Blank);
    }

    #[test]
    fn the_changelog_is_one_that_debian_reads() {
        let text = changelog(
            "# C\n\n## Unreleased\n\n* `a` b\n  c\n\n## 0.0.1\n\n* d\n",
            jiff::Timestamp::UNIX_EPOCH,
        );
        let expected = format!(
            "coguestd ({VERSION}-1) unstable; urgency=medium\n\n  * a b\n    c\n\n -- {MAINTAINER}  Thu, 01 Jan 1970 00:00:00 +0000\n"
        );
        assert_eq!(text, expected);
    }
}
