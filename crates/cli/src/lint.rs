//! `spillway lint`: everything that is wrong with the dependencies.

mod hub;
mod similar;
mod sinks;

use chain::{DependencyGraph, LabelGrammar, Problem, Severity, StackId, label};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use crate::command::{Done, with_spacelift};
use crate::dependencies;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::Output;
use crate::style;
use crate::table::Table;
use crate::variables::{settings, variables};
use crate::words::counted;
use hub::Hub;
use similar::SimilarLabel;
use sinks::SinkProblem;

const EXAMPLES: &str = "Examples:
  spillway lint
  spillway lint --jq '.problems[].message'

The exit code is 1 if there are errors. An error means that a dependency does not work as written. \
A warning means that it works, but may surprise you.";

/// Check the dependencies between all stacks.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LintArguments {
    #[command(flatten)]
    output: Output,
}

pub(crate) fn lint(arguments: &LintArguments) -> Done {
    let settings = settings()?;
    with_spacelift(async |spacelift| {
        let stacks = dependencies::stacks(&spacelift).await?;
        let grammar = &settings.chain.label_prefixes;
        let similar = similar::labels(&stacks, grammar.prefixes());
        let hubs = hub::hubs(&stacks, grammar);
        let variables = variables().await?;
        let set = notify::sink_kinds(|name| variables.get(name).cloned())
            .map_err(|error| Failure::setting(error.to_string()))?;
        let sinks = sinks::problems(&stacks, &set);
        let graph = dependencies::graph_of(stacks, &settings.chain);
        let report = Report::of(&graph, &similar, &hubs, &sinks, grammar);
        arguments.output.show(&report, || report.text())?;
        Ok(Exit::of(report.errors == 0))
    })
}

/// What is wrong with the dependencies.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Lint")]
pub(crate) struct Report<'a> {
    stacks: usize,
    dependencies: usize,
    errors: usize,
    warnings: usize,
    problems: Vec<Finding<'a>>,
}

impl Shape for Report<'_> {
    const KIND: &'static str = "lint";
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LintProblem")]
struct Finding<'a> {
    severity: Severity,
    code: &'static str,
    /// The stacks whose settings have to change.
    stacks: Vec<&'a StackId>,
    /// The id of the stack that was probably meant.
    meant: Option<&'a str>,
    message: String,
}

impl<'a> Report<'a> {
    fn of(
        graph: &'a DependencyGraph,
        similar: &'a [SimilarLabel],
        hubs: &'a [Hub],
        sinks: &'a [SinkProblem],
        grammar: &LabelGrammar,
    ) -> Self {
        let finding = |problem: &'a Problem| {
            let meant = meant(problem, graph, grammar);
            let question = meant.map(|meant| format!("; did you mean `{meant}`?"));
            Finding {
                severity: problem.severity(),
                code: problem.code(),
                stacks: problem.stacks().iter().collect(),
                meant,
                message: format!("{problem}{}", question.unwrap_or_default()),
            }
        };
        let similar = similar.iter().map(|label| Finding {
            severity: Severity::Warning,
            code: "similar_label",
            stacks: vec![&label.stack],
            meant: None,
            message: label.to_string(),
        });
        let hubs = hubs.iter().map(|hub| Finding {
            severity: Severity::Warning,
            code: "administrative_upstream",
            stacks: vec![&hub.stack],
            meant: None,
            message: hub.to_string(),
        });
        let sinks = sinks.iter().map(|problem| Finding {
            severity: problem.severity(),
            code: problem.code(),
            stacks: problem.stacks().iter().collect(),
            meant: None,
            message: problem.to_string(),
        });
        let problems = graph.problems().iter().map(finding);
        let problems: Vec<_> = problems.chain(similar).chain(hubs).chain(sinks).collect();
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

    fn text(&self) -> String {
        let mut text = String::new();
        for (severity, number) in [(Severity::Error, self.errors), (Severity::Warning, self.warnings)] {
            if number == 0 {
                continue;
            }
            let style = style::style_of(&severity.to_string());
            text += &style::painted(
                &counted(number, &severity.to_string(), &format!("{severity}s")),
                style,
            );
            let mut table = Table::default();
            for problem in self
                .problems
                .iter()
                .filter(|problem| problem.severity == severity)
            {
                table.row([problem.code, &problem.message]);
            }
            text += &format!("\n{}\n\n", table.indented("  ", true));
        }
        let verdict = if self.problems.is_empty() {
            ": no problems"
        } else {
            ""
        };
        let dependencies = match self.dependencies {
            1 => "1 dependency".to_owned(),
            many => format!("{many} dependencies"),
        };
        text + &format!(
            "{}, {dependencies}{verdict}",
            counted(self.stacks, "stack", "stacks")
        )
    }
}

/// The stack that a label names by something other than its id.
fn meant<'a>(problem: &Problem, graph: &'a DependencyGraph, grammar: &LabelGrammar) -> Option<&'a str> {
    match problem {
        Problem::Dangling { dependency, .. } => dependencies::meant(graph, dependency.as_str()),
        // A name may hold what an id cannot, such as a space.
        Problem::UnreadableLabel { label, .. } => label::named(label, grammar)
            .filter(|text| text.parse::<StackId>().is_err())
            .find_map(|text| graph.named(text))
            .map(StackId::as_str),
        _ => None,
    }
}
