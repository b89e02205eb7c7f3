//! As much of CloudWatch's metric math as the alarms use, for one period.

use std::iter::Peekable;
use std::vec::IntoIter;

use serde_json::Value;

use super::text;

/// The value of the only metric that an alarm returns. `None` if it has no value in the period.
pub(super) fn result(metrics: &Value, sum: impl Fn(&Value) -> Option<f64>) -> Option<f64> {
    let metrics = metrics.as_array().unwrap();
    let mut returned = metrics.iter().filter(|one| one["ReturnData"] != false);
    let (Some(metric), None) = (returned.next(), returned.next()) else {
        panic!("an alarm has one result: {metrics:?}")
    };
    value(metric, metrics, &sum)
}

fn value(metric: &Value, all: &[Value], sum: &dyn Fn(&Value) -> Option<f64>) -> Option<f64> {
    let Some(expression) = metric["Expression"].as_str() else {
        return sum(&metric["MetricStat"]["Metric"]);
    };
    let named = |id: &str| {
        let metric = all.iter().find(|one| one["Id"] == id);
        value(metric.unwrap_or_else(|| panic!("{id} of {expression}")), all, sum)
    };
    let mut parser = Parser {
        tokens: tokens(expression).into_iter().peekable(),
        named: &named,
    };
    let value = parser.operation(0);
    assert_eq!(parser.tokens.next(), None, "{expression}");
    value
}

fn tokens(expression: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for symbol in expression.chars() {
        let is_word = symbol.is_alphanumeric() || symbol == '.';
        match tokens.last_mut() {
            Some(last) if is_word && last.ends_with(|it: char| it.is_alphanumeric() || it == '.') => {
                last.push(symbol);
            }
            Some(last) if symbol == '=' && [">", "<"].contains(&last.as_str()) => last.push(symbol),
            _ => tokens.push(symbol.to_string()),
        }
    }
    tokens.retain(|token| token != " ");
    tokens
}

/// The operators, those that bind least first.
const OPERATORS: [&[&str]; 4] = [&["AND"], &[">", ">="], &["+", "-"], &["*", "/"]];

struct Parser<'a> {
    tokens: Peekable<IntoIter<String>>,
    named: &'a dyn Fn(&str) -> Option<f64>,
}

impl Parser<'_> {
    fn operation(&mut self, level: usize) -> Option<f64> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.operand();
        };
        let mut left = self.operation(level + 1);
        while let Some(operator) = self.tokens.next_if(|token| operators.contains(&token.as_str())) {
            let right = self.operation(level + 1);
            left = left.zip(right).map(|(left, right)| match operator.as_str() {
                "AND" => truth(left != 0.0 && right != 0.0),
                ">" => truth(left > right),
                ">=" => truth(left >= right),
                "+" => left + right,
                "-" => left - right,
                "*" => left * right,
                _ => left / right,
            });
        }
        left
    }

    fn operand(&mut self) -> Option<f64> {
        let token = self.tokens.next().unwrap();
        match token.as_str() {
            "FILL" => {
                let [value, otherwise] = self.arguments();
                value.or(otherwise)
            }
            "IF" => {
                let [condition, then, otherwise] = self.arguments();
                if condition? == 0.0 { otherwise } else { then }
            }
            "(" => {
                let value = self.operation(0);
                self.expect(")");
                value
            }
            number if number.starts_with(|it: char| it.is_ascii_digit()) => Some(number.parse().unwrap()),
            id => (self.named)(id),
        }
    }

    fn arguments<const N: usize>(&mut self) -> [Option<f64>; N] {
        self.expect("(");
        let arguments = std::array::from_fn(|at| {
            if at > 0 {
                self.expect(",");
            }
            self.operation(0)
        });
        self.expect(")");
        arguments
    }

    fn expect(&mut self, token: &str) {
        assert_eq!(self.tokens.next().as_deref(), Some(token));
    }
}

fn truth(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

#[test]
fn expressions_are_evaluated() {
    let named = |id: &str| (id == "known").then_some(3.0);
    for (expression, expected) in [
        ("1 + 2 * 3 - 4 / 2", Some(5.0)),
        ("(1 + 2) * 3", Some(9.0)),
        ("known + unknown", None),
        ("FILL(unknown, 0) + known", Some(3.0)),
        ("IF(known >= 3 AND known > 2, known / 2, 0)", Some(1.5)),
        ("IF(unknown > 2, 1, 0)", None),
    ] {
        let metrics = serde_json::json!([
            {"Id": "result", "Expression": expression},
            {"Id": "known", "ReturnData": false, "MetricStat": {"Metric": "known"}},
            {"Id": "unknown", "ReturnData": false, "MetricStat": {"Metric": "unknown"}},
        ]);
        assert_eq!(
            result(&metrics, |metric| named(&text(metric))),
            expected,
            "{expression}"
        );
    }
}
