//! Commands around the phases of a run.

use async_graphql::{InputObject, SimpleObject};

macro_rules! hooks {
    ($($phase:ident),+ $(,)?) => {
        /// The commands of each phase. There is none before the run.
        #[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject)]
        pub(crate) struct Hooks {
            $($phase: Vec<String>,)+
        }

        /// The same as input: the Terraform provider sends null for unset lists.
        #[derive(Debug, Clone, Default, InputObject)]
        pub(crate) struct HooksInput {
            $($phase: Option<Vec<String>>,)+
        }

        impl From<HooksInput> for Hooks {
            fn from(input: HooksInput) -> Self {
                Self { $($phase: input.$phase.unwrap_or_default(),)+ }
            }
        }
    };
}

hooks!(
    after_apply,
    before_apply,
    after_init,
    before_init,
    after_plan,
    before_plan,
    after_perform,
    before_perform,
    after_destroy,
    before_destroy,
    after_run,
);
