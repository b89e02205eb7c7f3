//! Collects what is wrong with a configuration, so that a failed start names all of it.

use std::error::Error;
use std::fmt;

use chain::error_text::with_causes;

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    pub fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Returns the value, or adds the error with its causes.
    pub fn check<T>(&mut self, read: Result<T, impl Into<Box<dyn Error>>>) -> Option<T> {
        read.map_err(|error| self.0.push(with_causes(&*error.into())))
            .ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<T: Into<String>> From<T> for Problems {
    fn from(problem: T) -> Self {
        Self(vec![problem.into()])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the port cannot be read")]
    struct PortError(#[from] std::num::ParseIntError);

    #[test]
    fn errors_are_collected_with_their_causes() {
        let mut problems = Problems::default();
        assert!(problems.is_empty());
        assert_eq!(problems.check("1".parse::<u16>().map_err(PortError)), Some(1));
        assert_eq!(problems.check("x".parse::<u16>().map_err(PortError)), None);
        assert_eq!(problems.check::<u16>(Err("`HOST` is not set".to_owned())), None);
        problems.add("`PATH` is empty");
        let expected =
            "the port cannot be read: invalid digit found in string\n`HOST` is not set\n`PATH` is empty";
        assert_eq!(problems.to_string(), expected);
    }

    #[test]
    fn a_text_is_one_problem() {
        assert_eq!(
            Problems::from("`PATH` is empty").iter().collect::<Vec<_>>(),
            ["`PATH` is empty"]
        );
    }
}
