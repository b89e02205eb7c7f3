//! `--jq`: selects and reshapes a document as jq does. jq itself need not be installed.

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Native, Vars, compile, unwrap_valr};
use jaq_json::{Val, read};

type Filter = compile::Filter<Native<JustLut<Val>>>;

/// The argument `--jq`. It lives as long as the process, so that all that describes the output can be copied.
pub(crate) fn filter(text: &str) -> Result<&'static str, String> {
    parse(text)?;
    Ok(text.to_owned().leak())
}

/// The lines that a filter makes of a document: strings as they are, everything else as JSON.
pub(crate) fn apply(filter: &str, document: &[u8]) -> Result<Vec<String>, String> {
    let filter = parse(filter)?;
    let document = read::parse_single(document).map_err(|error| error.to_string())?;
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let values = filter.id.run((context, document)).map(unwrap_valr);
    values
        .map(|value| match value {
            Ok(Val::TStr(text) | Val::BStr(text)) => Ok(format!("{}\n", String::from_utf8_lossy(&text))),
            Ok(value) => Ok(format!("{value}\n")),
            Err(error) => Err(error.to_string()),
        })
        .collect()
}

fn parse(text: &str) -> Result<Filter, String> {
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(definitions)
        .load(&arena, File { code: text, path: () })
        .map_err(|errors| first(errors.iter().map(|(_, error)| malformed(error))))?;
    Compiler::default()
        .with_funs(functions)
        .compile(modules)
        .map_err(|errors| first(errors.iter().flat_map(|(_, errors)| errors).map(unknown)))
}

fn first(mut problems: impl Iterator<Item = String>) -> String {
    problems
        .next()
        .unwrap_or_else(|| "this is not a jq expression".to_owned())
}

fn malformed(error: &load::Error<&str>) -> String {
    let found = match error {
        load::Error::Io(_) => return "modules cannot be loaded here".to_owned(),
        load::Error::Lex(errors) => errors.first().map(|(expected, rest)| (expected.as_str(), *rest)),
        load::Error::Parse(errors) => errors.first().map(|(expected, rest)| (expected.as_str(), *rest)),
    };
    match found.unwrap_or_default() {
        (expected, "") => format!("expected {expected} at the end"),
        (expected, rest) => format!("expected {expected} at `{rest}`"),
    }
}

fn unknown((name, kind): &compile::Error<&str>) -> String {
    format!("there is no {} `{name}`", kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &[u8] = br#"{"items":[{"id":"vpc","runs":1},{"id":"db \u00e9","runs":2}]}"#;

    #[test]
    fn strings_are_printed_without_quotes_and_the_rest_as_json() {
        for (filter, lines) in [
            (".items[].id", "vpc\ndb \u{e9}\n"),
            (
                ".items[] | select(.runs > 1)",
                "{\"id\":\"db \u{e9}\",\"runs\":2}\n",
            ),
            (".items | length", "2\n"),
            ("[.items[].runs] | add", "3\n"),
            (".items[] | \"\\(.id): \\(.runs)\"", "vpc: 1\ndb \u{e9}: 2\n"),
            (".missing", "null\n"),
            ("empty", ""),
        ] {
            assert_eq!(apply(filter, DOCUMENT).unwrap().concat(), lines, "{filter}");
        }
    }

    #[test]
    fn a_filter_that_cannot_be_used_says_where() {
        for (text, problem) in [
            (".items[", "expected closing bracket at the end"),
            ("nope", "there is no filter `nope`"),
            (".a | $b", "there is no variable `$b`"),
            ("import \"a\" as a; .", "modules cannot be loaded here"),
        ] {
            assert_eq!(filter(text), Err(problem.to_owned()), "{text}");
        }
        let applied = apply(".items.id", DOCUMENT).unwrap_err();
        assert!(applied.starts_with("cannot index"), "{applied}");
    }
}
