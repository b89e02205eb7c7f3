//! `spillway audit report`, on a log in a directory.

use audit::{Action, Entry, Store, Trail};
use chain::{Reason, ReasonCode};
use serde_json::json;

use crate::audit::{START_MS, chain_id, chain_of_three, change, world};
use crate::world::World;

const PERIOD: [&str; 4] = ["--since", "2025-04-01", "--until", "2025-05-01"];

async fn report(world: &World, more: &[&str]) -> crate::world::Ran {
    let arguments: Vec<&str> = ["audit", "report"]
        .iter()
        .chain(&PERIOD)
        .chain(more)
        .copied()
        .collect();
    world.run(&arguments).await
}

#[tokio::test]
async fn people_get_columns() {
    insta::assert_snapshot!(report(&world().await, &[]).await.ok(), @r"
    chain:acme:01J: after run 01J of core-network, by alice
      STACK         OUTCOME    COMMIT   STARTED               DURATION  RUN           REASON
      cluster       succeeded  31b63c1  2025-04-25 10:00:02Z  1m 00s    01J-cluster   -
      database      failed     31b63c1  2025-04-25 10:00:02Z  4m 07s    01J-database  its run ended as FAILED
      platform-api  skipped    -        -                     -         -             its upstream `database` failed

    chain:acme:01K: after run 01K of core-network, which a push or Spacelift itself triggered
      STACK    OUTCOME    COMMIT   STARTED               DURATION  RUN          REASON
      cluster  succeeded  31b63c1  2025-04-25 10:00:02Z  1m 00s    01K-cluster  -

    4 executions in 2 chains from 2025-04-01 00:00 UTC to 2025-05-01 00:00 UTC: 1 failed, 1 skipped, 2 succeeded
    Without a record of their end: chain:acme:01K. They are under way, or their last records are still to be written.
    ");
}

#[tokio::test]
async fn spreadsheets_get_csv() {
    let csv = report(&world().await, &["--format", "csv"]).await.ok();
    assert!(
        csv.lines().count() == 5 && csv.matches("\r\n").count() == 5,
        "{csv}"
    );
    insta::assert_snapshot!(csv.replace("\r\n", "\n"), @r"
    chain,started_by,root_stack,root_run,stack,run,commit,outcome,started_at,ended_at,duration_s,reason_code,reason
    chain:acme:01J,alice,core-network,01J,cluster,01J-cluster,31b63c1a7266daf5a1d44a193a0f48ce995fa75e,succeeded,2025-04-25T10:00:02.000Z,2025-04-25T10:01:02.000Z,60,,
    chain:acme:01J,alice,core-network,01J,database,01J-database,31b63c1a7266daf5a1d44a193a0f48ce995fa75e,failed,2025-04-25T10:00:02.000Z,2025-04-25T10:04:09.000Z,247,run_failed,its run ended as FAILED
    chain:acme:01J,alice,core-network,01J,platform-api,,,skipped,,2025-04-25T10:04:09.000Z,,upstream_failed,its upstream `database` failed
    chain:acme:01K,,core-network,01K,cluster,01K-cluster,31b63c1a7266daf5a1d44a193a0f48ce995fa75e,succeeded,2025-04-25T10:00:02.000Z,2025-04-25T10:01:02.000Z,60,,
    ");
}

#[tokio::test]
async fn programs_get_json() {
    let report = report(&world().await, &["--format", "json"]).await.json();
    assert_eq!(report["executions"].as_array().unwrap().len(), 4);
    assert_eq!(
        report["executions"][1],
        json!({
            "chain": "chain:acme:01J", "started_by": "alice", "root_stack": "core-network", "root_run": "01J",
            "stack": "database", "run": "01J-database", "commit": "31b63c1a7266daf5a1d44a193a0f48ce995fa75e",
            "outcome": "failed", "started_at": "2025-04-25T10:00:02.000Z", "ended_at": "2025-04-25T10:04:09.000Z",
            "duration_s": 247.0, "reason": {"code": "run_failed", "text": "its run ended as FAILED"},
        })
    );
    assert_eq!(report["damaged_chains"], json!([]));
    assert_eq!(report["unfinished_chains"], json!(["chain:acme:01K"]));
}

#[tokio::test]
async fn a_chain_without_a_record_of_its_end_is_named() {
    let world = world().await;
    add_hostile_chain(&world).await;
    let id = chain_id("<script>");
    let json = report(&world, &["-o", "json"]).await.json();
    assert_eq!(json["unfinished_chains"], json!([id, "chain:acme:01K"]));
    let text = report(&world, &[]).await.ok();
    assert!(
        text.contains(&format!("Without a record of their end: {id}, chain:acme:01K.")),
        "{text}"
    );
    let page = report(&world, &["-o", "html"]).await.ok();
    assert!(
        page.contains("These chains have no record of their end."),
        "{page}"
    );
}

/// The end of a stack that is called and fails as a forger wishes.
async fn add_hostile_chain(world: &World) {
    let chain = chain_id("<script>");
    let mut trail = Trail::default();
    let started = Entry {
        actor: "spacelift:=cmd|'/c calc'!A0".to_owned(),
        chain: Some(chain.clone()),
        ..Entry::new(START_MS, "", Action::ChainStarted)
    };
    let ended = Entry {
        chain: Some(chain.clone()),
        stack: Some("<b>x".parse().unwrap()),
        outcome: Some("failed".to_owned()),
        reason: Some(Reason::new(
            "x".to_owned(),
            "</td><script>alert(\"1\")</script>\u{1b}[2J",
        )),
        ..Entry::new(START_MS, "worker", Action::StackEnded)
    };
    let records = [started, ended].map(|entry| trail.append(entry));
    Store::in_directory(world.path("log"))
        .put_chain(&chain, &records)
        .await
        .unwrap();
}

#[tokio::test]
async fn names_do_nothing_in_a_browser_a_spreadsheet_or_a_terminal() {
    let world = world().await;
    add_hostile_chain(&world).await;
    let page = report(&world, &["--format", "html"]).await.ok();
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    assert!(page.contains(
        "<td class=\"\">&#60;/td&#62;&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62; [2J</td>"
    ));
    let csv = report(&world, &["--format", "csv"]).await.ok();
    assert!(csv.contains(",'=cmd|'/c calc'!A0,"), "{csv}");
    assert!(
        csv.contains("\"</td><script>alert(\"\"1\"\")</script>\u{1b}[2J\""),
        "{csv}"
    );
    assert!(!report(&world, &[]).await.ok().contains('\u{1b}'));
}

#[tokio::test]
async fn the_page_needs_nothing_else() {
    let page = report(&world().await, &["--format", "html"]).await.ok();
    for never in ["<link", "<img", "src=", "href=", "@import", "url(", "{{", "{%"] {
        assert!(!page.contains(never), "{never}");
    }
    for part in [
        "<title>Stack executions, 2025-04-01 00:00 UTC to 2025-05-01 00:00 UTC</title>",
        "4 executions: 1 failed, 1 skipped, 2 succeeded.",
        "From the audit log log.",
        "<td class=\"outcome failed\">failed</td>",
        "@media print",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(page.matches("<tr><td").count(), 4);
}

#[tokio::test]
async fn what_people_ordered_is_listed_where_it_is_asked_for() {
    let world = world().await;
    let store = Store::in_directory(world.path("log"));
    let mut halted = Entry::new(START_MS + 5_000, "operator:alice", Action::HaltBegan);
    halted.reason = Some(Reason::new(ReasonCode::Ordered, "incident 7"));
    store
        .put_delivery(&audit::Record::unlinked(halted))
        .await
        .unwrap();
    let delivered = Entry::new(START_MS + 6_000, "webhook", Action::DeliveryAccepted);
    store
        .put_delivery(&audit::Record::unlinked(delivered))
        .await
        .unwrap();
    let listed = report(&world, &["--format", "json", "--orders"]).await.json();
    assert_eq!(
        listed["orders"],
        json!([{
            "at": "2025-04-25T10:00:05.000Z", "by": "alice", "action": "halt_began", "chain": null, "stack": null,
            "reason": {"code": "ordered", "text": "incident 7"},
        }])
    );
    let text = report(&world, &["--orders"]).await.ok();
    assert!(
        text.contains("halt_began  alice  the account  incident 7"),
        "{text}"
    );
    assert_eq!(
        report(&world, &["--format", "json"]).await.json()["orders"],
        json!(null)
    );
    let refused = report(&world, &["--format", "csv", "--orders"]).await.failed(2);
    assert!(
        refused.contains("--orders needs the format table or json"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_report_from_a_broken_log_says_so() {
    let world = world().await;
    change(
        &world,
        "chains/chain%3Aacme%3A01J/00000001.jsonl",
        "FAILED",
        "PASSED",
    );
    let ran = report(&world, &["--format", "html"]).await;
    assert_eq!(ran.status, 1);
    insta::assert_snapshot!(ran.stderr, @r"
    warning: these audit records were altered or are missing, and what is reported of them may be wrong: chain:acme:01J
    hint: `spillway audit verify` says more.
    ");
    assert!(
        ran.stdout
            .contains("<p class=\"warning\">These audit records were altered or are missing, and what is reported of them may be wrong: chain:acme:01J.")
    );
    assert!(!ran.stdout.contains("PASSED"));
}

#[tokio::test]
async fn only_what_ended_in_the_period_is_listed() {
    let world = world().await;
    let records = chain_of_three("01L", "spacelift:bob");
    let store = Store::in_directory(world.path("log"));
    store.put_chain(&chain_id("01L"), &records).await.unwrap();
    let period = [
        "audit",
        "report",
        "--since",
        "2025-04-25T10:04:09Z",
        "--until",
        "2025-04-25T10:04:10Z",
        "--format",
        "json",
    ];
    let report = world.run(&period).await.json();
    let listed: Vec<_> = report["executions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["stack"])
        .collect();
    assert_eq!(listed, ["database", "platform-api", "database", "platform-api"]);
    let before = [
        "audit",
        "report",
        "--since",
        "2025-03-01",
        "--until",
        "2025-04-01",
    ];
    let said = world.run(&before).await.ok();
    assert_eq!(
        said,
        "No stack of a chain ended from 2025-03-01 00:00 UTC to 2025-04-01 00:00 UTC.\n"
    );
    let said = world
        .run(&["audit", "report", "--since", "1d", "--until", "2d"])
        .await
        .failed(2);
    assert!(said.starts_with("error: the period is empty"), "{said}");
    let said = world
        .run(&["audit", "report", "--since", "lately"])
        .await
        .failed(2);
    assert!(said.contains("write 30d"), "{said}");
}
