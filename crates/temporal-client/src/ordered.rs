//! Who orders something, and why.

/// A person who orders something, as the audit log names them, with the reason that they give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    pub by: String,
    pub reason: Option<String>,
}

impl From<&str> for Ordered {
    fn from(by: &str) -> Self {
        Self {
            by: by.to_owned(),
            reason: None,
        }
    }
}

impl From<&String> for Ordered {
    fn from(by: &String) -> Self {
        Self::from(by.as_str())
    }
}
