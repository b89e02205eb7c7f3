//! Texts of errors, with or without the layers around their cause.

use std::error::Error;

/// An error and all its causes, separated by colons. The outermost error alone often says little.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// The innermost cause of an error.
pub fn root_cause(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the port cannot be read")]
    struct PortError(#[source] std::num::ParseIntError);

    #[test]
    fn the_causes_follow_the_error() {
        let error = PortError("x".parse::<u16>().unwrap_err());
        assert_eq!(
            with_causes(&error),
            "the port cannot be read: invalid digit found in string"
        );
        assert_eq!(root_cause(&error), "invalid digit found in string");
    }
}
