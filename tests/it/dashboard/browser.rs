//! Chromium, controlled through its WebDriver.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::world::WAIT_MAX;

/// The settings of the browser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) is_dark: bool,
    pub(crate) runs_scripts: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            is_dark: false,
            runs_scripts: true,
            width: 1280,
            height: 900,
        }
    }
}

pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    /// The files that the browser writes.
    _profile: TempDir,
}

impl Browser {
    /// `None` if there is no browser.
    pub(crate) async fn start(setup: Setup) -> Option<Self> {
        let Some(program) = std::env::var_os("SPILLWAY_TEST_CHROMEDRIVER") else {
            eprintln!("skipped: SPILLWAY_TEST_CHROMEDRIVER is not set, so there is no browser");
            return None;
        };
        let (driver, port) = start_driver(&program).await;
        let profile = tempfile::tempdir().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(setup, &profile))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a session begins");
        let browser = Self {
            client,
            driver,
            _profile: profile,
        };
        let features = json!([{ "name": "prefers-color-scheme", "value": if setup.is_dark { "dark" } else { "light" } }]);
        browser
            .cdp("Emulation.setEmulatedMedia", json!({ "features": features }))
            .await;
        let metrics = json!({ "width": setup.width, "height": setup.height, "deviceScaleFactor": 1, "mobile": setup.width < 600 });
        browser.cdp("Emulation.setDeviceMetricsOverride", metrics).await;
        Some(browser)
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self
            .client
            .wait()
            .at_most(WAIT_MAX)
            .for_element(Locator::Css(selector))
            .await;
        found.unwrap_or_else(|error| panic!("there is no `{selector}`: {error}"))
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.click_at(Locator::Css(selector)).await;
    }

    pub(crate) async fn click_link(&self, words: &str) {
        self.click_at(Locator::LinkText(words)).await;
    }

    async fn click_at(&self, locator: Locator<'_>) {
        let clicked = tokio::time::timeout(WAIT_MAX, async {
            loop {
                // A page that updates itself may have replaced the element in between.
                if let Ok(element) = self.client.find(locator).await
                    && element.click().await.is_ok()
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let clicked = clicked.await.is_ok();
        assert!(clicked, "nothing to click at {locator:?}");
    }

    /// The text of the page.
    pub(crate) async fn text(&self, selector: &str) -> String {
        // A page that changes in between is read again.
        loop {
            if let Ok(text) = self.find(selector).await.text().await {
                return text;
            }
        }
    }

    /// Waits until a part of the page contains a text.
    pub(crate) async fn wait_for(&self, selector: &str, words: &str) {
        let said = tokio::time::timeout(WAIT_MAX, async {
            while !self.text(selector).await.contains(words) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let said = said.await.is_ok();
        assert!(
            said,
            "`{selector}` never says `{words}`, but: {}",
            self.text(selector).await
        );
    }

    /// The result of a piece of JavaScript.
    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    pub(crate) async fn press(&self, key: Key) {
        let element = self.client.active_element().await.unwrap();
        element.send_keys(&char::from(key).to_string()).await.unwrap();
    }

    /// The path of the page, with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }

    /// The console is empty, and no request left this machine.
    ///
    /// On a busy machine, a chain may not answer in time. The page shows that and asks again, but Chromium logs the answer.
    pub(crate) async fn assert_clean(&self, url: &str) {
        let mut console = self.log("browser").await;
        console.retain(|entry| {
            let message = entry["message"].as_str().unwrap_or_default();
            entry["source"] != "network" || !message.contains("502 (Bad Gateway)")
        });
        assert!(console.is_empty(), "the console has: {console:#?}");
        for entry in self.log("performance").await {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            if message["message"]["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let asked = message["message"]["params"]["request"]["url"].as_str().unwrap();
            let is_inner = ["data:", "about:", "chrome:", "chrome-"]
                .iter()
                .any(|scheme| asked.starts_with(scheme));
            assert!(is_inner || asked.starts_with(url), "a request went to {asked}");
        }
    }

    /// What was logged up to now does not count.
    pub(crate) async fn forget_logs(&self) {
        for kind in ["browser", "performance"] {
            self.log(kind).await;
        }
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let answer = self.command("se/log", json!({ "type": kind })).await;
        answer.as_array().cloned().unwrap_or_default()
    }

    pub(crate) async fn cdp(&self, command: &str, params: Value) -> Value {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": params }))
            .await
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Extra { path, body }).await.unwrap()
    }

    /// A screenshot of the full length of the page.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    pub(crate) async fn stop(mut self) {
        self.client.close().await.unwrap();
        self.driver.kill().await.unwrap();
    }
}

/// Starts chromedriver and returns its port. With `--port=0` it takes a free port of IPv6, and ends if the port of the same
/// number is in use in IPv4; hence the tries.
async fn start_driver(program: &OsStr) -> (Child, u16) {
    const TRIES: u32 = 10;
    let mut output = Vec::new();
    for _ in 0..TRIES {
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("successfully on port ") {
                let port = port.trim_end_matches('.').parse().unwrap();
                // A full pipe would block the driver.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return (driver, port);
            }
            output.push(line);
        }
    }
    panic!(
        "chromedriver ended {TRIES} times without a port:\n{}",
        output.join("\n")
    );
}

fn capabilities(setup: Setup, profile: &TempDir) -> Capabilities {
    let scripts = if setup.runs_scripts { 1 } else { 2 };
    let capabilities = json!({
        "goog:chromeOptions": {
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", "--hide-scrollbars",
                format!("--user-data-dir={}", profile.path().display()),
                format!("--window-size={},{}", setup.width, setup.height),
            ],
            "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        },
        // A test's own certificate.
        "acceptInsecureCerts": true,
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
    });
    match capabilities {
        Value::Object(capabilities) => capabilities,
        _ => unreachable!("it is an object"),
    }
}

/// A command that only Chromium's WebDriver knows.
#[derive(Debug)]
struct Extra {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(
        &self,
        base_url: &Url,
        session_id: Option<&str>,
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base_url.join(&format!(
            "session/{}/{}",
            session_id.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
