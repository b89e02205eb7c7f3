//! Rate limits for a server without API Gateway in front of it.
//!
//! Refusals are counted, not requests, since a body has to be read before its signature shows who sent it. Authentic
//! deliveries are never counted, and whoever sent a new one within the past hour is rejected last: an old one may be a
//! replay by anyone who saw it. A counted refusal costs one HMAC; a rejected request costs almost nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tracing::warn;

use crate::answer::Answer;

/// The window in which refusals are counted, and the longest time that a sender is rejected.
const WINDOW: Duration = Duration::from_secs(60);
/// A wrong secret is noticed after fewer, and Spacelift disables its webhook after ten.
const REFUSALS_OF_ADDRESS_MAX: u32 = 30;
/// Only a scan from many addresses causes more. Then unknown senders are rejected until the window ends.
const REFUSALS_MAX: u32 = 600;
/// At twice this number, authentic senders are rejected too: the process has to stay alive.
const REQUESTS_MAX: u32 = 60_000;
/// How long a sender counts as known after an authentic delivery.
const KNOWN_FOR: Duration = Duration::from_secs(3600);
/// Spacelift has a handful of addresses.
const KNOWN_MAX: usize = 1024;
/// The header to which a reverse proxy appends the address of its client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How many requests of unknown senders are read and handled at once: each body may take a megabyte.
const REQUESTS_AT_ONCE: usize = 256;
/// How many of them one sender may have: each address gets its share.
const REQUESTS_OF_ADDRESS_AT_ONCE: usize = 16;
/// How long a request may take, including its body. API Gateway has the same limit.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);

/// Counts requests and refusals by sender.
pub(crate) struct Limits {
    is_behind_proxy: bool,
    at_once: Semaphore,
    counts: Mutex<Counts>,
}

struct Counts {
    began_at: Instant,
    requests: u32,
    refusals: u32,
    is_reported: bool,
    refusals_of: HashMap<IpAddr, u32>,
    /// The permits of unknown senders.
    permits_of: HashMap<IpAddr, Arc<Semaphore>>,
    /// The time of each sender's last authentic delivery.
    known: HashMap<IpAddr, Instant>,
}

impl Counts {
    /// Whether the sender sent something authentic lately.
    fn knows(&self, sender: IpAddr, now: Instant) -> bool {
        let at = self.known.get(&sender);
        at.is_some_and(|at| now.duration_since(*at) < KNOWN_FOR)
    }
}

impl Limits {
    pub(crate) fn new(is_behind_proxy: bool) -> Self {
        Self {
            is_behind_proxy,
            at_once: Semaphore::new(REQUESTS_AT_ONCE),
            counts: Mutex::new(Counts {
                began_at: Instant::now(),
                requests: 0,
                refusals: 0,
                is_reported: false,
                refusals_of: HashMap::new(),
                permits_of: HashMap::new(),
                known: HashMap::new(),
            }),
        }
    }

    /// The sender of a request: the peer, or the client that the proxy names. The proxy appends the last address; the
    /// client itself may have written those before it.
    fn sender(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = || {
            let last = headers.get_all(FORWARDED_FOR).iter().next_back()?;
            last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        let address = if self.is_behind_proxy { forwarded() } else { None };
        network_of(address.unwrap_or_else(|| peer.ip()))
    }

    /// The answer to a sender that has to wait. Spacelift does not repeat a 429, so only a sender that was refused itself
    /// gets one.
    fn rejection(&self, sender: IpAddr, now: Instant) -> Option<Answer> {
        let mut counts = self.counts(now);
        counts.requests = counts.requests.saturating_add(1);
        let is_known = counts.knows(sender, now);
        let refusals = counts.refusals_of.get(&sender).copied().unwrap_or_default();
        let wait = WINDOW.saturating_sub(now.duration_since(counts.began_at));
        if !is_known && refusals >= REFUSALS_OF_ADDRESS_MAX {
            return Some(Answer::TooMany { wait });
        }
        let is_busy = if is_known {
            counts.requests > 2 * REQUESTS_MAX
        } else {
            counts.requests > REQUESTS_MAX || counts.refusals >= REFUSALS_MAX
        };
        if is_busy && !std::mem::replace(&mut counts.is_reported, true) {
            warn!(
                requests = counts.requests,
                refusals = counts.refusals,
                "Too many requests within a minute; unknown senders are rejected until the minute ends"
            );
        }
        is_busy.then_some(Answer::Busy { wait })
    }

    /// Waits until an unknown sender's request may be read. A stranger who sends slowly must not keep Spacelift waiting.
    async fn permit(&self, sender: IpAddr) -> Option<(OwnedSemaphorePermit, SemaphorePermit<'_>)> {
        let of_sender = {
            let mut counts = self.counts(Instant::now());
            if counts.knows(sender, Instant::now()) {
                return None;
            }
            let new = || Arc::new(Semaphore::new(REQUESTS_OF_ADDRESS_AT_ONCE));
            Arc::clone(counts.permits_of.entry(sender).or_insert_with(new))
        };
        // An error would mean that a semaphore was closed, and nothing closes them.
        let of_sender = of_sender.acquire_owned().await.ok()?;
        Some((of_sender, self.at_once.acquire().await.ok()?))
    }

    fn note(&self, sender: IpAddr, is_authentic: bool, now: Instant) {
        let mut counts = self.counts(now);
        if !is_authentic {
            counts.refusals = counts.refusals.saturating_add(1);
            *counts.refusals_of.entry(sender).or_default() += 1;
            return;
        }
        if counts.known.len() >= KNOWN_MAX {
            counts.known.retain(|_, at| now.duration_since(*at) < KNOWN_FOR);
        }
        if counts.known.len() < KNOWN_MAX || counts.known.contains_key(&sender) {
            counts.known.insert(sender, now);
        }
    }

    fn counts(&self, now: Instant) -> std::sync::MutexGuard<'_, Counts> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(counts.began_at) >= WINDOW {
            counts.began_at = now;
            counts.requests = 0;
            counts.refusals = 0;
            counts.is_reported = false;
            counts.refusals_of.clear();
            // Those that a request holds or waits for are kept.
            counts
                .permits_of
                .retain(|_, permits| Arc::strong_count(permits) > 1);
        }
        counts
    }
}

/// The network of an address: whoever has one IPv6 address has 2^64 of them.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// Rejects senders with too many refusals.
pub(crate) async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    // A health check is not a delivery. Without a peer, as in Lambda, something else limits.
    let Some(&ConnectInfo(peer)) = peer.filter(|_| request.uri().path() != "/health") else {
        return next.run(request).await;
    };
    let sender = limits.sender(peer, request.headers());
    if let Some(rejection) = limits.rejection(sender, Instant::now()) {
        return rejection.into_response();
    }
    let handled = async {
        let _permit = limits.permit(sender).await;
        next.run(request).await
    };
    let Ok(response) = tokio::time::timeout(REQUEST_TIME_MAX, handled).await else {
        return Answer::Unavailable.into_response();
    };
    let status = response.status();
    // A failure after a valid signature is not the sender's fault.
    let is_refused = status.is_client_error() && status != StatusCode::UNPROCESSABLE_ENTITY;
    let is_delivered = response.extensions().get::<Authentic>().is_some();
    if is_refused || is_delivered {
        limits.note(sender, is_delivered, Instant::now());
    }
    response
}

/// Marks the answer to an authentic delivery that is no replay: it shows that its sender has the secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authentic;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// The status of the rejection.
    fn status(limits: &Limits, sender: IpAddr, now: Instant) -> Option<u16> {
        let rejection = limits.rejection(sender, now)?;
        Some(rejection.into_response().status().as_u16())
    }

    fn refuse(limits: &Limits, sender: IpAddr, times: u32, now: Instant) {
        for _ in 0..times {
            limits.note(sender, false, now);
        }
    }

    #[test]
    fn a_sender_with_too_many_refusals_is_rejected_until_the_window_ends() {
        let limits = Limits::new(false);
        let now = Instant::now();
        refuse(&limits, address(1), REFUSALS_OF_ADDRESS_MAX - 1, now);
        assert_eq!(status(&limits, address(1), now), None);
        refuse(&limits, address(1), 1, now);
        let rejection = limits.rejection(address(1), now);
        assert!(
            matches!(rejection, Some(Answer::TooMany { wait }) if wait <= WINDOW && wait > WINDOW / 2),
            "{rejection:?}"
        );
        assert_eq!(status(&limits, address(2), now), None, "another address");
        assert_eq!(status(&limits, address(1), now + WINDOW), None, "a minute later");
    }

    #[test]
    fn many_unknown_senders_block_unknown_senders_only() {
        let limits = Limits::new(false);
        let now = Instant::now();
        limits.note(address(200), true, now);
        for last in 0..100 {
            refuse(&limits, address(last), REFUSALS_MAX / 100, now);
        }
        let stranger = status(&limits, address(201), now);
        assert_eq!(
            stranger,
            Some(503),
            "it may be Spacelift after an hour of silence"
        );
        assert_eq!(status(&limits, address(200), now), None, "Spacelift");
        let later = now + KNOWN_FOR;
        refuse(&limits, address(1), REFUSALS_MAX, later);
        assert_eq!(status(&limits, address(200), later), Some(503), "known no longer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_sender_uses_up_its_own_share_only() {
        let limits = Limits::new(false);
        let soon = Duration::from_millis(1);
        let mut held = Vec::new();
        for _ in 0..REQUESTS_OF_ADDRESS_AT_ONCE {
            held.push(limits.permit(address(1)).await);
        }
        let more = tokio::time::timeout(soon, limits.permit(address(1))).await;
        assert!(more.is_err(), "one more of the same sender");
        let other = tokio::time::timeout(soon, limits.permit(address(2))).await;
        assert!(other.unwrap().is_some(), "another sender");
        tokio::time::advance(WINDOW).await;
        let more = tokio::time::timeout(soon, limits.permit(address(1))).await;
        assert!(more.is_err(), "they are still held after a minute");
        held.pop();
        let more = tokio::time::timeout(soon, limits.permit(address(1))).await;
        assert!(more.unwrap().is_some(), "one is free");
    }

    #[test]
    fn authentic_senders_are_rejected_last() {
        let limits = Limits::new(false);
        let now = Instant::now();
        limits.note(address(1), true, now);
        for _ in 0..REQUESTS_MAX {
            assert_eq!(status(&limits, address(2), now), None);
        }
        assert_eq!(status(&limits, address(2), now), Some(503));
        for _ in 0..REQUESTS_MAX - 1 {
            assert_eq!(status(&limits, address(1), now), None);
        }
        assert_eq!(status(&limits, address(1), now), Some(503));
    }

    #[test]
    fn the_sender_is_the_address_that_the_proxy_appends() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 4711));
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, "198.51.100.7, 192.0.2.1".parse().unwrap());
        assert_eq!(Limits::new(true).sender(peer, &headers), address(1));
        assert_eq!(Limits::new(false).sender(peer, &headers), peer.ip());
        headers.insert(FORWARDED_FOR, "nobody".parse().unwrap());
        assert_eq!(Limits::new(true).sender(peer, &headers), peer.ip());
        let networks = ["2001:db8::1", "2001:db8::ffff:1"].map(|text| network_of(text.parse().unwrap()));
        assert_eq!(networks[0], networks[1]);
    }
}
