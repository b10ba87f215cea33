//! The shape of the sources: who imports whom, who sees which library, what a pure module may know, circles inside a module,
//! one place and one meaning for each type, and how long a file is.
//!
//! `layering/rust.rs` reads the sources, `layering/samples.rs` shows that each rule can be broken. What breaks a rule today stands
//! in `layering/exceptions.txt`, which may only shrink. `cargo test --test layering -- --nocapture numbers` prints how much
//! of it is left.

#[path = "layering/circles.rs"]
mod circles;
#[path = "layering/exceptions.rs"]
mod exceptions;
#[path = "layering/habits.rs"]
mod habits;
#[path = "layering/layers.rs"]
mod layers;
#[path = "layering/lengths.rs"]
mod lengths;
#[path = "layering/names.rs"]
mod names;
#[path = "layering/numbers.rs"]
mod numbers;
#[path = "layering/picture.rs"]
mod picture;
#[path = "layering/rust.rs"]
mod rust;
#[path = "layering/samples.rs"]
mod samples;
#[path = "layering/tree.rs"]
mod tree;
#[path = "layering/words.rs"]
mod words;

use std::fs;

use exceptions::{Rule, hold};
use tree::Tree;

const IMPORT_CIRCLE: Rule = (
    "import circle",
    "files of a module import each other in a circle: what both need gets a file of its own, below both",
    circles::of_imports,
);
const CALL_CIRCLE: Rule = (
    "call circle",
    "files of one type call each other through `self`: make parts with fields of their own that do not know each other",
    circles::of_calls,
);
const SPLIT_IMPL: Rule = (
    "split impl",
    "the inherent `impl` of a type lies in several files: a type and its private fields have one",
    circles::split_impls,
);
const NAME_TWICE: Rule = ("name twice", "a type name means one thing in the tree", names::twice);
const OLD_NAME: Rule = ("old name", "the field has a word for it (layering/old_names.txt)", names::given_up);
const THREAD: Rule =
    ("thread", "threads are started by media/core/job.rs and media/core/event_loop.rs", habits::threads);
const JSON: Rule = ("json", "JSON is spelt in `mqtt` only, and printed by `cli`", habits::json);
const SHORT_DOC: Rule = (
    "short doc",
    "a doc comment of one or two words says nothing that the name does not: say what it does not, or nothing",
    habits::short_docs,
);
const THROWN_AWAY: Rule = (
    "thrown away",
    "`unwrap_or_default()` as a statement hides that a result is thrown away: say so, with the reason",
    habits::thrown_away,
);
const LONG_FILE: Rule =
    ("long file", "a file over 400 lines is split by responsibility", lengths::long_files);

const RULES: &[Rule] = &[
    IMPORT_CIRCLE,
    CALL_CIRCLE,
    SPLIT_IMPL,
    NAME_TWICE,
    OLD_NAME,
    THREAD,
    JSON,
    SHORT_DOC,
    THROWN_AWAY,
    LONG_FILE,
];

#[test]
fn the_sources_keep_to_the_layers() {
    all_well(Tree::own().sources().flat_map(layers::faults_of).collect());
}

#[test]
fn every_allowed_arrow_is_used() {
    all_well(layers::unused_arrows(Tree::own()));
}

#[test]
fn the_rules_know_every_module() {
    for entry in fs::read_dir("src").expect("src is readable") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let known = name == "lib" || layers::is_module(&name);
        assert!(
            known,
            "src has a module `{name}` that layering/layers.rs has no rule for: give it its layer"
        );
    }
}

#[test]
fn the_picture_in_lib_is_the_real_one() {
    all_well(picture::differences(Tree::own()));
}

#[test]
fn no_circle_of_imports_inside_a_module() {
    hold(&IMPORT_CIRCLE);
}

#[test]
fn no_circle_of_calls_between_files_of_a_type() {
    hold(&CALL_CIRCLE);
}

#[test]
fn one_file_for_the_impl_of_a_type() {
    hold(&SPLIT_IMPL);
}

#[test]
fn one_meaning_for_the_name_of_a_type() {
    hold(&NAME_TWICE);
}

#[test]
fn no_name_that_was_given_up() {
    hold(&OLD_NAME);
}

#[test]
fn threads_are_started_in_their_place() {
    hold(&THREAD);
}

#[test]
fn json_is_spelt_in_its_place() {
    hold(&JSON);
}

#[test]
fn no_doc_comment_without_content() {
    hold(&SHORT_DOC);
}

#[test]
fn no_result_is_thrown_away_in_silence() {
    hold(&THROWN_AWAY);
}

#[test]
fn no_file_is_too_long() {
    all_well(lengths::too_long());
    hold(&LONG_FILE);
}

#[test]
fn every_exception_is_one_of_a_rule() {
    all_well(exceptions::unknown(RULES));
}

#[track_caller]
fn all_well(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
