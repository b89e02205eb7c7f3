//! `--apply` and `--dry-run`: commands that write show their changes first.

use clap::Args;

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Apply {
    /// Make the changes. Without it, they are only shown.
    #[arg(long)]
    apply: bool,
    /// Only show the changes, which is the default.
    #[arg(long, conflicts_with = "apply")]
    dry_run: bool,
}

impl Apply {
    /// As if `--apply` was given.
    pub(crate) const YES: Self = Self {
        apply: true,
        dry_run: false,
    };

    pub(crate) fn is_on(self) -> bool {
        self.apply && !self.dry_run
    }
}
