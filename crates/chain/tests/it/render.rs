//! Each rendering of one chain, before and during its runs.

use std::num::NonZeroU32;

use chain::record::StackChange;
use chain::schedule::Control;
use chain::{
    Chain, ChainId, ChainRecord, ChainSettings, Change, CommitReason, DependencyGraph, LabelGrammar, Outcome,
    Reason, ReasonCode, Root, StackFacts, UnknownUpstream, render,
};
use insta::assert_snapshot;

use crate::account::{chain, graph, id, root, stack, stacks};

fn company() -> Chain {
    let mut account = stacks(
        "vpc; iam; db: vpc iam db-old; dns: vpc; !cache: vpc; app: db dns cache; ui: app app; jobs: db nowhere; \
         docs: vpc Depends-on:vpc",
    );
    account[2].autodeploy = false;
    "acme/data".clone_into(&mut account[2].repository);
    account[3].locked_by = Some("alice".to_owned());
    let graph = DependencyGraph::build(account, &LabelGrammar::default());
    let settings = ChainSettings {
        unknown_upstream: UnknownUpstream::Ignore,
        ..ChainSettings::default()
    };
    chain::plan(&graph, &root("vpc"), &settings).unwrap()
}

fn record(chain: Chain) -> ChainRecord {
    ChainRecord::new(ChainId::of_workflow("chain:acme:1"), chain)
}

fn change(stack: &str, change: StackChange) -> Change {
    Change::Stack {
        stack: id(stack),
        change,
        at_ms: 1,
    }
}

fn began(stack: &str, run: &str) -> Change {
    let run = run.parse().unwrap();
    change(
        stack,
        StackChange::Began {
            run,
            made: true,
            commit: None,
            why: None,
        },
    )
}

fn ended(stack: &str, outcome: Outcome) -> Change {
    change(
        stack,
        StackChange::Ended {
            outcome,
            run: None,
            commit: None,
            ended_at_s: None,
            by_hand: None,
        },
    )
}

fn under_way() -> ChainRecord {
    let skipped = || Outcome::Skipped {
        reason: Reason::new(ReasonCode::UpstreamFailed, "`dns` failed upstream"),
    };
    let mut record = record(company());
    for change in [
        began("db", "01DB"),
        change(
            "db",
            StackChange::Waits {
                note: Some("waits for a confirmation".to_owned()),
            },
        ),
        began("dns", "01DNS"),
        ended(
            "dns",
            Outcome::Failed {
                reason: Reason::new(ReasonCode::RunFailed, "its run failed | see\nthe log"),
            },
        ),
        ended("app", skipped()),
        ended("ui", skipped()),
    ] {
        record.apply(&change);
    }
    record
}

#[test]
fn text() {
    assert_snapshot!(render::text(&company()));
    assert_snapshot!("text_of_nothing", render::text(&chain("vpc; other")));
}

#[test]
fn record_text() {
    assert_snapshot!(render::record_text(&under_way()));
    let control = |control| Change::Controlled {
        control,
        by: "alice".to_owned(),
        at_ms: 3,
        reason: Some("a fire drill".to_owned()),
    };
    let mut paused = under_way();
    paused.apply(&control(Control::Pause));
    assert_snapshot!("record_text_paused", render::record_text(&paused));
    paused.apply(&control(Control::Cancel));
    assert_snapshot!("record_text_cancelled", render::record_text(&paused));
}

#[test]
fn markdown() {
    assert_snapshot!(render::markdown(&under_way()));
}

#[test]
fn mermaid() {
    assert_snapshot!(render::mermaid(&company()));
    assert_snapshot!("record_mermaid", render::record_mermaid(&under_way()));
}

#[test]
fn a_root_that_is_one_of_the_stacks_is_drawn_once() {
    let graph = graph("vpc; db: vpc");
    let root = Root::requested("acme".parse().unwrap(), id("vpc"), "main");
    let chain = chain::plan(&graph, &root, &ChainSettings::default()).unwrap();
    assert_eq!(
        render::mermaid(&chain),
        "flowchart TD\n    s0[\"vpc\"]\n    s1[\"db\"]\n    s0 --> s1\n"
    );
    let dot = render::dot(&chain);
    assert_eq!(dot.matches("->").count(), 1, "{dot}");
    assert!(dot.contains("\"vpc\" -> \"db\";"), "{dot}");
}

#[test]
fn dot() {
    assert_snapshot!(render::dot(&company()));
    assert_snapshot!("record_dot", render::record_dot(&under_way()));
}

#[test]
fn json() {
    assert_snapshot!(render::json(&company()).unwrap());
}

/// The published schema has to match this version. The new one is written where it can be copied from.
#[test]
fn json_schema() {
    let schema = serde_json::to_string_pretty(&render::json_schema()).unwrap() + "\n";
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/chain.schema.json");
    std::fs::write(path, &schema).unwrap();
    assert!(
        schema == include_str!("../../chain.schema.json"),
        "if the new form is meant, copy {path} to crates/chain/chain.schema.json"
    );
}

/// The schema has every field that is written.
#[test]
fn the_schema_fits() {
    let schema = render::json_schema();
    let chain = serde_json::to_value(company()).unwrap();
    let properties = |schema: &serde_json::Value| -> Vec<String> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let fields = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(properties(schema.as_value()), fields(&chain));
    let definitions = &schema.as_value()["$defs"];
    assert_eq!(
        properties(&definitions["ChainStack"]),
        fields(&chain["stacks"][0])
    );
    assert_eq!(properties(&definitions["Root"]), fields(&chain["root"]));
    assert_eq!(
        properties(&definitions["ChainSettings"]),
        fields(&chain["settings"])
    );
}

#[test]
fn ids_cannot_break_a_diagram() {
    let stacks = vec![
        crate::account::stack("vpc", &[]),
        crate::account::stack("a\"#\\]", &["dependsOn:vpc"]),
    ];
    let graph = DependencyGraph::build(stacks, &LabelGrammar::default());
    let chain = chain::plan(&graph, &root("vpc"), &ChainSettings::default()).unwrap();
    assert!(render::mermaid(&chain).contains("s0[\"a#quot;#35;\\]\"]"));
    assert!(render::dot(&chain).contains("\"a\\\"#\\\\]\";"));
}

#[test]
fn a_large_chain_stays_readable() {
    let settings = ChainSettings {
        parallel_runs: NonZeroU32::new(300).unwrap(),
        ..ChainSettings::default()
    };
    let lines: Vec<String> = (0..300).map(|n| format!("s{n:03}: vpc")).collect();
    let disabled: Vec<String> = (0..201).map(|n| format!("!x{n:03}: vpc")).collect();
    let graph = graph(&format!("vpc; {}; {}", lines.join("; "), disabled.join("; ")));
    let mut record = record(chain::plan(&graph, &root("vpc"), &settings).unwrap());
    record.apply(&began("s299", "01RUN"));
    let markdown = render::markdown(&record);
    let rows: Vec<_> = markdown.lines().filter(|line| line.contains("| `s")).collect();
    assert_eq!(rows.len(), render::MARKDOWN_ROWS_MAX);
    assert_eq!(
        rows[0], "| ▶ | `s299` | running, run 01RUN |",
        "what runs comes first"
    );
    let more: Vec<_> = markdown.lines().filter(|line| line.starts_with('…')).collect();
    assert_eq!(more, ["… and 200 more", "… and 101 more"]);
}

#[test]
fn a_table_that_shows_everything_mentions_no_more() {
    let names = |prefix: &str| {
        let names = (0..render::MARKDOWN_ROWS_MAX).map(|n| format!("{prefix}{n:03}: vpc"));
        names.collect::<Vec<_>>().join("; ")
    };
    let record = record(chain(&format!("vpc; {}; {}", names("s"), names("!x"))));
    assert_eq!(record.chain().left_out.len(), render::MARKDOWN_ROWS_MAX);
    let markdown = render::markdown(&record);
    assert!(!markdown.contains('…'), "{markdown}");
}

#[test]
fn a_deep_chain_is_drawn_in_a_column() {
    let lines: Vec<String> = (1..1_500)
        .map(|n| {
            format!(
                "s{n:04}: {}",
                if n == 1 {
                    "vpc".to_owned()
                } else {
                    format!("s{:04}", n - 1)
                }
            )
        })
        .collect();
    let text = render::text(&chain(&format!("vpc; {}", lines.join("; "))));
    assert_eq!(text.lines().filter(|line| line.contains("└─ s")).count(), 1_499);
    assert!(text.lines().all(|line| line.chars().count() < 100));
    let indents = text
        .lines()
        .filter_map(|line| line.chars().position(|c| c == '└'));
    assert_eq!(indents.max(), Some(72));
}

#[test]
fn stacks_that_would_run_after_a_merge() {
    let stacks = vec![
        stack("vpc", &[]),
        stack("db", &["dependsOn:vpc", "spillway:retries=2"]),
        StackFacts {
            autodeploy: false,
            repository: "acme/apps".to_owned(),
            ..stack("app|s", &["dependsOn:db"])
        },
    ];
    let graph = DependencyGraph::build(stacks, &LabelGrammar::default());
    let chain = chain::plan(&graph, &root("vpc"), &ChainSettings::default()).unwrap();
    assert_eq!(
        render::impact_markdown(&chain),
        "**2 stacks run after `vpc`:**\n\n| stack | after | commit | |\n|---|---|---|---|\n\
         | `db` | `vpc` | the merged one | labels: retries=2 |\n\
         | `app\\|s` | `db` | its own: another repository | needs confirmation |\n"
    );
}

#[test]
fn the_table_of_a_merge_fits_its_number_of_stacks() {
    let shown = |count: usize| {
        let stacks: Vec<String> = (0..count).map(|nth| format!("s{nth:03}: vpc")).collect();
        render::impact_markdown(&chain(&format!("vpc; {}", stacks.join("; "))))
    };
    let one = shown(1);
    assert!(
        one.starts_with("**1 stack runs after `vpc`:**\n\n| stack |"),
        "{one}"
    );
    for (count, more) in [(99, None), (100, None), (101, Some("… and 1 more"))] {
        let table = shown(count);
        assert!(table.starts_with(&format!("**{count} stacks run")), "{table}");
        let rows = table.lines().filter(|line| line.starts_with("| `s")).count();
        assert_eq!(rows, count.min(100));
        assert_eq!(table.lines().find(|line| line.contains("more")), more);
    }
    let nothing = Chain {
        stacks: Vec::new(),
        ..chain("vpc; db: vpc")
    };
    assert_eq!(
        render::impact_markdown(&nothing),
        "**Nothing else runs after `vpc`.**\n"
    );
}

#[test]
fn a_commit_that_is_not_known_yet_says_why() {
    let mut chain = chain("vpc; db: vpc");
    for (why, expected) in [
        (CommitReason::OtherRepository, " (another repository)"),
        (CommitReason::OtherBranch, " (another branch)"),
        (CommitReason::Label, ""),
        (CommitReason::RootCommitUnknown, " (the root's is not known)"),
    ] {
        let db = &mut chain.stacks[0];
        (db.commit.sha, db.commit.why, db.tracked_commit) = (None, why, None);
        let text = render::text(&chain);
        let line = format!("db @ tracked commit{expected}");
        assert!(text.lines().any(|known| known.ends_with(&line)), "{text}");
    }
}
