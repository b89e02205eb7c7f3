//! What is around every page.

use super::Dashboard;
use crate::visitor::Visitor;

/// The part of the dashboard to which a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Chains,
    Waiting,
    Graph,
    Health,
    Other,
}

/// The pages that every page links to.
pub(super) const PAGES: [(Section, &str, &str); 4] = [
    (Section::Chains, "/", "Chains"),
    (Section::Waiting, "/waiting", "Waiting for you"),
    (Section::Graph, "/graph", "Graph"),
    (Section::Health, "/status", "Health"),
];

/// A link at the top of each page.
pub(crate) struct Link {
    pub(crate) path: &'static str,
    pub(crate) words: &'static str,
    pub(crate) is_here: bool,
}

pub(crate) struct Frame {
    pub(crate) links: Vec<Link>,
    pub(crate) account: String,
    pub(crate) person: String,
    /// Whether the page offers actions.
    pub(crate) may_act: bool,
    /// What the form carries that signs the person out, if they have signed in.
    pub(crate) sign_out: Option<String>,
    pub(crate) is_halted: bool,
    /// The freeze that a person began, in words.
    pub(crate) freeze: Option<String>,
    /// How often the script asks for the page, in milliseconds.
    pub(crate) poll_ms: u32,
}

/// Often enough to watch; the server asks Temporal less often.
const POLL_OPEN_MS: u32 = 2_500;
const POLL_ENDED_MS: u32 = 15_000;

impl Dashboard {
    /// The frame of a page that may change at any moment, or of one that hardly does.
    pub(crate) async fn frame(&self, visitor: &Visitor, here: Section, is_open: bool) -> Frame {
        // Nothing is queried for this. If Temporal does not answer, the page itself says so.
        let (workflows, account) = (&self.config.workflows, &self.config.account);
        let (halted, freeze) = futures::join!(workflows.is_halted(account), workflows.freeze_words(account));
        Frame {
            links: PAGES
                .iter()
                .map(|&(section, path, words)| Link {
                    path,
                    words,
                    is_here: section == here,
                })
                .collect(),
            account: self.config.account.to_string(),
            person: visitor.name.clone(),
            may_act: visitor.may_act(),
            sign_out: visitor.has_signed_in.then(|| visitor.token.as_str().to_owned()),
            is_halted: halted.unwrap_or(false),
            freeze: freeze.unwrap_or(None),
            poll_ms: if is_open { POLL_OPEN_MS } else { POLL_ENDED_MS },
        }
    }
}
