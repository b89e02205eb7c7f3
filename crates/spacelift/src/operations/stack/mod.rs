//! Stacks.

mod create;
mod delete;
mod facts;
mod lock;
mod new;
mod removal;
mod resources;
mod search;
mod settings;
mod show;
mod unlock;
mod update;
mod with_runs;

pub use new::{NewStack, VendorConfig};

use chain::{CommitSha, RunState, SpaceId, StackId};

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::show::stack::StackFields;
use self::show::stack::{StackFieldsDependsOn, StackFieldsVendorConfig as Config};
use super::id;
use crate::Run;
use crate::transport::Unusable;

/// A stack: the fields that chains need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    pub id: StackId,
    pub name: String,
    pub description: Option<String>,
    pub space: SpaceId,
    pub labels: Vec<String>,
    /// The last part of the repository's name; `namespace` is the part before it.
    pub repository: String,
    pub namespace: Option<String>,
    pub branch: String,
    pub administrative: bool,
    pub autodeploy: bool,
    pub is_disabled: bool,
    /// The current state of its newest tracked run; `NONE` if there is no run.
    pub state: RunState,
    /// `None` if nobody holds the lock.
    pub lock: Option<Lock>,
    /// The commit of a tracked run that is triggered without a commit.
    pub tracked_commit: Option<CommitSha>,
    /// When the tracked commit was made, in seconds since 1970. `None` if Spacelift does not say.
    pub tracked_commit_timestamp: Option<i64>,
    /// The native dependencies, which are not labels.
    pub depends_on: Vec<NativeDependency>,
    /// `None` if Spacelift does not say.
    pub vendor: Option<Vendor>,
}

/// A stack and its newest tracked runs, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackWithRuns {
    pub stack: Stack,
    /// Newest first, with their history. One page, of the size that Spacelift chooses: [`Spacelift::runs`] reads more.
    ///
    /// [`Spacelift::runs`]: crate::Spacelift::runs
    pub runs: Vec<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub by: String,
    /// Seconds since 1970.
    pub at: Option<i64>,
    pub note: Option<String>,
}

/// A native dependency of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeDependency {
    /// The id of the dependency itself.
    pub id: String,
    pub depends_on: StackId,
}

/// The tool that a stack runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Vendor {
    OpenTofu,
    Terraform,
    Terragrunt,
    Pulumi,
    CloudFormation,
    Kubernetes,
    Ansible,
    /// A tool that this version does not know.
    Unknown,
}

impl Stack {
    pub(super) fn from_fields(stack: StackFields) -> Result<Self, Unusable> {
        let (at, note) = (stack.locked_at, stack.lock_note);
        let dependency = |dependency: StackFieldsDependsOn| -> Result<_, Unusable> {
            Ok(NativeDependency {
                id: dependency.id,
                depends_on: id(dependency.depends_on_stack_id)?,
            })
        };
        Ok(Self {
            id: id(stack.id)?,
            name: stack.name,
            description: stack.description,
            space: id(stack.space)?,
            labels: stack.labels,
            repository: stack.repository,
            namespace: stack.namespace.filter(|text| !text.is_empty()),
            branch: stack.branch,
            administrative: stack.administrative,
            autodeploy: stack.autodeploy,
            is_disabled: stack.is_disabled,
            state: stack.state,
            lock: stack
                .locked_by
                .filter(|by| !by.is_empty())
                .map(|by| Lock { by, at, note }),
            tracked_commit_timestamp: stack.tracked_commit.as_ref().and_then(|commit| commit.timestamp),
            tracked_commit: stack
                .tracked_commit
                .and_then(|commit| CommitSha::new(commit.hash)),
            depends_on: stack
                .depends_on
                .into_iter()
                .map(dependency)
                .collect::<Result<_, _>>()?,
            vendor: stack.vendor_config.map(|config| match config {
                Config::StackConfigVendorOpenTofu => Vendor::OpenTofu,
                Config::StackConfigVendorTerraform => Vendor::Terraform,
                Config::StackConfigVendorTerragrunt => Vendor::Terragrunt,
                Config::StackConfigVendorPulumi => Vendor::Pulumi,
                Config::StackConfigVendorCloudFormation => Vendor::CloudFormation,
                Config::StackConfigVendorKubernetes => Vendor::Kubernetes,
                Config::StackConfigVendorAnsible => Vendor::Ansible,
                Config::Unknown => Vendor::Unknown,
            }),
        })
    }
}

/// Plain text: only Spacelift has to know the values.
type VCSProvider = String;
