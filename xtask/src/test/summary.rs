//! What a run of `cargo test` printed, in figures.

use std::process::Stdio;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) succeeded: bool,
    pub(super) passed: u64,
    pub(super) ignored: u64,
    pub(super) failures: Vec<String>,
}

impl Summary {
    pub(super) fn add(&mut self, other: Self) {
        self.succeeded &= other.succeeded;
        self.passed += other.passed;
        self.ignored += other.ignored;
        self.failures.extend(other.failures);
    }

    /// Takes in what the failed tests did when they ran again, and returns the names of those that passed.
    pub(super) fn replace_failures(&mut self, again: &Self) -> Vec<String> {
        let failed = std::mem::take(&mut self.failures);
        let (failures, passed): (Vec<_>, Vec<_>) =
            failed.into_iter().partition(|name| again.failures.contains(name));
        self.failures = failures;
        self.passed += again.passed;
        self.succeeded = again.succeeded && again.passed == passed.len() as u64;
        passed
    }
}

/// Runs the tests and passes on what they print.
pub(super) async fn run(mut tests: Command) -> anyhow::Result<Summary> {
    let mut child = tests
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo could not be started")?;
    let mut lines = BufReader::new(child.stdout.take().context("cargo has no output")?).lines();
    let mut parser = Parser::default();
    while let Some(line) = lines.next_line().await? {
        println!("{line}");
        parser.read(&line);
    }
    parser.summary.succeeded = child.wait().await?.success();
    Ok(parser.summary)
}

#[derive(Debug, Default)]
struct Parser {
    summary: Summary,
    /// The names below the last line `failures:`.
    names: Vec<String>,
}

impl Parser {
    fn read(&mut self, line: &str) {
        if line == "failures:" {
            self.names.clear();
        } else if let Some(name) = line.strip_prefix("    ") {
            self.names.push(name.to_owned());
        } else if let Some(result) = line.strip_prefix("test result: ") {
            if result.starts_with("FAILED") {
                self.summary.failures.append(&mut self.names);
            }
            let figures = result.split_once(". ").map_or(result, |(_, figures)| figures);
            for figure in figures.split("; ") {
                match figure.split_once(' ') {
                    Some((number, "passed")) => self.summary.passed += number.parse().unwrap_or(0),
                    Some((number, "ignored")) => self.summary.ignored += number.parse().unwrap_or(0),
                    _ => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parser, Summary};

    const OUTPUT: &str = "
running 3 tests
test a::passes ... ok
test a::fails ... FAILED
test b ... ignored

failures:

---- a::fails stdout ----

thread 'a::fails' panicked at a.rs:1:1:
    indented
note: run with `RUST_BACKTRACE=1`


failures:
    a::fails

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s

running 1 test
test c ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    fn summary_of(output: &str) -> Summary {
        let mut parser = Parser::default();
        output.lines().for_each(|line| parser.read(line));
        parser.summary
    }

    #[test]
    fn the_figures_and_the_names_of_failures_are_read() {
        let expected = Summary {
            succeeded: false,
            passed: 2,
            ignored: 1,
            failures: vec!["a::fails".to_owned()],
        };
        assert_eq!(summary_of(OUTPUT), expected);
    }

    #[test]
    fn an_example_in_a_document_has_a_name_with_spaces() {
        let name = "src/../README.md - (line 10)";
        let output = format!("failures:\n    {name}\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored");
        assert_eq!(summary_of(&output).failures, [name]);
    }

    #[test]
    fn a_test_that_passes_alone_is_named() {
        let mut first = summary_of(OUTPUT);
        let again = Summary {
            succeeded: true,
            passed: 1,
            ..Summary::default()
        };
        assert_eq!(first.replace_failures(&again), ["a::fails"]);
        assert!(first.succeeded && first.failures.is_empty() && first.passed == 3);
    }

    #[test]
    fn a_test_that_fails_again_or_did_not_run_again_fails_the_run() {
        let mut first = summary_of(OUTPUT);
        assert!(first.replace_failures(&summary_of(OUTPUT)).is_empty());
        assert!(!first.succeeded && first.failures == ["a::fails"]);

        let mut first = summary_of(OUTPUT);
        first.replace_failures(&Summary {
            succeeded: true,
            ..Summary::default()
        });
        assert!(!first.succeeded);
    }
}
