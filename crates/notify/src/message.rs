//! What all messages about a chain have in common: words, links and lengths.

use chain::notice::NoticedStack;
use chain::{ChainResult, Notice, RunId, StackId, page};

/// Where people see more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The account in Spacelift, such as `https://acme.app.spacelift.io`.
    pub spacelift: Option<String>,
    /// Spillway's dashboard.
    pub dashboard: Option<String>,
}

impl Links {
    pub(crate) fn run(&self, stack: &StackId, run: Option<&RunId>) -> Option<String> {
        let base = self.spacelift.as_deref()?;
        Some(match run {
            Some(run) => page::run(base, stack, run),
            None => page::stack(base, stack),
        })
    }
}

/// A notice, ready to be put into a sink's own format.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) notice: &'a Notice,
    links: &'a Links,
    now_ms: i64,
}

impl<'a> Message<'a> {
    pub(crate) fn new(notice: &'a Notice, links: &'a Links, now_ms: i64) -> Self {
        Self {
            notice,
            links,
            now_ms,
        }
    }

    /// The state of the chain in a few words. A failure shows before the chain is over.
    pub(crate) fn word(&self) -> &'static str {
        match self.notice.result {
            ChainResult::Planning => "is being planned",
            ChainResult::Running if !self.notice.failed.is_empty() => "is failing",
            ChainResult::Running if !self.notice.held.is_empty() => "is waiting",
            ChainResult::Running => "is running",
            ChainResult::Paused => "is paused",
            ChainResult::Succeeded => "succeeded",
            ChainResult::Failed => "failed",
            ChainResult::Refused => "was refused",
            ChainResult::Cancelled => "was cancelled",
        }
    }

    pub(crate) fn tone(&self) -> Tone {
        match self.notice.result {
            ChainResult::Succeeded => Tone::Good,
            ChainResult::Failed | ChainResult::Refused => Tone::Bad,
            _ if !self.notice.failed.is_empty() => Tone::Bad,
            ChainResult::Paused | ChainResult::Cancelled => Tone::Attention,
            _ if !self.notice.held.is_empty() => Tone::Attention,
            _ => Tone::Neutral,
        }
    }

    /// The chain in one line of plain text.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.notice.root.stack, self.word())
    }

    /// The counts of its stacks, and how long it took.
    pub(crate) fn summary(&self) -> String {
        format!("{} · {}", self.notice.counts, self.elapsed())
    }

    pub(crate) fn elapsed(&self) -> String {
        let seconds = self.notice.elapsed_ms(self.now_ms) / 1000;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match (hours, minutes) {
            (0, 0) => format!("{seconds} s"),
            (0, _) => format!("{minutes} min {seconds} s"),
            _ => format!("{hours} h {minutes} min"),
        }
    }

    /// The commit, and who began the chain.
    pub(crate) fn origin(&self) -> String {
        let root = &self.notice.root;
        let mut text = match &root.commit {
            Some(commit) => format!("{} on {}", commit.short(), root.branch),
            None => format!("branch {}", root.branch),
        };
        if let Some(by) = &self.notice.by {
            text.push_str(" by ");
            text.push_str(by);
        }
        text
    }

    /// The chain on the dashboard, or the root's run in Spacelift.
    pub(crate) fn url(&self) -> Option<String> {
        match self.links.dashboard.as_deref() {
            Some(base) => Some(page::chain(base, &self.notice.chain)),
            None => self
                .links
                .run(&self.notice.root.stack, self.notice.root.run.as_ref()),
        }
    }

    pub(crate) fn url_of(&self, stack: &NoticedStack) -> Option<String> {
        self.links.run(&stack.stack, stack.run.as_ref())
    }

    /// Identifies this message at one sink.
    pub(crate) fn delivery_id(&self, sink: &str) -> String {
        format!("{}/{sink}/{}", self.notice.chain, self.notice.revision)
    }

    /// The whole message as plain text.
    pub(crate) fn plain(&self) -> String {
        let notice = self.notice;
        let mut lines = vec![self.title(), self.summary(), self.origin()];
        if let Some(reason) = &notice.reason {
            lines.push(reason.text.clone());
        }
        let sections = [
            ("Failed:", &notice.failed, notice.counts.failed),
            ("Waiting:", &notice.held, notice.held.len()),
        ];
        for (heading, stacks, count) in sections {
            if stacks.is_empty() {
                continue;
            }
            lines.extend([String::new(), heading.to_owned()]);
            for stack in stacks {
                lines.push(format!("  {}: {}", stack.stack, stack.text));
                lines.extend(self.url_of(stack).map(|url| format!("    {url}")));
            }
            if let Some(more) = more(stacks.len(), count) {
                lines.push(format!("  {more}"));
            }
        }
        if let Some(url) = self.url() {
            lines.extend([String::new(), url]);
        }
        lines.join("\n")
    }
}

/// The colour of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Neutral,
    Good,
    Attention,
    Bad,
}

/// How many entries a list leaves out.
pub(crate) fn more(listed: usize, count: usize) -> Option<String> {
    (count > listed).then(|| format!("and {} more", count - listed))
}

/// The beginning of a text, with `…` if something is missing.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters_max.saturating_sub(1)).collect();
    format!("{kept}…")
}
