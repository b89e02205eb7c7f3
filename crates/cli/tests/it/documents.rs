//! The documents that are made from the code, and the commands that the others show.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The files below a directory by their paths in it.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|(path, text)| (name.join(path), text)),
            );
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn the_generated_documents_are_those_of_the_code() {
    let world = World::acme().await;
    world.run(&["generate", "docs"]).await.ok();
    let generated = files(&world.path("docs"));
    for (path, text) in &generated {
        let committed = fs::read(docs().join(path)).unwrap_or_default();
        assert!(
            committed == *text,
            "docs/{} is stale: run `cargo run -- generate docs`",
            path.display()
        );
    }
    for path in files(&docs().join("schemas")).keys() {
        let path = Path::new("schemas").join(path);
        assert!(
            generated.contains_key(&path),
            "docs/{} is not generated any more",
            path.display()
        );
    }
}

/// A schema that no document is held against would go stale unnoticed.
#[test]
fn every_schema_is_held_against_a_document() {
    let tests = [
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"),
        docs().join("../tests/it"),
    ];
    let sources: String = tests
        .iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for schema in files(&docs().join("schemas")).keys() {
        let kind = schema.file_stem().unwrap().to_str().unwrap();
        let is_checked = sources.contains(&format!("\"{kind}\""));
        assert!(
            is_checked,
            "no test holds a document against {}",
            schema.display()
        );
    }
}

/// The help of every command by its words, as docs/commands.md has it.
fn commands() -> BTreeMap<String, String> {
    let text = fs::read_to_string(docs().join("commands.md")).unwrap();
    let sections = text.split("\n##").skip(1);
    let named = sections.filter_map(|section| {
        let (title, help) = section.split_once('\n')?;
        let title = title.trim_start_matches('#').trim();
        let words = title.strip_prefix("spillway")?.trim();
        Some((words.to_owned(), help.to_owned()))
    });
    named.collect()
}

/// The commands in a document: lines of code and code in sentences.
fn shown(text: &str) -> Vec<String> {
    let mut shown = Vec::new();
    for line in text.lines() {
        let code = line.strip_prefix("    ").map(str::trim_start);
        // What is explained beside a command stands two spaces away.
        let in_code = code.and_then(|code| code.split("  ").next());
        let in_sentence = line.split('`').skip(1).step_by(2);
        for command in in_code.into_iter().chain(in_sentence) {
            let words = command
                .strip_prefix("spillway ")
                .or_else(|| command.strip_prefix("cargo run -- "));
            shown.extend(words.map(str::to_owned));
        }
    }
    shown
}

/// What is wrong with a command, if anything.
fn mistake(command: &str, known: &BTreeMap<String, String>) -> Option<String> {
    // The one command that is for developers, and that no help lists.
    if command == "generate docs" {
        return None;
    }
    let command = command.split(['|', '>', '#']).next().unwrap_or_default();
    let mut words = command.split_whitespace().peekable();
    let mut name = String::new();
    while let Some(word) = words.peek() {
        let longer = format!("{name} {word}").trim().to_owned();
        if !known.contains_key(&longer) {
            break;
        }
        name = longer;
        words.next();
    }
    let help = &known[&name];
    let is_word =
        |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    if help.contains("\nCommands:\n") && words.peek().is_some_and(|word| is_word(word)) {
        return Some(format!("no command `{}`", words.next().unwrap_or_default()));
    }
    let options = words.filter(|word| word.starts_with("--") && word.len() > 2);
    let mut names = options.map(|option| option.split(['=', ',', '.', ';', ')']).next().unwrap_or_default());
    let is_known = |option: &str| {
        let mut words = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        words.any(|word| word == option)
    };
    names
        .find(|option| !is_known(option))
        .map(|option| format!("no option `{option}`"))
}

#[test]
fn the_commands_that_documents_show_exist() {
    let known = commands();
    assert!(
        known.contains_key("") && known.contains_key("stack depend"),
        "{:?}",
        known.keys()
    );
    let root = docs().join("..");
    let mut documents: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "infra/README.md", "CHANGELOG.md"]
        .into_iter()
        .chain(["crates/mock-spacelift/README.md", "crates/audit/README.md"])
        .map(|path| root.join(path))
        .collect();
    let pages = files(&docs())
        .into_keys()
        .filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    documents.extend(
        pages
            .filter(|path| *path != Path::new("commands.md"))
            .map(|path| docs().join(path)),
    );
    let mut count = 0;
    let mut mistakes = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for command in shown(&text) {
            count += 1;
            let mistake = mistake(&command, &known);
            mistakes.extend(mistake.map(|mistake| format!("{}: `{command}`: {mistake}", document.display())));
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    assert!(count > 100, "only {count} commands were found");
}

#[test]
fn a_command_that_is_not_there_is_noticed() {
    let known = commands();
    for (command, is_wrong) in [
        ("stack depend app --on vpc --apply", false),
        ("stack depend app --upon vpc", true),
        ("stack dependency app", true),
        ("stacks", true),
        ("stack <verb>", false),
        ("chain list -o json | jq", false),
        ("", false),
    ] {
        assert_eq!(mistake(command, &known).is_some(), is_wrong, "{command}");
    }
}
