//! Spacelift's rule for the id of an object with a name.

use crate::model::refusal::Refusal;

/// Lower case. Each sequence of other characters becomes one hyphen, with none at the ends.
pub(crate) fn slug(what: &'static str, name: &str) -> Result<String, Refusal> {
    let words: Vec<String> = name
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() {
        return Err(Refusal::NoSlug {
            what,
            name: name.to_owned(),
        });
    }
    Ok(words.join("-"))
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_is_lower_case_words_with_hyphens() {
        assert_eq!(
            slug("stack", "Prod network / eu-west-1!").unwrap(),
            "prod-network-eu-west-1"
        );
        assert_eq!(slug("stack", "app_config").unwrap(), "app_config");
        assert!(slug("stack", " -- ").is_err());
    }
}
