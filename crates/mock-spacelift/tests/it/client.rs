//! A minimal GraphQL client, so that these tests do not depend on the project's own client.

use mock_spacelift::{KEY_ID, KEY_SECRET, Server};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

pub(crate) struct Api {
    http: Client,
    url: String,
    token: Option<String>,
}

impl Api {
    pub(crate) fn anonymous(server: &Server) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().unwrap();
        Self {
            http,
            url: format!("{}/graphql", server.url()),
            token: None,
        }
    }

    pub(crate) async fn logged_in(server: &Server) -> Self {
        let mut api = Self::anonymous(server);
        api.log_in().await;
        api
    }

    pub(crate) async fn log_in(&mut self) {
        let user = self
            .data(
                "mutation Login($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }",
                json!({ "id": KEY_ID, "secret": KEY_SECRET }),
            )
            .await;
        self.token = Some(user["apiKeyUser"]["jwt"].as_str().unwrap().to_owned());
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// A request that a test may add headers to.
    pub(crate) fn request(&self, query: &str, variables: &Value) -> RequestBuilder {
        let request = self
            .http
            .post(&self.url)
            .json(&json!({ "query": query, "variables": variables }));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// The whole answer.
    pub(crate) async fn answer(&self, query: &str, variables: Value) -> Value {
        self.request(query, &variables)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// The data of an answer without errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.answer(query, variables).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].clone()
    }

    /// The message of the first error of an answer.
    pub(crate) async fn error(&self, query: &str, variables: Value) -> String {
        let answer = self.answer(query, variables).await;
        answer["errors"][0]["message"]
            .as_str()
            .unwrap_or_else(|| panic!("no error in {answer}"))
            .to_owned()
    }
}
