//! GraphQL documents that Spacelift's server accepts although the specification does not.

/// Removes empty argument lists, as in `spaces(){id}`, outside of strings and comments: the Terraform provider sends
/// them.
pub(crate) fn without_empty_arguments(document: &str) -> String {
    let mut kept = String::with_capacity(document.len());
    let mut rest = document;
    while let Some(next) = rest.chars().next() {
        let token = token_length(rest);
        if next == '('
            && let Some(length) = empty_arguments(rest)
        {
            rest = &rest[length..];
            continue;
        }
        kept.push_str(&rest[..token]);
        rest = &rest[token..];
    }
    kept
}

/// The length of the string, comment or single character at the start of a non-empty text.
fn token_length(text: &str) -> usize {
    if text.starts_with("\"\"\"") {
        return block_string_length(text);
    }
    if text.starts_with('"') {
        return string_length(text);
    }
    if text.starts_with('#') {
        return text.find(['\n', '\r']).unwrap_or(text.len());
    }
    text.chars().next().map_or(0, char::len_utf8)
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn block_string_length(text: &str) -> usize {
    let mut index = 3;
    while let Some(offset) = text[index..].find("\"\"\"") {
        let quote = index + offset;
        index = quote + 3;
        if !text[..quote].ends_with('\\') {
            return index;
        }
    }
    text.len()
}

/// The length from `(` to `)` if only white space, commas and comments are in between.
fn empty_arguments(text: &str) -> Option<usize> {
    let mut index = 1;
    loop {
        let rest = &text[index..];
        match rest.chars().next()? {
            ')' => return Some(index + 1),
            '#' => index += token_length(rest),
            character if character.is_whitespace() || character == ',' => index += character.len_utf8(),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without_empty_arguments;

    #[test]
    fn only_empty_argument_lists_are_removed() {
        let table = [
            ("{spaces(){id}}", "{spaces{id}}"),
            ("{ spaces( , ) { id } }", "{ spaces { id } }"),
            ("{ spaces( # none )\n ) { id } }", "{ spaces { id } }"),
            ("{ stack(id: \"()\") { id } }", "{ stack(id: \"()\") { id } }"),
            (r#"{ a(b: "\"()") c() }"#, r#"{ a(b: "\"()") c }"#),
            (
                "{ a(b: \"\"\" () \\\"\"\" () \"\"\") }",
                "{ a(b: \"\"\" () \\\"\"\" () \"\"\") }",
            ),
            ("{ a # spaces()\n b() }", "{ a # spaces()\n b }"),
            ("{ a(", "{ a("),
            ("{ a(b: \"", "{ a(b: \""),
            ("{ ☃() }", "{ ☃ }"),
        ];
        for (document, expected) in table {
            assert_eq!(without_empty_arguments(document), expected, "{document}");
        }
    }
}
