//! `spillway lint`: everything that is wrong with the dependencies that people wrote.

use std::process::ExitCode;

use chain::{DependencyGraph, Problem, Severity, StackId};
use clap::Args;
use serde::Serialize;

use crate::command::{Done, settings, with_spacelift};
use crate::dependencies;
use crate::failure::BAD_OUTCOME;
use crate::output;
use crate::table::Table;

const EXAMPLES: &str = "Examples:
  spillway lint
  spillway lint --json | jq -r '.problems[].message'

The exit status is 1 if there are errors, and 0 if there are only warnings. An error means that \
something that was meant does not happen; a warning that it works, and may surprise.";

/// Reports what is wrong with the dependencies between all stacks.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LintArguments {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn lint(arguments: &LintArguments) -> Done {
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let graph = dependencies::graph(&spacelift, &settings.chain).await?;
        let report = Report::of(&graph);
        if arguments.json {
            output::json(&report)?;
        } else {
            report.print();
        }
        Ok(if report.errors > 0 {
            ExitCode::from(BAD_OUTCOME)
        } else {
            ExitCode::SUCCESS
        })
    })
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    stacks: usize,
    dependencies: usize,
    errors: usize,
    warnings: usize,
    problems: Vec<Finding<'a>>,
}

#[derive(Debug, Serialize)]
struct Finding<'a> {
    severity: Severity,
    code: &'static str,
    /// Those whose settings must change to solve it.
    stacks: &'a [StackId],
    message: String,
}

impl<'a> Report<'a> {
    fn of(graph: &'a DependencyGraph) -> Self {
        let finding = |problem: &'a Problem| Finding {
            severity: problem.severity(),
            code: problem.code(),
            stacks: problem.stacks(),
            message: problem.to_string(),
        };
        let problems: Vec<_> = graph.problems().iter().map(finding).collect();
        let count = |severity| {
            problems
                .iter()
                .filter(|problem| problem.severity == severity)
                .count()
        };
        Self {
            stacks: graph.stacks().len(),
            dependencies: graph
                .stacks()
                .iter()
                .map(|stack| graph.upstream(&stack.id).count())
                .sum(),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            problems,
        }
    }

    fn print(&self) {
        for (severity, number) in [(Severity::Error, self.errors), (Severity::Warning, self.warnings)] {
            if number == 0 {
                continue;
            }
            output::line(&counted(number, &severity.to_string()));
            let mut table = Table::default();
            for problem in self
                .problems
                .iter()
                .filter(|problem| problem.severity == severity)
            {
                table.row([problem.code, &problem.message]);
            }
            output::line(&(table.indented("  ") + "\n"));
        }
        let verdict = if self.problems.is_empty() {
            ", nothing wrong"
        } else {
            ""
        };
        let (stacks, dependencies) = (self.stacks, self.dependencies);
        let dependencies = match dependencies {
            1 => "1 dependency".to_owned(),
            many => format!("{many} dependencies"),
        };
        output::line(&format!("{}, {dependencies}{verdict}", counted(stacks, "stack")));
    }
}

fn counted(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}
