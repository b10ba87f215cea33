//! How often a random test was where it should have been; a test that hardly ever gets somewhere proves nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
};

/// Counts by name.
#[derive(Debug, Default)]
pub struct Reach(RefCell<BTreeMap<String, u64>>);

impl Reach {
    pub fn count(&self, name: impl Into<String>) {
        *self.0.borrow_mut().entry(name.into()).or_default() += 1;
    }

    /// Every one of these was reached at least `often` times.
    #[track_caller]
    pub fn demand(&self, names: &[&str], often: u64) {
        let counts = self.0.borrow();
        let seldom: Vec<_> =
            names.iter().filter(|name| counts.get(**name).copied().unwrap_or(0) < often).collect();
        assert!(seldom.is_empty(), "hardly reached: {seldom:?}; seen: {counts:#?}");
    }
}

/// Runs a property: the same `cases` scripts each time, so that a test that was green stays so, or, as a search, as many
/// new ones as `PROPTEST_CASES` says.
pub fn run<S: Strategy>(cases: u32, file: &'static str, scripts: &S, property: impl Fn(S::Value)) {
    let mut config = Config {
        source_file: Some(file),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let mut runner = if std::env::var_os("PROPTEST_CASES").is_some() {
        TestRunner::new(config)
    } else {
        config.cases = cases;
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
    };
    let outcome = runner.run(scripts, |script| {
        property(script);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
