//! One comment on each pull request: what would run after its merge, with a section for each stack.
//!
//! GitHub cannot change a comment only if nobody else did so meanwhile, and the runs of a pull request end together. So each
//! change is checked afterwards, and repeated later if another one has overwritten it.

use std::collections::BTreeMap;

use chain::notice::RunNotice;
use reqwest::RequestBuilder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::GitHub;
use super::github::unknown;
use crate::error::{SinkError, accepted};
use crate::message::cut;

/// The marker of our comment on a pull request, and those around the section of a stack.
const COMMENT: &str = "<!-- spillway:impact -->";
const SECTION: &str = "<!-- spillway:stack ";
const SECTION_END: &str = "<!-- spillway:end -->";
/// The last line, if there are too many sections.
const MORE: &str = "… There are more stacks in this pull request than fit into a comment.";
/// GitHub refuses longer comments.
const COMMENT_CHARACTERS_MAX: usize = 65_536;
/// A section that would leave no room for others is cut.
const SECTION_CHARACTERS_MAX: usize = 20_000;
const PAGE: usize = 100;
/// Our comment is one of the first, since the first run writes it.
const PAGES_MAX: usize = 10;
/// A commit is the head of one pull request, seldom of two.
const PULL_REQUESTS_MAX: usize = 5;

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: u64,
    state: String,
}

#[derive(Debug, Deserialize)]
struct User {
    id: u64,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    /// `None` if the account was deleted.
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    body: Option<String>,
}

impl GitHub {
    /// Writes the impact of a proposed run into the comment on each open pull request of its commit.
    pub(crate) async fn comment(&self, notice: &RunNotice) -> Result<(), SinkError> {
        let (Some(impact), Some(commit)) = (&notice.impact, &notice.commit) else {
            return Ok(());
        };
        let Some((owner, name)) = notice.repository.split_once('/') else {
            return Ok(());
        };
        let repository = Repository {
            github: self,
            owner,
            name,
        };
        let pull_requests: Vec<PullRequest> = repository
            .get(&["commits", commit.as_str(), "pulls"], "")
            .await
            .map_err(unknown)?;
        let open = pull_requests.iter().filter(|one| one.state == "open");
        let section = section(notice, impact);
        for pull_request in open.take(PULL_REQUESTS_MAX) {
            repository.update(pull_request.number, notice, &section).await?;
        }
        Ok(())
    }

    /// The user or app of the token, by its id. Only GraphQL says it also for an app.
    async fn viewer(&self) -> Result<u64, SinkError> {
        let ask = async || {
            let rest = self.api.trim_end_matches('/');
            // GitHub Enterprise has `/api/v3` and `/api/graphql`.
            let url = format!("{}/graphql", rest.strip_suffix("/v3").unwrap_or(rest));
            let query = json!({ "query": "query { viewer { databaseId } }" });
            let answer: Value = read(self.request(self.http.post(url)).json(&query)).await?;
            let id = answer.pointer("/data/viewer/databaseId").and_then(Value::as_u64);
            id.ok_or_else(|| SinkError::Rejected("GitHub does not say whose token it is".to_owned()))
        };
        self.viewer.get_or_try_init(ask).await.copied()
    }
}

struct Repository<'a> {
    github: &'a GitHub,
    owner: &'a str,
    name: &'a str,
}

impl Repository<'_> {
    async fn update(&self, number: u64, notice: &RunNotice, section: &Section) -> Result<(), SinkError> {
        let number = number.to_string();
        let known = self.find(&number).await?;
        let mut sections = sections(known.as_ref().and_then(|comment| comment.body.as_deref()));
        let newer = sections
            .get(notice.stack.as_str())
            .is_some_and(|known| known.run.as_str() > notice.run.as_str());
        if newer {
            return Ok(());
        }
        sections.insert(notice.stack.to_string(), section.clone());
        let has_more = known
            .as_ref()
            .and_then(|comment| comment.body.as_deref())
            .is_some_and(|body| body.contains(MORE));
        let text = body(&sections, has_more);
        let has_room = self::sections(Some(&text)).contains_key(notice.stack.as_str());
        let body = json!({ "body": text });
        let id = if let Some(comment) = known {
            let id = comment.id.to_string();
            let url = self.url(&["issues", "comments", &id])?;
            let request = self.github.request(self.github.http.patch(url)).json(&body);
            accepted(request.send().await?).await?;
            comment.id
        } else {
            let url = self.url(&["issues", &number, "comments"])?;
            let request = self.github.request(self.github.http.post(url)).json(&body);
            read::<Comment>(request).await?.id
        };
        // The first comment counts, and it must have our section.
        let found = self.find(&number).await?;
        let first = found.as_ref().map(|comment| comment.id);
        if first.is_some_and(|first| first != id) {
            let url = self.url(&["issues", "comments", &id.to_string()])?;
            accepted(self.github.request(self.github.http.delete(url)).send().await?).await?;
        }
        let written = self::sections(found.as_ref().and_then(|comment| comment.body.as_deref()));
        match written.get(notice.stack.as_str()) {
            Some(known) if known.run.as_str() >= notice.run.as_str() => Ok(()),
            None if !has_room => Ok(()),
            _ => Err(SinkError::Rejected(
                "another run changed the comment on the pull request at the same time".to_owned(),
            )),
        }
    }

    /// Our comment on a pull request: the first one with our marker that we wrote. Anyone can write the marker.
    async fn find(&self, number: &str) -> Result<Option<Comment>, SinkError> {
        let viewer = self.github.viewer().await?;
        for page in 1..=PAGES_MAX {
            let query = format!("per_page={PAGE}&page={page}");
            let comments: Vec<Comment> = self.get(&["issues", number, "comments"], &query).await?;
            let is_last = comments.len() < PAGE;
            let ours = |comment: &Comment| {
                let is_marked = comment
                    .body
                    .as_deref()
                    .is_some_and(|body| body.starts_with(COMMENT));
                is_marked && comment.user.as_ref().is_some_and(|user| user.id == viewer)
            };
            let found = comments.into_iter().find(ours);
            if found.is_some() || is_last {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &str) -> Result<T, SinkError> {
        let mut url = self.url(path)?;
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        read(self.github.request(self.github.http.get(url))).await
    }

    fn url(&self, path: &[&str]) -> Result<url::Url, SinkError> {
        let all: Vec<&str> = ["repos", self.owner, self.name]
            .iter()
            .chain(path)
            .copied()
            .collect();
        self.github.url(&all)
    }
}

async fn read<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, SinkError> {
    let answer = accepted(request.send().await?).await?;
    serde_json::from_slice(&answer)
        .map_err(|_| SinkError::Rejected("GitHub's answer is not what GitHub documents".to_owned()))
}

/// What the comment says about one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    run: String,
    text: String,
}

fn section(notice: &RunNotice, impact: &str) -> Section {
    Section {
        run: notice.run.to_string(),
        // A marker in the text would end the section.
        text: cut(&impact.replace("<!--", "&lt;!--"), SECTION_CHARACTERS_MAX),
    }
}

/// The sections of a comment, by stack.
fn sections(body: Option<&str>) -> BTreeMap<String, Section> {
    let mut sections = BTreeMap::new();
    for part in body.unwrap_or_default().split(SECTION).skip(1) {
        let Some((head, rest)) = part.split_once(" -->\n") else {
            continue;
        };
        let Some(((stack, run), (text, _))) = head.split_once(' ').zip(rest.split_once(SECTION_END)) else {
            continue;
        };
        let section = Section {
            run: run.to_owned(),
            text: text.trim_end().to_owned(),
        };
        sections.insert(stack.to_owned(), section);
    }
    sections
}

/// The comment, with as many sections as it has room for. An earlier one had no room for others.
fn body(sections: &BTreeMap<String, Section>, mut has_more: bool) -> String {
    let mut body = format!("{COMMENT}\n### Spillway: what runs after the merge\n");
    for (stack, section) in sections {
        let text = format!(
            "\n{SECTION}{stack} {} -->\n{}\n{SECTION_END}\n",
            section.run,
            section.text.trim_end()
        );
        let length = body.chars().count() + text.chars().count();
        // Room for the last line.
        if length > COMMENT_CHARACTERS_MAX - 100 {
            has_more = true;
        } else {
            body += &text;
        }
    }
    if has_more {
        body += &format!("\n{MORE}\n");
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(run: &str, text: &str) -> Section {
        Section {
            run: run.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_sections_of_a_comment_are_read_again() {
        let sections_in = BTreeMap::from([
            ("apps".to_owned(), of("01B", "**1 stack**\n\n| a |\n|---|")),
            ("network".to_owned(), of("01A", "nothing")),
        ]);
        let text = body(&sections_in, false);
        assert_eq!(sections(Some(&text)), sections_in);
        assert_eq!(sections(Some("somebody's own comment")), BTreeMap::new());
        assert_eq!(sections(None), BTreeMap::new());
    }

    #[test]
    fn a_comment_never_gets_longer_than_github_allows() {
        let long = "x".repeat(SECTION_CHARACTERS_MAX);
        let all: BTreeMap<_, _> = (0..9)
            .map(|number| (format!("s{number}"), of("01A", &long)))
            .collect();
        let text = body(&all, false);
        assert!(text.chars().count() <= COMMENT_CHARACTERS_MAX);
        assert_eq!(sections(Some(&text)).len(), 3);
        assert!(text.contains(MORE));
        assert!(
            body(&sections(Some(&text)), true).contains(MORE),
            "the next one, too"
        );
    }
}
