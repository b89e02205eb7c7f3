//! What is measured: a delivery of 2 KiB, and accounts of any size.

pub mod scheduled;

use std::fmt::Display;
use std::str::FromStr;

use chain::signature::{WebhookSecret, WebhookSecrets, sign, verify};
use chain::{
    Chain, ChainSettings, CommitSha, Delivery, DependencyGraph, LabelGrammar, Refusal, Root, StackFacts,
    StackId, event,
};

/// How many bytes the delivery has.
pub const DELIVERY_BYTES: usize = 2048;

/// How many labels of each stack name a dependency.
pub const DEPENDENCIES: usize = 5;

const PAYLOAD: &str = include_str!("../../tests/fixtures/payloads/run_tracked_finished.json");

/// A signed delivery as Spacelift sends it, with a commit message that fills it up.
pub struct SignedDelivery {
    body: String,
    header: String,
    secrets: WebhookSecrets,
}

impl Default for SignedDelivery {
    fn default() -> Self {
        let message = "Resize the web tier";
        let padding = " and all".repeat(DELIVERY_BYTES);
        let body = PAYLOAD.replace(
            message,
            &format!("{message}{}", &padding[..DELIVERY_BYTES - PAYLOAD.len()]),
        );
        assert_eq!(body.len(), DELIVERY_BYTES, "the payload grew");
        let secrets: WebhookSecrets = match WebhookSecret::parse("0123456789abcdef0123456789abcdef") {
            Ok(secret) => secret.into(),
            Err(e) => panic!("{e}"),
        };
        Self {
            header: sign(body.as_bytes(), &secrets.current),
            body,
            secrets,
        }
    }
}

impl SignedDelivery {
    /// What the webhook does before it records anything.
    pub fn verify_and_parse(&self) -> Delivery {
        let body = self.body.as_bytes();
        if let Err(e) = verify(&[self.header.as_bytes()], body, &self.secrets) {
            panic!("{e}");
        }
        match event::parse(body) {
            Ok(delivery) => delivery,
            Err(e) => panic!("{e}"),
        }
    }
}

/// An account of `stacks` stacks, of which all depend on the first one, directly or not.
pub fn account(stacks: usize) -> Vec<StackFacts> {
    // Knuth's generator: any will do, if it is the same each time.
    let mut state = 1_u64;
    let mut below = move |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or(0) % limit
    };
    (0..stacks)
        .map(|stack| {
            let labels = if stack == 0 { 0 } else { DEPENDENCIES };
            StackFacts {
                id: stack_id(stack),
                name: format!("Stack {stack}"),
                space: None,
                labels: (0..labels)
                    .map(|_| format!("dependsOn:{}", stack_id(below(stack))))
                    .collect(),
                disabled: false,
                locked_by: None,
                repository: "acme/infra".to_owned(),
                branch: "main".to_owned(),
                tracked_commit: CommitSha::new("0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb"),
                autodeploy: true,
                native_dependencies: Vec::new(),
            }
        })
        .collect()
}

/// The graph of an account, and the chain after a run of its first stack.
pub fn graph_and_chain(account: Vec<StackFacts>) -> Result<Chain, Refusal> {
    let settings = ChainSettings {
        stacks_max: u32::MAX,
        bytes_max: u32::MAX,
        ..ChainSettings::default()
    };
    let graph = DependencyGraph::build(account, &LabelGrammar::default());
    chain::plan(&graph, &root(), &settings)
}

/// The first stack, which has run.
fn root() -> Root {
    Root {
        run: Some(parsed("01ROOT")),
        is_due: false,
        ..Root::requested(parsed("acme"), stack_id(0), "main")
    }
}

fn stack_id(stack: usize) -> StackId {
    parsed(&format!("stack-{stack:06}"))
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> T {
    match text.parse() {
        Ok(parsed) => parsed,
        Err(e) => panic!("{e}"),
    }
}
