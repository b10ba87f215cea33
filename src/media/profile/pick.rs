//! Which profile `auto` stands for on this board.
//!
//! Invariant: what a person put into a directory goes before what is part of the program; of those, the first in their order whose
//! `when` is fulfilled. A profile without `when` is used only when it is named.

use std::path::PathBuf;

use gstreamer as gst;

use super::error::Error;
use super::loaded::{LAST_RESORT, Profile, SHIPPED, When, Written, files};
use crate::media::elements;
use crate::model::board::Board;

/// A profile and why it is used, in words.
#[derive(Debug, Clone)]
pub struct Picked {
    /// The profile to use.
    pub profile: Profile,
    /// Why this one.
    pub why: String,
}

/// The profile `name`, where `auto` is the first that fits the board.
///
/// # Errors
/// As [`Profile::load`]; `auto` passes over profiles that cannot be used, and says so in the reason.
pub fn pick(name: &str, directories: &[PathBuf], board: &Board) -> Result<Picked, Error> {
    if name != "auto" {
        let profile = Profile::load(name, directories)?;
        return Ok(Picked { profile, why: "it is the one configured".to_owned() });
    }
    gst::init()?;
    let mut passed = Vec::new();
    for candidate in names(directories) {
        // Elements are made of a profile that fits only: one for another board may well need what is not here.
        let fit = Written::find(&candidate, directories).map(|written| (fits(&written, board), written));
        match fit {
            Ok((Fit::Yes(why), written)) => match written.check() {
                Ok(profile) => {
                    passed.insert(0, why);
                    return Ok(Picked { profile, why: passed.join("; ") });
                }
                Err(error) => passed.push(format!("passed over: {error}")),
            },
            Ok((Fit::Nearly(why), _)) => passed.push(why),
            Ok((Fit::No, _)) => {}
            Err(error) => passed.push(format!("passed over: {error}")),
        }
    }
    let profile = Profile::load(LAST_RESORT, directories)?;
    passed.insert(0, "none fits the board better".to_owned());
    Ok(Picked { profile, why: passed.join("; ") })
}

fn fits(written: &Written, board: &Board) -> Fit {
    let Some(When { board: patterns, elements: needed }) = &written.file.when else { return Fit::No };
    let name = patterns.iter().find_map(|pattern| board.fits(pattern));
    if name.is_none() && !patterns.is_empty() {
        return Fit::No;
    }
    let missing = needed.iter().find(|element| elements::require(element).is_err());
    match (name, missing) {
        (Some(name), None) if needed.is_empty() => Fit::Yes(format!("the board is {name}")),
        (Some(name), None) => Fit::Yes(format!("the board is {name} and there is {}", needed.join(", "))),
        (None, None) if needed.is_empty() => Fit::Yes("it fits every machine".to_owned()),
        (None, None) => Fit::Yes(format!("there is {}", needed.join(", "))),
        (Some(name), Some(element)) => Fit::Nearly(format!(
            "{} would fit the board {name}, but {}",
            written.name,
            elements::missing(element)
        )),
        (None, Some(_)) => Fit::No,
    }
}

/// Whether a profile fits, in words.
enum Fit {
    Yes(String),
    /// The board fits and something is missing.
    Nearly(String),
    No,
}

/// Every profile's name, in the order in which they are tried.
fn names(directories: &[PathBuf]) -> Vec<String> {
    let shipped = |name: &str| SHIPPED.iter().any(|(shipped, _)| *shipped == name);
    let mut names: Vec<String> = files(directories).into_iter().filter(|name| !shipped(name)).collect();
    names.extend(SHIPPED.iter().map(|(name, _)| (*name).to_owned()));
    names
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn board(name: &str) -> Board {
        Board { model: String::new(), compatible: vec![name.to_owned()] }
    }

    #[test]
    fn auto_on_an_unknown_board_is_generic() {
        let picked = pick("auto", &[], &Board::default()).expect("a profile");
        assert_eq!(picked.profile.name(), "generic");
        assert_eq!(picked.why, "it fits every machine");
    }

    #[test]
    fn what_a_person_wrote_goes_first_where_it_fits() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let own = |when: &str| {
            let text = SHIPPED.iter().find(|(name, _)| *name == "test").expect("shipped").1;
            let text = text.replacen("[[camera]]", &format!("{when}\n[[camera]]"), 1);
            fs::write(directory.path().join("mine.toml"), text).expect("a writable directory");
            let picked = pick("auto", &[directory.path().to_owned()], &board("acme,kiosk-2"));
            let picked = picked.expect("a profile");
            (picked.profile.name().to_owned(), picked.why)
        };
        assert_eq!(
            own("[when]\nboard = [\"acme,kiosk*\"]"),
            ("mine".to_owned(), "the board is acme,kiosk-2".to_owned())
        );
        let (name, why) = own("[when]\nboard = [\"acme,kiosk*\"]\nelements = [\"acmeenc\"]");
        assert_eq!(name, "generic");
        assert!(
            why.ends_with(
                "mine would fit the board acme,kiosk-2, but the GStreamer element acmeenc is missing"
            ),
            "{why}"
        );
        assert_eq!(own("[when]\nboard = [\"acme,other\"]").0, "generic");
        assert_eq!(own("").0, "generic", "without `when` it is used only by its name");
        let (name, why) = own("[when]\nborad = []");
        assert_eq!(name, "generic");
        assert!(why.contains("passed over") && why.contains("mine.toml"), "{why}");
    }

    #[test]
    fn of_a_profile_for_another_board_no_element_is_made() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let text = SHIPPED.iter().find(|(name, _)| *name == "test").expect("shipped").1;
        let picked = |when: &str| {
            let text = text.replacen("[[camera]]", &format!("{when}\n[[camera]]"), 1);
            // What no profile may have: making it would be refused.
            let text = text.replace("videotestsrc", "videotestsrc no-such-property=1");
            fs::write(directory.path().join("mine.toml"), text).expect("a writable directory");
            let picked = pick("auto", &[directory.path().to_owned()], &board("acme,kiosk-2"));
            picked.expect("a profile").why
        };
        assert!(picked("[when]\nboard = [\"acme,kiosk-2\"]").contains("passed over: "));
        assert_eq!(picked("[when]\nboard = [\"acme,other\"]"), "it fits every machine");
    }

    #[test]
    fn a_profile_that_is_named_is_not_weighed() {
        let picked = pick("test", &[], &board("acme,kiosk-2")).expect("a profile");
        assert_eq!((picked.profile.name(), picked.why.as_str()), ("test", "it is the one configured"));
        pick("tset", &[], &Board::default()).expect_err("no such profile");
    }
}
