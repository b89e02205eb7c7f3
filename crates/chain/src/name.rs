//! Values that are written as one of a few names.

use std::fmt;

use strum::VariantNames;

/// A text that is none of the names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    text: String,
    names: &'static [&'static str],
}

impl UnknownName {
    pub(crate) fn of<T: VariantNames>(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            names: T::VARIANTS,
        }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is ", self.text)?;
        match self.names {
            [one, other] => write!(f, "neither `{one}` nor `{other}`"),
            [first @ .., last] => write!(f, "none of `{}` and `{last}`", first.join("`, `")),
            [] => Ok(()),
        }
    }
}

impl std::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use strum::VariantNames;

    use crate::{Confirm, Downstream, NoChange, OnFailure, UnknownUpstream};

    /// Each name is read as what prints it, and another text is an error that lists the names.
    #[track_caller]
    fn reads<T: VariantNames + std::str::FromStr<Err = super::UnknownName> + ToString>(error: &str) {
        for name in T::VARIANTS {
            assert_eq!(
                name.parse::<T>().map(|value| value.to_string()),
                Ok((*name).to_owned())
            );
        }
        assert_eq!("x".parse::<T>().map(|_| ()).unwrap_err().to_string(), error);
    }

    #[test]
    fn every_name_is_read_and_another_text_is_an_error() {
        reads::<Confirm>("`x` is neither `spacelift` nor `chain`");
        reads::<Downstream>("`x` is neither `all` nor `changed`");
        reads::<NoChange>("`x` is neither `run` nor `skip`");
        reads::<OnFailure>("`x` is none of `skip-downstream`, `stop` and `continue`");
        reads::<UnknownUpstream>("`x` is neither `skip` nor `ignore`");
    }
}
