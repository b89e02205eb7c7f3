//! A person with a browser that follows no redirect by itself, so that a test can look at each step.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};

use crate::world::WAIT_MAX;

pub(crate) const SESSION: &str = "__Host-spillway-session";
pub(crate) const SIGN_IN: &str = "__Host-spillway-sign-in";

pub(crate) struct Person {
    http: Client,
    /// The cookies of each host.
    pub(crate) cookies: BTreeMap<String, BTreeMap<String, String>>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) set_cookies: Vec<String>,
    pub(crate) body: String,
}

fn host(url: &str) -> String {
    Url::parse(url).unwrap().origin().ascii_serialization()
}

impl Person {
    pub(crate) fn new() -> Self {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            http: Client::builder().redirect(Policy::none()).build().unwrap(),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let request = self.http.get(url);
        self.send(url, request).await
    }

    /// A page, once it contains these words.
    pub(crate) async fn wait_for(&mut self, url: &str, words: &str) -> Answer {
        let begun = Instant::now();
        loop {
            let page = self.get(url).await;
            if page.status == 200 && page.body.contains(words) {
                return page;
            }
            assert!(
                begun.elapsed() < WAIT_MAX,
                "{url} never says `{words}`, but: {} {}",
                page.status,
                page.body
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Posts a form of a page of the same host.
    pub(crate) async fn post(&mut self, url: &str, fields: &str) -> Answer {
        self.post_from(&host(url), url, fields).await
    }

    pub(crate) async fn post_from(&mut self, origin: &str, url: &str, fields: &str) -> Answer {
        let request = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(ORIGIN, origin)
            .body(fields.to_owned());
        self.send(url, request).await
    }

    async fn send(&mut self, url: &str, request: RequestBuilder) -> Answer {
        let jar = self.cookies.entry(host(url)).or_default();
        let sent: Vec<String> = jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let response = request.header(COOKIE, sent.join("; ")).send().await.unwrap();
        let texts = response.headers().get_all(SET_COOKIE).iter();
        let set_cookies: Vec<String> = texts.map(|text| text.to_str().unwrap().to_owned()).collect();
        for cookie in &set_cookies {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") || attributes.contains("1970") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let location = response.headers().get(LOCATION);
        let base = Url::parse(url).unwrap();
        Answer {
            status: response.status().as_u16(),
            location: location.map(|to| base.join(to.to_str().unwrap()).unwrap().to_string()),
            set_cookies,
            body: response.text().await.unwrap(),
        }
    }

    /// Signs in at the identity provider, and says where it sends this person then.
    pub(crate) async fn authorize(&mut self, dashboard: &str, page: &str, login: &str) -> String {
        let page = page.replace('?', "%3F").replace('=', "%3D");
        let begun = self.get(&format!("{dashboard}/login?back={page}")).await;
        let mut next = begun.location.unwrap_or_else(|| panic!("{}", begun.body));
        while !next.starts_with(dashboard) {
            let mut answer = self.get(&next).await;
            if answer.location.is_none() {
                assert!(answer.body.contains("name=\"login\""), "{next}: {}", answer.body);
                let fields = format!("prompt=login&login={login}&password=any");
                answer = self.post(&next, &fields).await;
            }
            next = answer
                .location
                .unwrap_or_else(|| panic!("{next}: {}", answer.body));
        }
        next
    }

    /// Signs in, and shows what the dashboard says to that.
    pub(crate) async fn sign_in(&mut self, dashboard: &str, login: &str) -> Answer {
        let back = self.authorize(dashboard, "/", login).await;
        self.get(&back).await
    }

    /// What the dashboard has this person's browser keep.
    pub(crate) fn cookie(&self, dashboard: &str, name: &str) -> Option<&String> {
        self.cookies.get(dashboard)?.get(name)
    }

    pub(crate) fn keep(&mut self, dashboard: &str, name: &str, value: &str) {
        let jar = self.cookies.entry(dashboard.to_owned()).or_default();
        jar.insert(name.to_owned(), value.to_owned());
    }
}

/// The token in a page's form.
pub(crate) fn token(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form");
    rest.split('"').next().unwrap()
}
