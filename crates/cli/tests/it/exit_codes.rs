//! Exit codes: each pair of a command and a cause.

use std::path::Path;

use futures::{StreamExt, stream};

use crate::world::World;

/// How many commands run at the same time.
const PARALLEL: usize = 4;

/// What a command needs to do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Spacelift,
    Temporal,
    /// Spacelift and Temporal.
    Both,
    /// The account in memory.
    Mock,
}

const CHAIN: &str = "chain:acme:01JSMHTFM9TXWW1XK4AZN1SA8K";

/// Every command, as somebody might type it. `CHAIN` stands for the id of a chain.
const COMMANDS: &[(Needs, &str)] = &[
    (Needs::Temporal, "chain list"),
    (Needs::Temporal, "chain show CHAIN"),
    (Needs::Temporal, "chain watch CHAIN"),
    (Needs::Both, "chain start vpn"),
    (Needs::Both, "chain retry CHAIN --yes"),
    (Needs::Both, "chain approve CHAIN"),
    (Needs::Both, "chain pause CHAIN"),
    (Needs::Both, "chain resume CHAIN"),
    (Needs::Both, "chain cancel CHAIN"),
    (Needs::Spacelift, "stack list"),
    (Needs::Spacelift, "stack show vpn"),
    (Needs::Spacelift, "stack depend vpn --on backoffice"),
    (Needs::Both, "stack why vpn"),
    (Needs::Both, "stack done vpn"),
    (Needs::Both, "stack release vpn"),
    (Needs::Spacelift, "stack create new --repository acme/new"),
    (Needs::Spacelift, "stack delete vpn --yes"),
    (Needs::Spacelift, "run list vpn"),
    (Needs::Spacelift, "run show vpn 01JSMHTFM9TXWW1XK4AZN1SA8K"),
    (Needs::Spacelift, "run trigger vpn"),
    (Needs::Spacelift, "run confirm vpn 01JSMHTFM9TXWW1XK4AZN1SA8K"),
    (Needs::Spacelift, "run discard vpn 01JSMHTFM9TXWW1XK4AZN1SA8K"),
    (Needs::Both, "request show change-42"),
    (Needs::Both, "schedule show"),
    (Needs::Both, "schedule watch"),
    (Needs::Both, "schedule rebuild"),
    (Needs::Both, "halt"),
    (Needs::Both, "go"),
    (Needs::Both, "freeze now --for 1h --reason audit"),
    (Needs::Both, "freeze show"),
    (Needs::Both, "thaw"),
    (Needs::Both, "waiting"),
    (Needs::Spacelift, "plan vpn"),
    (Needs::Spacelift, "impact vpn"),
    (Needs::Spacelift, "destroy-plan vpn"),
    (Needs::Spacelift, "lint"),
    (Needs::Spacelift, "doctor"),
    (Needs::Spacelift, "migrate native"),
    (Needs::Spacelift, "export terraform"),
    (Needs::Nothing, "audit verify"),
    (Needs::Nothing, "audit manifest --key key.pem"),
    (Needs::Nothing, "audit report"),
    (Needs::Nothing, "sink list"),
    (Needs::Nothing, "sink test ops"),
    (Needs::Nothing, "sink preview"),
    (
        Needs::Spacelift,
        "webhook install --endpoint https://x.example/webhook",
    ),
    (Needs::Nothing, "webhook policy"),
    (Needs::Nothing, "webhook send body.json"),
    (
        Needs::Nothing,
        "webhook replay --queue https://sqs.eu-west-1.amazonaws.com/1/q",
    ),
    (Needs::Spacelift, "space list"),
    (Needs::Spacelift, "space show root"),
    (Needs::Spacelift, "space create new"),
    (Needs::Spacelift, "space delete new --yes"),
    (Needs::Spacelift, "context list"),
    (Needs::Spacelift, "context show shared"),
    (Needs::Spacelift, "context create shared"),
    (Needs::Spacelift, "context delete shared --yes"),
    (Needs::Spacelift, "blueprint list"),
    (Needs::Spacelift, "blueprint show service"),
    (Needs::Spacelift, "blueprint deploy service"),
    (Needs::Spacelift, "query {name}"),
    (Needs::Both, "dashboard --listen 127.0.0.1:0"),
    (Needs::Nothing, "dev"),
    (Needs::Nothing, "demo"),
    (Needs::Nothing, "mock serve"),
    (Needs::Mock, "mock push --stack vpn"),
    (Needs::Mock, "mock trigger vpn"),
    (Needs::Mock, "mock retry vpn"),
    (Needs::Mock, "mock confirm vpn"),
    (Needs::Mock, "mock discard vpn"),
    (Needs::Mock, "mock stop vpn"),
    (Needs::Mock, "mock fail vpn"),
    (Needs::Mock, "mock skip vpn"),
    (Needs::Mock, "mock lock vpn"),
    (Needs::Mock, "mock unlock vpn"),
    (Needs::Mock, "mock disable vpn"),
    (Needs::Mock, "mock enable vpn"),
    (Needs::Mock, "mock outputs vpn change"),
    (Needs::Mock, "mock workers absent"),
    (Needs::Mock, "mock revoke-space root"),
    (Needs::Mock, "mock grant-space root"),
    (Needs::Mock, "mock fault unauthorized"),
    (Needs::Mock, "mock log"),
    (Needs::Nothing, "completion bash"),
    (Needs::Nothing, "codec-server"),
];

/// What goes wrong, for which commands, how it comes about, and the exit code.
struct Cause {
    what: &'static str,
    meets: &'static [Needs],
    /// A variable, and its value; it is not set without one.
    variable: (&'static str, Option<&'static str>),
    exit: i32,
}

const CAUSES: &[Cause] = &[
    Cause {
        what: "no account is set",
        meets: &[Needs::Spacelift, Needs::Both],
        variable: ("SPACELIFT_BASE_URL", None),
        exit: 3,
    },
    Cause {
        what: "the key is wrong",
        meets: &[Needs::Spacelift, Needs::Both],
        variable: ("SPACELIFT_KEY_SECRET", Some("wrong")),
        exit: 4,
    },
    Cause {
        what: "Spacelift cannot be reached",
        meets: &[Needs::Spacelift, Needs::Both],
        variable: ("SPACELIFT_BASE_URL", Some("http://127.0.0.1:1")),
        exit: 5,
    },
    Cause {
        what: "the account is not that of the key",
        meets: &[Needs::Both],
        variable: ("SPILLWAY_ACCOUNT", Some("acmee")),
        exit: 3,
    },
    Cause {
        what: "the address of Temporal is wrong",
        meets: &[Needs::Temporal, Needs::Both],
        variable: ("TEMPORAL_ADDRESS", Some("host:port:more")),
        exit: 3,
    },
    Cause {
        what: "Temporal cannot be reached",
        meets: &[Needs::Temporal, Needs::Both],
        variable: ("TEMPORAL_ADDRESS", Some("127.0.0.1:1")),
        exit: 5,
    },
    Cause {
        what: "a parameter is wrong",
        meets: &[Needs::Temporal, Needs::Both],
        variable: ("SPILLWAY_PARALLEL_RUNS", Some("many")),
        exit: 3,
    },
    Cause {
        what: "the account in memory cannot be reached",
        meets: &[Needs::Mock],
        variable: ("SPACELIFT_BASE_URL", Some("http://127.0.0.1:1")),
        exit: 5,
    },
    Cause {
        what: "the profile does not exist",
        meets: &[
            Needs::Nothing,
            Needs::Spacelift,
            Needs::Temporal,
            Needs::Both,
            Needs::Mock,
        ],
        variable: ("SPILLWAY_PROFILE", Some("nobody")),
        exit: 3,
    },
];

fn words(command: &str) -> Vec<&str> {
    let words = command.split_whitespace();
    words
        .map(|word| if word == "CHAIN" { CHAIN } else { word })
        .collect()
}

#[tokio::test]
async fn each_command_and_each_cause_have_their_exit_code() {
    let world = World::acme().await;
    let pairs = COMMANDS.iter().flat_map(|(needs, command)| {
        // `doctor` also asks Temporal, which cannot be reached here, and says that first.
        let is_hidden = |cause: &&Cause| *command == "doctor" && cause.exit == 4;
        let causes = CAUSES.iter().filter(|cause| cause.meets.contains(needs));
        causes
            .filter(move |cause| !is_hidden(cause))
            .map(move |cause| (*command, cause))
    });
    let run = async |(command, cause): (&str, &Cause)| {
        let mut process = world.command(&words(command));
        match cause.variable {
            (name, Some(value)) => process.env(name, value),
            (name, None) => process.env_remove(name),
        };
        let output = process.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // `doctor` reports what it finds.
        let is_error = said.starts_with("error: ") || command == "doctor";
        let is_expected = output.status.code() == Some(cause.exit) && is_error;
        (!is_expected).then(|| format!("{command}: {}: {}\n{said}", cause.what, output.status))
    };
    let wrong: Vec<Option<String>> = stream::iter(pairs).map(run).buffered(PARALLEL).collect().await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        world.account.runs().is_empty(),
        "a command did something all the same"
    );
}

#[tokio::test]
async fn an_unknown_option_is_a_usage_error_of_each_command() {
    let world = World::acme().await;
    let run = async |(_, command): &(Needs, &str)| {
        let arguments = [&words(command)[..], &["--no-such-option"]].concat();
        let ran = world.run(&arguments).await;
        (ran.status != 2).then(|| format!("{command}: {}", ran.stderr))
    };
    let wrong: Vec<Option<String>> = stream::iter(COMMANDS).map(run).buffered(PARALLEL).collect().await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(world.account.requests().is_empty());
}

#[test]
fn every_command_is_in_the_table() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/commands.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let mut missing = Vec::new();
    for section in text.split("\n### spillway ").skip(1) {
        let (name, help) = section.split_once('\n').unwrap();
        let is_group = help.contains("\nCommands:\n");
        let is_listed = COMMANDS.iter().any(|(_, command)| {
            let rest = command.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        if !is_group && !is_listed {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
