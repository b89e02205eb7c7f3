//! `FreezeWorkflow`: while it is open, nothing that it covers is started.

use chain::AccountName;
use chain::freeze::Freeze;
use serde::{Deserialize, Serialize};

use settings::Timing;

/// Input of `FreezeWorkflow`. Its query `state` returns the freeze until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreezeInput {
    pub version: u32,
    pub account: AccountName,
    pub freeze: Freeze,
    pub timing: Timing,
}
