//! The files and programs that worker/Dockerfile and infra/compose.yaml name exist.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::sources::{packages, programs};
use super::template::{list, load, text};
use super::{place, read};

/// The lines of the Dockerfile without its comments.
fn dockerfile() -> Vec<String> {
    let text = read("worker/Dockerfile");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// The program and the arguments of an instruction in JSON.
fn exec(line: &str) -> Vec<String> {
    let (_, arguments) = line.split_once('[').unwrap();
    serde_json::from_str(&format!("[{arguments}")).unwrap()
}

fn all_programs() -> Vec<String> {
    let packages = packages();
    let programs = packages.iter().flat_map(programs);
    programs.map(str::to_owned).collect()
}

#[test]
fn the_packages_and_programs_of_the_image_exist() {
    let (packages, programs) = (packages(), all_programs());
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let mut named = 0;
    for line in dockerfile() {
        let mut words = line.split_whitespace().peekable();
        while let Some(word) = words.next() {
            if word == "--package" {
                let package = words.peek().unwrap();
                assert!(
                    packages.iter().any(|known| known["name"] == *package),
                    "{package}"
                );
                named += 1;
            }
            if word == "--profile" {
                let profile = words.peek().unwrap();
                assert!(manifest["profile"].get(profile).is_some(), "{profile}");
                named += 1;
            }
            if let Some((_, program)) = word.split_once("/target/image/") {
                assert!(programs.iter().any(|known| known == program), "{program}");
                named += 1;
            }
        }
    }
    assert_eq!(named, 8);
}

/// Cargo reads the manifest of every member, also of those that the image does not need.
#[test]
fn the_image_is_built_from_every_member_of_the_workspace() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let ignored = read(".dockerignore");
    let sent: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        let manifest = format!("{member}/Cargo.toml");
        let is_sent = sent
            .iter()
            .any(|sent| manifest == *sent || manifest.starts_with(&format!("{sent}/")));
        assert!(is_sent, "{member} is missing in .dockerignore");
    }
}

/// A tag can be moved to another image.
#[test]
fn every_published_image_has_a_digest() {
    let stages: Vec<String> = dockerfile()
        .iter()
        .filter_map(|line| Some(line.split_once(" AS ")?.1.to_owned()))
        .collect();
    let of_image = dockerfile()
        .into_iter()
        .filter_map(|line| Some(line.strip_prefix("FROM ")?.split_whitespace().next()?.to_owned()))
        .filter(|base| !stages.contains(base));
    let compose = load("infra/compose.yaml");
    let services = compose["services"].as_object().unwrap().values();
    let of_compose = services
        .filter(|service| service.get("build").is_none())
        .map(|service| text(&service["image"]));
    let guide = read("infra/README.md");
    let of_guide = guide
        .lines()
        .filter(|line| line.contains("docker run"))
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("debian:")))
        .map(str::to_owned);
    let images: Vec<String> = of_image.chain(of_compose).chain(of_guide).collect();
    assert_eq!(images.len(), 8);
    for image in images {
        let (_, digest) = image.split_once("@sha256:").unwrap_or_else(|| panic!("{image}"));
        assert_eq!(digest.len(), 64, "{image}");
    }
}

/// The workflows, by file name.
fn workflows() -> Vec<(String, Value)> {
    let files = fs::read_dir(place(".github/workflows")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .map(|name| (name.clone(), load(&format!(".github/workflows/{name}"))))
        .collect()
}

/// The commands of each job of a workflow, one step after the other.
fn jobs(workflow: &Value) -> impl Iterator<Item = Vec<&str>> {
    let jobs = workflow["jobs"].as_object().unwrap().values();
    jobs.map(|job| {
        let steps = job["steps"].as_array().unwrap().iter();
        steps.filter_map(|step| step["run"].as_str()).collect()
    })
}

/// `rust-toolchain.toml` names the newest stable version, so that a machine without the network can build.
#[test]
fn the_workflows_build_with_the_toolchain_of_the_image() {
    const INSTALL: &str = "rustup toolchain install \"$RUSTUP_TOOLCHAIN\" --profile minimal";
    let lines = dockerfile();
    let image = lines.iter().find_map(|line| line.strip_prefix("FROM rust:"));
    let version = image.unwrap().split('-').next().unwrap();
    let runs_cargo = |command: &str| command.contains("cargo ") || command == ".ci/run";
    let mut found = 0;
    for (name, workflow) in workflows() {
        for commands in jobs(&workflow) {
            let Some(first) = commands.iter().position(|command| runs_cargo(command)) else {
                continue;
            };
            assert_eq!(workflow["env"]["RUSTUP_TOOLCHAIN"], version, "{name}");
            let installs = |command: &&str| command.starts_with(INSTALL);
            assert!(commands[..first].iter().any(installs), "{name}: {commands:?}");
            found += 1;
        }
    }
    assert_eq!(found, 4);
}

/// A version alone does not say what is downloaded.
#[test]
fn every_python_package_of_tasks_tests_and_workflows_has_a_hash() {
    for directory in [
        "infra",
        ".github",
        "tests/python",
        "tests/aws-stand-ins",
        "bench/peers",
    ] {
        let file = format!("{directory}/requirements.txt");
        let text = read(&file).replace("\\\n", "");
        let packages = text.lines().filter(|line| line.contains("=="));
        assert!(packages.clone().count() > 0, "{file}");
        for package in packages {
            assert!(package.contains("--hash=sha256:"), "{file}: {package}");
        }
    }
    for (name, workflow) in workflows() {
        for command in jobs(&workflow).flatten() {
            assert!(!command.contains("pipx "), "{name}: {command}");
            let has_hashes = !command.contains("pip\" install") || command.contains("--require-hashes");
            assert!(has_hashes, "{name}: {command}");
        }
    }
}

#[test]
fn the_image_contains_the_programs_that_it_starts() {
    let lines = dockerfile();
    let copied: Vec<String> = lines
        .iter()
        .filter_map(|line| line.split_once("/target/image/"))
        .map(|(_, rest)| format!("/usr/local/bin/{}", rest.split(' ').next().unwrap()))
        .collect();
    let started = lines
        .iter()
        .filter(|line| line.starts_with("ENTRYPOINT") || line.starts_with("HEALTHCHECK"));
    let started: Vec<Vec<String>> = started.map(|line| exec(line)).collect();
    assert_eq!(started.len(), 3);
    for command in &started {
        assert!(copied.contains(&command[0]), "{command:?}");
    }
    let compose = load("infra/compose.yaml");
    let checks =
        ["webhook", "worker"].map(|service| compose["services"][service]["healthcheck"]["test"].clone());
    let task = load("infra/worker.yaml");
    let container = &task["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0];
    for check in checks.iter().chain([&container["HealthCheck"]["Command"]]) {
        assert_eq!(check[0], "CMD");
        assert_eq!(list(check)[1..].iter().map(text).collect::<Vec<_>>(), started[0]);
    }
}

#[tokio::test]
async fn the_programs_accept_the_arguments_of_the_image() {
    for line in dockerfile() {
        if !line.starts_with("ENTRYPOINT") && !line.starts_with("HEALTHCHECK") {
            continue;
        }
        let command = exec(&line);
        let program = crate::world::program(command[0].rsplit('/').next().unwrap());
        let help = tokio::process::Command::new(program)
            .arg("--help")
            .output()
            .await
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        for option in command[1..].iter().filter(|argument| argument.starts_with("--")) {
            assert!(help.contains(option), "{option} of {line}");
        }
    }
}

#[test]
fn the_stages_and_files_of_compose_exist() {
    let lines = dockerfile();
    let compose = load("infra/compose.yaml");
    let mut built = 0;
    for (service, properties) in compose["services"].as_object().unwrap() {
        let Some(build) = properties.get("build") else {
            continue;
        };
        let stage = format!(" AS {}", text(&build["target"]));
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("FROM") && line.ends_with(&stage)),
            "{service}"
        );
        let context = place("infra").join(text(&build["context"]));
        assert!(context.join(text(&build["dockerfile"])).is_file(), "{service}");
        built += 1;
    }
    assert_eq!(built, 2);
}

#[test]
fn the_ports_are_open_on_loopback_only_and_match_the_guide() {
    let compose = load("infra/compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let mut open = BTreeMap::new();
    for (service, properties) in services {
        for port in properties["ports"].as_array().into_iter().flatten() {
            let port = text(port);
            let [host, outside, inside] = port.split(':').collect::<Vec<_>>()[..] else {
                panic!("{port}")
            };
            assert_eq!(host, "127.0.0.1", "{service}");
            open.insert(service.as_str(), (outside.to_owned(), inside.to_owned()));
        }
    }
    let expected = [
        ("postgresql", ("5433", "5432")),
        ("temporal", ("7233", "7233")),
        ("temporal-ui", ("8088", "8080")),
        ("webhook", ("8000", "8000")),
        ("worker", ("9090", "9090")),
    ];
    let expected =
        expected.map(|(service, (outside, inside))| (service, (outside.to_owned(), inside.to_owned())));
    assert_eq!(open, expected.into());
    let guide = read("infra/README.md");
    for (outside, _) in open.values() {
        assert!(guide.contains(outside.as_str()), "{outside}");
    }
    // The addresses where the programs listen and are checked, and the address of Temporal.
    let listening = exec(
        dockerfile()
            .iter()
            .find(|line| line.contains("--listen"))
            .unwrap(),
    );
    assert_eq!(listening.last().unwrap(), "0.0.0.0:8000");
    assert!(dockerfile().contains(&"EXPOSE 8000".to_owned()));
    assert_eq!(
        services["webhook"]["environment"]["SPILLWAY_HEALTH_ADDRESS"],
        "127.0.0.1:8000"
    );
    for (service, variable, port) in [("temporal", "DB_PORT", 5432), ("schema", "SQL_PORT", 5432)] {
        assert_eq!(services[service]["environment"][variable], port, "{service}");
    }
    for program in ["webhook", "worker"] {
        assert_eq!(
            services[program]["environment"]["TEMPORAL_ADDRESS"],
            "http://temporal:7233"
        );
    }
}

#[test]
fn the_dependencies_and_volumes_of_a_service_exist() {
    let compose = load("infra/compose.yaml");
    let services = compose["services"].as_object().unwrap();
    let is_there = |kind: &str, name: &str| compose[kind].as_object().unwrap().contains_key(name);
    for (service, properties) in services {
        let awaited = properties.get("depends_on").and_then(Value::as_object);
        for (other, condition) in awaited.into_iter().flatten() {
            let other = services
                .get(other)
                .unwrap_or_else(|| panic!("{other} of {service}"));
            let is_healthy = condition["condition"] == "service_healthy";
            assert!(!is_healthy || other.get("healthcheck").is_some(), "{service}");
        }
        for volume in properties["volumes"].as_array().into_iter().flatten() {
            let volume = text(volume);
            assert!(
                is_there("volumes", volume.split(':').next().unwrap()),
                "{volume} of {service}"
            );
        }
        for config in properties["configs"].as_array().into_iter().flatten() {
            assert!(
                is_there("configs", &text(&config["source"])),
                "{config} of {service}"
            );
        }
    }
}

/// The volume gets the owner of the directory in the image.
#[test]
fn the_image_has_a_directory_for_the_audit_log() {
    let compose = load("infra/compose.yaml");
    for program in ["webhook", "worker"] {
        let service = &compose["services"][program];
        let directory = text(&service["environment"]["SPILLWAY_AUDIT"]);
        assert_eq!(service["volumes"][0], format!("audit:{directory}"));
        let below = directory.strip_prefix("/var/lib/").unwrap();
        let makes =
            |line: &String| line.contains(&format!("mkdir -p /var-lib/{}", below.split('/').next().unwrap()));
        assert!(dockerfile().iter().any(makes), "{directory}");
    }
}

/// CloudFormation accepts a template of at most 51,200 bytes in a call. `sam package` makes ours longer: it adds addresses.
#[test]
fn the_opentofu_module_passes_the_template_by_its_address_and_the_guide_sets_its_variables() {
    let module = read("infra/opentofu/aws/main.tf");
    assert!(module.contains("template_url"));
    assert!(!module.contains("template_body"));
    let guide = read("infra/README.md");
    let (_, example) = guide.split_once("module \"spillway\" {").unwrap();
    let (example, _) = example.split_once("\n    }\n").unwrap();
    let set = example
        .lines()
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.trim()));
    let set: Vec<&str> = set.collect();
    let variables = module.split("\nvariable \"").skip(1).map(|rest| {
        let (name, rest) = rest.split_once("\" {").unwrap();
        (name, rest.split_once("\n}\n").unwrap().0)
    });
    let required: Vec<&str> = variables
        .filter(|(_, body)| !body.contains("default "))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(required, ["template", "bucket", "parameters"]);
    for name in required {
        assert!(set.contains(&name), "{name}");
    }
}
