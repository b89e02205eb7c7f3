//! The names in infra/README.md are names of the templates.

use std::collections::BTreeSet;

use super::read;
use super::template::load;

const GUIDE: &str = "infra/README.md";
const TEMPLATES: [&str; 6] = [
    "template.yaml",
    "infra/alarms.yaml",
    "infra/allowlist.yaml",
    "infra/data.yaml",
    "infra/roles.yaml",
    "infra/worker.yaml",
];

/// Names of AWS and Temporal that no template has.
const OTHERS: [&str; 4] = [
    "CreateServiceLinkedRole",
    "ExecutionStatus",
    "IntegrationLatency",
    "PassRole",
];

/// The words of a text that look like names of a template: `WorkerImage`, and not `PATH` or `vpc`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| {
        let has = |letter: fn(char) -> bool| word.chars().skip(1).any(letter);
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && has(|letter| letter.is_ascii_lowercase())
            && has(|letter| letter.is_ascii_uppercase())
    })
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn outputs_in_the_guide_are_outputs_of_the_template() {
    let template = load("template.yaml");
    let outputs = template["Outputs"].as_object().unwrap();
    let guide = read(GUIDE);
    let mut read_by_guide = 0;
    for rest in guide.split("output ").skip(1) {
        let name = rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        if names(name).next().is_some() {
            assert!(outputs.contains_key(name), "the guide reads the output `{name}`");
            read_by_guide += 1;
        }
    }
    assert!(read_by_guide > 20, "{read_by_guide}");
}

#[test]
fn parameters_and_resources_in_the_guide_are_in_a_template() {
    let templates = TEMPLATES.map(read).join("\n");
    let mut known: BTreeSet<&str> = names(&templates).collect();
    let workflows = read("worker/src/workflows.rs");
    known.extend(names(&workflows));
    let guide = read(GUIDE);
    let unknown: BTreeSet<&str> = code(&guide)
        .flat_map(names)
        .filter(|name| !known.contains(name) && !OTHERS.contains(name))
        .collect();
    assert!(unknown.is_empty(), "the guide names {unknown:?}");
}
