//! Profiles: the settings of several accounts, by name, in a file.
//!
//! A profile becomes the environment: the program starts itself again with the variables of the profile, before
//! anything reads a variable. So a profile can set whatever a variable can.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use environment::{Variables, process_variables};
use settings::table;

use crate::completion;
use crate::failure::{self, Failure};

/// The variable that names a profile.
const CHOSEN: &str = "SPILLWAY_PROFILE";
const FLAG: &str = "--profile";
/// The file, in the directory for configuration.
const FILE: &str = "spillway/profiles.toml";
/// Variables of the same beginning belong together: a profile that sets one of them replaces all of them, so that no
/// key of another account is left.
const GROUPS: [&str; 6] = [
    "SPACELIFT_",
    "TEMPORAL_",
    "WEBHOOK_",
    "AWS_",
    "SPILLWAY_PAYLOAD_KEY",
    "SPILLWAY_SINKS",
];
/// The bits of a file's mode that let others read it.
const OTHERS: u32 = 0o077;

const EXAMPLE: &str = "Write one table for each account, for example:

[acme]
SPACELIFT_BASE_URL = \"https://acme.app.spacelift.io\"
SPACELIFT_KEY_ID = \"01JSMHTFM9TXWW1XK4AZN1SA8K\"
SPACELIFT_KEY_SECRET = \"the secret of the key\"
TEMPORAL_ADDRESS = \"temporal.example.com:7233\"";

/// The choice of a profile.
#[derive(Debug, Args)]
pub(crate) struct ProfileArguments {
    /// Take the settings from a profile in ~/.config/spillway/profiles.toml.
    #[arg(
        long,
        value_name = "NAME",
        env = CHOSEN,
        hide_env_values = true,
        global = true,
        display_order = 101,
        add = completion::profiles()
    )]
    profile: Option<String>,
}

/// Starts the program again with the variables of the profile that was chosen. Returns if there is nothing to change.
pub(crate) fn apply() -> anyhow::Result<()> {
    let Some(name) = chosen() else { return Ok(()) };
    let before = process_variables();
    let after = with_profile(before.clone(), &name, &read()?)?;
    if after == before {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).envs(&after);
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        again.env_remove(name);
    }
    let error = again.exec();
    Err(anyhow::Error::new(error).context("the command could not be started with the profile"))
}

/// The names of all profiles.
pub(crate) fn names() -> anyhow::Result<Vec<String>> {
    Ok(read()?.profiles.into_keys().collect())
}

/// The profile that the command line or the environment names. Nothing is parsed yet: the variables of the profile
/// decide what the command line may leave out.
fn chosen() -> Option<String> {
    let words = std::env::args_os().skip(1);
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    // What a shell asks to complete stands behind `--`.
    let own = words
        .iter()
        .take_while(|word| completion::is_asked() || *word != "--");
    let mut own = own.peekable();
    let mut flag = None;
    while let Some(word) = own.next() {
        if word == FLAG {
            flag = own.peek().map(|name| (*name).clone());
        } else if let Some(name) = word.strip_prefix(FLAG).and_then(|rest| rest.strip_prefix('=')) {
            flag = Some(name.to_owned());
        }
    }
    let chosen = flag.or_else(|| std::env::var(CHOSEN).ok());
    chosen.filter(|name| !name.is_empty())
}

/// The profiles, and the file that they are from.
#[derive(Debug)]
struct Profiles {
    path: PathBuf,
    profiles: BTreeMap<String, BTreeMap<String, String>>,
}

fn path() -> anyhow::Result<PathBuf> {
    let directory = std::env::var_os("XDG_CONFIG_HOME").filter(|directory| !directory.is_empty());
    let directory = directory
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    let missing =
        || Failure::setting("the directory for profiles is not known").hint("Set HOME or XDG_CONFIG_HOME.");
    Ok(directory.ok_or_else(missing)?.join(FILE))
}

fn read() -> anyhow::Result<Profiles> {
    let path = path()?;
    let shown = path.display();
    let unreadable = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::setting(format!("there is no file `{shown}` with profiles")).hint(EXAMPLE)
        }
        _ => Failure::setting(format!("`{shown}` could not be read: {}", failure::reason(error))),
    };
    let mode = std::fs::metadata(&path)
        .map_err(|error| unreadable(&error))?
        .permissions()
        .mode();
    if mode & OTHERS != 0 {
        return Err(Failure::setting(format!("other users can read `{shown}`"))
            .meaning("Profiles contain secrets. Nothing was done.")
            .hint(format!("chmod 600 {shown}"))
            .into());
    }
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&error))?;
    let profiles = parse(&path, &text)?;
    Ok(Profiles { path, profiles })
}

fn parse(path: &Path, text: &str) -> Result<BTreeMap<String, BTreeMap<String, String>>, Failure> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        // The text of the error shows the line, which may hold a secret.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        let place = line.map_or_else(String::new, |line| format!(", line {line}"));
        Failure::setting(format!("`{}`{place}: {}", path.display(), error.message())).hint(EXAMPLE)
    })
}

/// The variables as a profile has them.
fn with_profile(variables: Variables, name: &str, known: &Profiles) -> Result<Variables, Failure> {
    let path = known.path.display();
    let Some(profile) = known.profiles.get(name) else {
        let names = known.profiles.keys().map(String::as_str);
        let listed: Vec<&str> = names.clone().collect();
        return Err(
            Failure::setting(format!("`{path}` has no profile `{name}`")).did_you_mean(
                name,
                names,
                &format!("It has: {}", listed.join(", ")),
            ),
        );
    };
    for variable in profile.keys() {
        check(variable)
            .map_err(|problem| Failure::setting(format!("profile `{name}` in `{path}`: {problem}")))?;
    }
    let replaced: BTreeSet<&str> = GROUPS
        .into_iter()
        .filter(|group| profile.keys().any(|variable| variable.starts_with(group)))
        .collect();
    let is_kept = |variable: &str| !replaced.iter().any(|group| variable.starts_with(group));
    let mut after: Variables = variables;
    after.retain(|variable, _| is_kept(variable));
    after.extend(
        profile
            .iter()
            .map(|(variable, value)| (variable.clone(), value.clone())),
    );
    after.insert(CHOSEN.to_owned(), name.to_owned());
    Ok(after)
}

/// A variable with a typing mistake would have no effect.
fn check(variable: &str) -> Result<(), String> {
    if variable == CHOSEN {
        return Err(format!("{CHOSEN} cannot be set in a profile"));
    }
    if variable.starts_with("AWS_") || table::is_known(variable) {
        return Ok(());
    }
    let known = table::all().flat_map(|setting| setting.variables.iter().copied());
    Err(match failure::similar(variable, known) {
        Some(meant) => format!("{variable} is not a setting; did you mean {meant}?"),
        None => format!("{variable} is not a setting; docs/settings.md lists every setting"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> Variables {
        let pairs = text.split_whitespace().filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn profiles(text: &str) -> Profiles {
        let path = PathBuf::from("profiles.toml");
        let profiles = parse(&path, text).unwrap();
        Profiles { path, profiles }
    }

    #[test]
    fn a_profile_replaces_the_groups_that_it_sets_and_leaves_the_rest() {
        let known = profiles(
            "[acme]\nSPACELIFT_BASE_URL = \"u\"\nSPACELIFT_SECRET_ID = \"s\"\nAWS_PROFILE = \"acme\"",
        );
        let before = variables(
            "PATH=/bin SPACELIFT_KEY_ID=other AWS_ACCESS_KEY_ID=other TEMPORAL_ADDRESS=t SPILLWAY_AUDIT=a",
        );
        let after = with_profile(before, "acme", &known).unwrap();
        let expected = "PATH=/bin TEMPORAL_ADDRESS=t SPILLWAY_AUDIT=a SPACELIFT_BASE_URL=u SPACELIFT_SECRET_ID=s \
                        AWS_PROFILE=acme SPILLWAY_PROFILE=acme";
        assert_eq!(after, variables(expected));
        assert_eq!(
            with_profile(after.clone(), "acme", &known).unwrap(),
            after,
            "twice is once"
        );
    }

    #[test]
    fn a_mistake_names_what_was_meant() {
        let known = profiles("[acme]\nSPACELIFT_BASE_URI = \"u\"\n[beta]\nSPILLWAY_PROFILE = \"acme\"");
        for (name, expected) in [
            (
                "acme",
                "SPACELIFT_BASE_URI is not a setting; did you mean SPACELIFT_BASE_URL?",
            ),
            ("beta", "SPILLWAY_PROFILE cannot be set in a profile"),
            ("acne", "`profiles.toml` has no profile `acne`"),
        ] {
            let said = with_profile(Variables::new(), name, &known)
                .unwrap_err()
                .to_string();
            assert!(said.ends_with(expected), "{said}");
        }
    }

    #[test]
    fn an_unreadable_file_shows_no_secret() {
        for text in [
            "[acme]\nSPACELIFT_KEY_SECRET = hunter2",
            "[acme]\nSPACELIFT_KEY_SECRET = [\"hunter2\"]",
        ] {
            let said = parse(Path::new("profiles.toml"), text).unwrap_err().to_string();
            assert!(said.starts_with("`profiles.toml`, line 2: "), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
