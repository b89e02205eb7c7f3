//! `--web`: the page of a thing in Spacelift or in the Temporal UI.

use std::io::{self, IsTerminal};
use std::process::{Command, Stdio};

use dashboard::Pages;
use environment::Variables;
use temporal_client::TemporalSettings;

use crate::command::Done;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::variables::variables;

/// Where the pages are, as the environment says.
pub(crate) async fn pages() -> anyhow::Result<Pages> {
    let variables = variables().await?;
    let ui = variables.get("TEMPORAL_UI_URL").cloned();
    let temporal = Pages::of_temporal(ui, &TemporalSettings::from_variables(&variables)?);
    Ok(Pages {
        spacelift: spacelift_page(&variables),
        temporal,
    })
}

/// The page of the account in Spacelift.
pub(crate) fn spacelift_page(variables: &Variables) -> Option<String> {
    let url = variables
        .get("SPACELIFT_BASE_URL")
        .or(variables.get("SPACELIFT_API_KEY_ENDPOINT"))?;
    Some(url.trim_end_matches('/').trim_end_matches("/graphql").to_owned())
}

/// Prints the link, and opens it where there is a browser.
pub(crate) fn show(page: Option<String>) -> Done {
    let Some(page) = page else {
        return Err(Failure::setting("the URL of the Temporal UI is not known")
            .hint("Set TEMPORAL_UI_URL, for example to http://127.0.0.1:8088")
            .into());
    };
    output::line(&page)?;
    if let Some(program) = browser().filter(|_| io::stdout().is_terminal()) {
        let mut command = Command::new(program);
        let quiet = command
            .arg(&page)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // The link is printed: without a browser nothing is lost.
        let _ = quiet.spawn();
    }
    Ok(Exit::Success)
}

/// The program that opens a browser, where one can be seen.
fn browser() -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|screen| !screen.is_empty()));
    has_screen.then_some("xdg-open")
}
