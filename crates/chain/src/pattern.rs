//! Patterns of names, as people write them in settings.

/// Whether a text matches a pattern in which `*` matches any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_matches_any_text() {
        for (pattern, text, expected) in [
            ("prod-*", "prod-network", true),
            ("prod-*", "prod-", true),
            ("prod-*", "staging-network", false),
            ("*-network", "prod-network", true),
            ("*", "anything", true),
            ("network", "network", true),
            ("network", "network-2", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
