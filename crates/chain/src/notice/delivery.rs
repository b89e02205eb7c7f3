//! When a sink gets a message about a chain.

use serde::{Deserialize, Serialize};

use super::{Alert, Notice};
use crate::ChainResult;

/// How a sink shows a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// One message that is updated.
    Live,
    /// A new message at each of the few moments that people want to know about.
    Milestones,
}

/// Which messages a sink gets, whatever its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// No messages about a chain that is younger than this, unless a stack failed or the chain was refused or cancelled.
    pub quiet_for_ms: i64,
    /// Only chains with one of these results; all chains if the list is empty.
    pub results: Vec<ChainResult>,
}

/// What was delivered to one sink about one chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The revision of the notice that the sink received last.
    #[serde(default)]
    pub revision: Option<u64>,
    /// The milestones that were announced to it.
    #[serde(default, rename = "heard")]
    pub announced: Vec<Milestone>,
    /// The alerts of which it was told, as long as they last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// How many messages told it of alerts.
    #[serde(default)]
    pub alert_messages: u32,
    /// A message whose only news are alerts is not sent before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts_not_before_ms: Option<i64>,
    /// How the sink finds its message again, such as Slack's channel and timestamp.
    #[serde(default)]
    pub handle: Option<String>,
    /// The sink does not know what the chain is about, so it is sent nothing more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub given_up: bool,
    /// Failed attempts since the last success.
    #[serde(default)]
    pub failures: u32,
    /// Nothing is sent before this time, because the sink failed or asked for a pause.
    #[serde(default)]
    pub not_before_ms: Option<i64>,
    /// When the first of the failed attempts was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since_ms: Option<i64>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A moment in a chain that people want to know about. It comes once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    Started,
    /// The first stack waits, for a person or for anything else, such as a lock.
    Held,
    /// The first stack failed.
    Failed,
    Ended,
}

impl Milestone {
    /// The milestones that a notice shows, the most important one last.
    pub fn of(notice: &Notice) -> Vec<Self> {
        let all = [
            (Self::Started, true),
            (Self::Held, !notice.held.is_empty()),
            (Self::Failed, !notice.failed.is_empty()),
            (Self::Ended, notice.is_over()),
        ];
        all.into_iter()
            .filter_map(|(milestone, shows)| shows.then_some(milestone))
            .collect()
    }
}

/// What a notice shows of which a sink was not told yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct News {
    pub milestones: Vec<Milestone>,
    pub alerts: Vec<Alert>,
}

impl News {
    pub fn of(notice: &Notice, delivery: &Delivery) -> Self {
        let mut milestones = Milestone::of(notice);
        milestones.retain(|milestone| !delivery.announced.contains(milestone));
        let alerts = Alert::all(notice).map(|(alert, _)| alert);
        Self {
            milestones,
            alerts: alerts.filter(|alert| !delivery.alerts.contains(alert)).collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.milestones.is_empty() && self.alerts.is_empty()
    }
}

/// What to do about one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// It is up to date.
    Nothing,
    /// Send the notice now.
    Now(News),
    /// Send nothing before this time.
    At(i64),
}

/// Whether a sink gets a notice now.
pub fn due(pace: Pace, rules: &Rules, notice: &Notice, delivery: &Delivery, now_ms: i64) -> Due {
    let is_wanted = rules.results.is_empty() || rules.results.contains(&notice.result);
    if delivery.given_up || delivery.revision == Some(notice.revision) {
        return Due::Nothing;
    }
    // A sink that already shows the chain is kept up to date, whatever the result.
    if !is_wanted && delivery.handle.is_none() {
        return Due::Nothing;
    }
    let news = News::of(notice, delivery);
    if pace == Pace::Milestones && news.is_empty() {
        return Due::Nothing;
    }
    let took_ms = notice
        .ended_at_ms
        .map(|ended_at_ms| ended_at_ms - notice.started_at_ms);
    if notice.result == ChainResult::Succeeded
        && delivery.revision.is_none()
        && delivery.handle.is_none()
        && took_ms.is_some_and(|took_ms| took_ms < rules.quiet_for_ms)
    {
        return Due::Nothing;
    }
    let quiet_until_ms = notice.started_at_ms.saturating_add(rules.quiet_for_ms);
    let is_urgent = notice.is_over() || !notice.failed.is_empty();
    let is_repeated = pace == Pace::Milestones && news.milestones.is_empty();
    let not_before_ms = [
        delivery.not_before_ms,
        delivery.alerts_not_before_ms.filter(|_| is_repeated),
        (!is_urgent && delivery.revision.is_none()).then_some(quiet_until_ms),
    ]
    .into_iter()
    .flatten()
    .max();
    match not_before_ms {
        Some(at_ms) if at_ms > now_ms => Due::At(at_ms),
        _ => Due::Now(news),
    }
}

/// The first pause after a failure of a sink. Each later one is twice as long, up to the longest.
const PAUSE_FIRST_MS: i64 = 5_000;
/// The first pause between messages whose only news are alerts, so that a chain of hundreds of stacks sends few.
const ALERT_PAUSE_FIRST_MS: i64 = 15_000;
const PAUSE_LONGEST_MS: i64 = 600_000;

fn growing_pause_ms(first_ms: i64, earlier: u32) -> i64 {
    first_ms
        .saturating_mul(1_i64 << earlier.min(20))
        .min(PAUSE_LONGEST_MS)
}

/// A sink that has failed for longer is late: people may miss something.
pub const LATE_AFTER_MS: i64 = 600_000;

impl Delivery {
    /// Forgets the alerts that are over. If one of them returns, it is news.
    pub fn forget_past_alerts(&mut self, notice: &Notice) {
        self.alerts
            .retain(|known| Alert::all(notice).any(|(alert, _)| alert == *known));
    }

    /// The sink took the notice with its news.
    pub fn delivered(&mut self, notice: &Notice, news: News, now_ms: i64) {
        self.revision = Some(notice.revision);
        self.announced.extend(news.milestones);
        if !news.alerts.is_empty() {
            let pause_ms = growing_pause_ms(ALERT_PAUSE_FIRST_MS, self.alert_messages);
            self.alert_messages = self.alert_messages.saturating_add(1);
            self.alerts_not_before_ms = Some(now_ms.saturating_add(pause_ms));
            self.alerts.extend(news.alerts);
        }
        self.failures = 0;
        self.not_before_ms = None;
        self.failing_since_ms = None;
        self.error = None;
    }

    /// Another attempt cannot work either.
    pub fn give_up(&mut self) {
        self.given_up = true;
        self.failures = 0;
        self.not_before_ms = None;
        self.failing_since_ms = None;
        self.error = None;
    }

    /// The sink did not take a message, for this reason. It may have asked for a pause.
    pub fn failed(&mut self, error: String, retry_after_ms: Option<i64>, now_ms: i64) {
        let growing_ms = growing_pause_ms(PAUSE_FIRST_MS, self.failures);
        self.failures = self.failures.saturating_add(1);
        let pause_ms = retry_after_ms.unwrap_or(0).max(growing_ms);
        self.not_before_ms = Some(now_ms.saturating_add(pause_ms));
        self.failing_since_ms.get_or_insert(now_ms);
        self.error = Some(error);
    }

    /// Whether the sink has failed for so long that people may miss something.
    pub fn is_late(&self, now_ms: i64) -> bool {
        self.failing_since_ms
            .is_some_and(|since_ms| now_ms.saturating_sub(since_ms) >= LATE_AFTER_MS)
    }
}
