//! The report for spreadsheets: RFC 4180, and nothing in it is a formula.

use super::execution::Execution;
use crate::json::Time;

const HEAD: [&str; 13] = [
    "chain",
    "started_by",
    "root_stack",
    "root_run",
    "stack",
    "run",
    "commit",
    "outcome",
    "started_at",
    "ended_at",
    "duration_s",
    "reason_code",
    "reason",
];

pub(super) fn render(executions: &[Execution]) -> String {
    let mut text = line(&HEAD);
    for execution in executions {
        let time = |at: Option<Time>| at.map(|at| at.to_string()).unwrap_or_default();
        let reason = execution.reason.as_ref();
        text += &line(&[
            &execution.chain,
            execution.started_by.as_deref().unwrap_or_default(),
            execution.root_stack.as_deref().unwrap_or_default(),
            execution.root_run.as_deref().unwrap_or_default(),
            &execution.stack,
            execution.run.as_deref().unwrap_or_default(),
            execution.commit.as_deref().unwrap_or_default(),
            &execution.outcome,
            &time(execution.started_at),
            &time(execution.ended_at),
            &execution
                .duration_s
                .map(|seconds| seconds.0.to_string())
                .unwrap_or_default(),
            &reason.map(|reason| reason.code.to_string()).unwrap_or_default(),
            reason.map(|reason| reason.text.as_str()).unwrap_or_default(),
        ]);
    }
    text
}

fn line(fields: &[&str; HEAD.len()]) -> String {
    fields.map(field).join(",") + "\r\n"
}

/// A spreadsheet computes a cell that begins with one of these. Anyone who can push can choose names.
fn is_formula(text: &str) -> bool {
    text.starts_with(['\t', '\r', '\n'])
        || text
            .trim_start()
            .starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

fn field(text: &str) -> String {
    let harmless = if is_formula(text) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if harmless.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", harmless.replace('"', "\"\""))
    } else {
        harmless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_one_field_and_no_formula() {
        for (text, written) in [
            ("", ""),
            ("a b", "a b"),
            ("a,b", "\"a,b\""),
            ("say \"no\"\r\n", "\"say \"\"no\"\"\r\n\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2", "'-2"),
            (" +2", "' +2"),
            ("\ta", "'\ta"),
            ("＝1", "'＝1"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("a=b", "a=b"),
        ] {
            assert_eq!(field(text), written, "{text:?}");
        }
    }
}
