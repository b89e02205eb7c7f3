//! Spacelift's native dependencies: a waiting run is canceled with its upstream, or skipped if nothing changed for it.

use chain::RunState;
use mock_spacelift::{MockSpacelift, NewStack};

use crate::still_account;

/// `db` natively depends on `vpc`, and `web` on `db`.
fn row(autodeploy: bool) -> MockSpacelift {
    let mock = still_account();
    mock.add_stack(NewStack::named("vpc").autodeploy(autodeploy));
    mock.add_stack(NewStack::named("db").native_dependency("vpc"));
    mock.add_stack(NewStack::named("web").native_dependency("db"));
    mock
}

fn states(mock: &MockSpacelift) -> String {
    let runs = mock.runs();
    let states = runs.iter().map(|run| run.state.as_str());
    states.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_failed_upstream_cancels_the_runs_that_wait_for_it() {
    type End = fn(&MockSpacelift, &chain::RunId);
    let table: [(&str, End); 4] = [
        ("DISCARDED", |mock, run| mock.discard(run, "alice")),
        ("STOPPED", |mock, run| mock.stop(run, "alice")),
        ("FAILED", |mock, run| {
            mock.confirm(run, "alice");
        }),
        ("CANCELED", |mock, run| mock.cancel(run, "alice")),
    ];
    for (state, end) in table {
        let mock = row(false);
        if state == "FAILED" {
            mock.fail_next_in("vpc", RunState::Applying);
        }
        let run = mock.push("vpc");
        if state != "CANCELED" {
            mock.settle();
            assert_eq!(states(&mock), "UNCONFIRMED QUEUED QUEUED", "{state}");
        }
        end(&mock, &run);
        mock.settle();
        assert_eq!(states(&mock), format!("{state} CANCELED CANCELED"));
    }
}

#[test]
fn a_reference_skips_the_run_unless_its_output_changed_or_it_always_triggers() {
    // The result of vpc, whether the reference always triggers, and the results of db and web.
    let table = [
        ("changes outputs", false, "FINISHED FINISHED"),
        ("changes no outputs", false, "SKIPPED SKIPPED"),
        ("changes no outputs", true, "FINISHED FINISHED"),
        ("changes nothing", false, "SKIPPED SKIPPED"),
        ("is skipped", false, "SKIPPED SKIPPED"),
        ("is skipped", true, "FINISHED FINISHED"),
        ("fails", true, "CANCELED CANCELED"),
    ];
    for (vpc, always, expected) in table {
        let mock = still_account();
        let stack = NewStack::named("vpc");
        mock.add_stack(if vpc == "changes nothing" {
            stack.no_changes()
        } else {
            stack
        });
        mock.add_stack(NewStack::named("db"));
        mock.add_stack(NewStack::named("web").native_dependency("db"));
        mock.refer_to_output("db", "vpc", always);
        match vpc {
            "changes no outputs" => mock.outputs_change("vpc", false),
            "is skipped" => mock.skip_next("vpc"),
            "fails" => mock.fail_next("vpc"),
            _ => {}
        }
        mock.push("vpc");
        mock.settle();
        let (_, downstream) = states(&mock)
            .split_once(' ')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(downstream, expected, "vpc {vpc}, always: {always}");
    }
}

#[test]
fn a_run_of_the_push_itself_is_never_skipped() {
    let mock = still_account();
    mock.add_stack(NewStack::named("vpc").outputs_unchanged());
    mock.add_stack(NewStack::named("db"));
    mock.refer_to_output("db", "vpc", false);
    mock.push_to("acme/infra");
    mock.settle();
    assert_eq!(states(&mock), "FINISHED FINISHED");
}

#[test]
fn one_upstream_that_changed_is_enough() {
    let mock = still_account();
    for name in ["vpc", "dns"] {
        mock.add_stack(NewStack::named(name));
    }
    mock.add_stack(NewStack::named("db").repository("acme/data"));
    mock.refer_to_output("db", "vpc", false);
    mock.refer_to_output("db", "dns", false);
    mock.outputs_change("vpc", false);
    mock.push_to("acme/infra");
    mock.settle();
    assert_eq!(states(&mock), "FINISHED FINISHED FINISHED");
    mock.outputs_change("dns", false);
    mock.push_to("acme/infra");
    mock.settle();
    assert_eq!(
        states(&mock),
        "FINISHED FINISHED FINISHED FINISHED FINISHED SKIPPED"
    );
}
