//! The identity provider: oidc-provider, as its own process.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::accounts;
use crate::world::http;

pub(crate) const CLIENT_ID: &str = "spillway";
pub(crate) const CLIENT_SECRET: &str = "a secret of the tests";

pub(crate) struct IdentityProvider {
    pub(crate) issuer: String,
    _child: Child,
}

impl IdentityProvider {
    /// `None` where there is none.
    pub(crate) async fn start(dashboard: &str, claims_in_id_token: bool) -> Option<Self> {
        let Some(program) = std::env::var_os("SPILLWAY_TEST_IDENTITY_PROVIDER") else {
            eprintln!("skipped: SPILLWAY_TEST_IDENTITY_PROVIDER is not set, so nobody can sign in");
            return None;
        };
        let configuration = json!({
            "redirect": format!("{dashboard}/login/callback"),
            "accounts": accounts(),
            "claims_in_id_token": claims_in_id_token,
        });
        let mut child = Command::new("node")
            .arg(program)
            .arg(configuration.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = loop {
            let line = lines.next_line().await.unwrap().expect("it says its address");
            if line.starts_with("http://") {
                break line;
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Some(Self {
            issuer,
            _child: child,
        })
    }

    /// Has it do what no honest provider does. provider.js lists what.
    pub(crate) async fn control(&self, asked: Value) {
        let answer = http()
            .post(format!("{}/control", self.issuer))
            .body(asked.to_string())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{asked}");
    }
}
