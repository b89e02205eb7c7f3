//! A git push as a test or a person describes it.

use crate::model::stack::Stack;

/// A push of one commit to a branch: `Push::to("acme/infra").touching_paths(["network/main.tf"])`.
#[derive(Debug, Clone)]
pub struct Push {
    pub(crate) repository: String,
    pub(crate) branch: Option<String>,
    pub(crate) hash: Option<String>,
    pub(crate) message: String,
    pub(crate) author: String,
    pub(crate) timestamp: Option<i64>,
    pub(crate) touched: Touched,
}

/// Which of the stacks that track the branch are affected by a push.
#[derive(Debug, Clone)]
pub(crate) enum Touched {
    All,
    Paths(Vec<String>),
    Stacks(Vec<String>),
}

impl Push {
    /// A push to `owner/name` that affects every stack of the repository, to the branch that they track.
    pub fn to(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            branch: None,
            hash: None,
            message: "A change".to_owned(),
            author: "Alice".to_owned(),
            timestamp: None,
            touched: Touched::All,
        }
    }

    #[must_use]
    pub fn branch(mut self, branch: &str) -> Self {
        self.branch = Some(branch.to_owned());
        self
    }

    /// The hash of the commit. A commit that was pushed before keeps its timestamp.
    #[must_use]
    pub fn commit(mut self, sha: &str) -> Self {
        self.hash = Some(sha.to_owned());
        self
    }

    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// The author of the commit.
    #[must_use]
    pub fn author(mut self, name: &str) -> Self {
        name.clone_into(&mut self.author);
        self
    }

    /// When the commit was made, in Unix seconds. The default is now, or the time of the branch's head if that is
    /// later.
    #[must_use]
    pub fn at(mut self, seconds: i64) -> Self {
        self.timestamp = Some(seconds);
        self
    }

    /// Only stacks whose project root contains one of these files. A stack without a project root contains all.
    #[must_use]
    pub fn touching_paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.touched = Touched::Paths(paths.into_iter().map(Into::into).collect());
        self
    }

    /// Only these stacks. If there are none, the commit is pushed and nothing runs.
    #[must_use]
    pub fn touching_stacks<S: Into<String>>(mut self, stacks: impl IntoIterator<Item = S>) -> Self {
        self.touched = Touched::Stacks(stacks.into_iter().map(Into::into).collect());
        self
    }

    /// Whether it affects a stack that tracks its branch.
    pub(crate) fn touches(&self, stack: &Stack) -> bool {
        match &self.touched {
            Touched::All => true,
            Touched::Stacks(stacks) => stacks.iter().any(|id| id == stack.id.as_str()),
            Touched::Paths(paths) => {
                let root = stack.settings.project_root.as_deref().unwrap_or_default();
                paths.iter().any(|path| contains(root, path))
            }
        }
    }
}

impl From<&str> for Push {
    fn from(repository: &str) -> Self {
        Self::to(repository)
    }
}

/// Whether a file is below a project root.
fn contains(root: &str, path: &str) -> bool {
    let root = root.trim_matches('/');
    let below = path.trim_start_matches('/').strip_prefix(root);
    root.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_project_root_contains_what_is_below_it() {
        let table = [
            ("", "anything.tf", true),
            ("network", "network/main.tf", true),
            ("/network/", "network/modules/a.tf", true),
            ("network", "/network/main.tf", true),
            ("network", "network", true),
            ("network", "networking/main.tf", false),
            ("network", "modules/network/main.tf", false),
            ("a/b", "a/b/c.tf", true),
            ("a/b", "a/c.tf", false),
        ];
        for (root, path, expected) in table {
            assert_eq!(contains(root, path), expected, "{path} in {root}");
        }
    }
}
