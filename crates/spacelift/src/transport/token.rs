//! The login: one token for all users of a client, fetched by one of them while the others wait.

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;

/// How long before its end a token is no longer used: longer than a request takes. A token that lives only briefly
/// is used for nine tenths of its life instead.
const MARGIN: Duration = Duration::from_mins(1);

/// A token that claims to be good for longer is replaced all the same.
const LIFETIME_MAX: Duration = Duration::from_hours(24);

/// A token and the moment, by this machine's monotonic clock, from which it is not used any more.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) jwt: SecretString,
    use_until: Instant,
    /// Which login it came from.
    number: u64,
}

/// What a login gave. Both times are the server's, so the clock of this machine does not matter.
pub(crate) struct Login {
    pub(crate) jwt: SecretString,
    pub(crate) valid_until: SystemTime,
    pub(crate) server_time: SystemTime,
}

#[derive(Default)]
pub(crate) struct Tokens {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    token: Option<Token>,
    logins: u64,
    /// The last login failed then. Those who were waiting for it share its error instead of queueing up for their own.
    failed: Option<(Instant, Error)>,
}

impl Tokens {
    /// A token that is still good, if need be by way of `login`.
    pub(crate) async fn current<F>(&self, login: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<Login, Error>>,
    {
        self.obtain(|token| Instant::now() < token.use_until, login).await
    }

    /// A token other than the one that was refused. Of many whose token was refused, one logs in.
    pub(crate) async fn other_than<F>(
        &self,
        refused: &Token,
        login: impl FnOnce() -> F,
    ) -> Result<Token, Error>
    where
        F: Future<Output = Result<Login, Error>>,
    {
        self.obtain(|token| token.number != refused.number, login).await
    }

    async fn obtain<F>(
        &self,
        good: impl Fn(&Token) -> bool,
        login: impl FnOnce() -> F,
    ) -> Result<Token, Error>
    where
        F: Future<Output = Result<Login, Error>>,
    {
        let asked = Instant::now();
        let mut slot = self.slot.lock().await;
        if let Some(token) = slot.token.as_ref().filter(|token| good(token)) {
            return Ok(token.clone());
        }
        if let Some((_, error)) = slot.failed.as_ref().filter(|(at, _)| asked <= *at) {
            return Err(error.clone());
        }
        // Should this caller be dropped here, the lock is free again and the next one logs in.
        match login().await {
            Ok(login) => {
                slot.logins += 1;
                let lifetime = login
                    .valid_until
                    .duration_since(login.server_time)
                    .unwrap_or_default();
                let lifetime = lifetime.min(LIFETIME_MAX);
                let use_until = Instant::now() + lifetime.saturating_sub(MARGIN.min(lifetime / 10));
                let token = Token {
                    jwt: login.jwt,
                    use_until,
                    number: slot.logins,
                };
                slot.token = Some(token.clone());
                slot.failed = None;
                Ok(token)
            }
            Err(error) => {
                slot.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use secrecy::ExposeSecret;
    use tokio::time::advance;

    use super::*;
    use crate::error::ErrorKind;

    /// A login for so long, by a server whose clock went wrong long ago.
    fn login(number: u32, lifetime: Duration) -> Login {
        let server_time = SystemTime::UNIX_EPOCH;
        let jwt = SecretString::from(format!("jwt-{number}"));
        Login {
            jwt,
            valid_until: server_time + lifetime,
            server_time,
        }
    }

    struct Account {
        tokens: Tokens,
        lifetime: Duration,
        logins: Cell<u32>,
    }

    impl Account {
        fn new(lifetime: Duration) -> Self {
            Self {
                tokens: Tokens::default(),
                lifetime,
                logins: Cell::new(0),
            }
        }

        fn log_in(&self) -> std::future::Ready<Result<Login, Error>> {
            self.logins.set(self.logins.get() + 1);
            std::future::ready(Ok(login(self.logins.get(), self.lifetime)))
        }

        async fn current(&self) -> Token {
            self.tokens.current(|| self.log_in()).await.unwrap()
        }
    }

    async fn check(lifetime: Duration, used_for: Duration) {
        let account = Account::new(lifetime);
        account.current().await;
        advance(used_for.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-1");
        advance(Duration::from_millis(1)).await;
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-2");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_used_until_shortly_before_its_end() {
        check(Duration::from_hours(1), Duration::from_mins(59)).await;
        check(Duration::from_secs(10), Duration::from_secs(9)).await;
        check(
            Duration::from_secs(i64::MAX.unsigned_abs()),
            LIFETIME_MAX.checked_sub(MARGIN).unwrap(),
        )
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_came_expired_serves_the_one_who_asked() {
        let account = Account::new(Duration::ZERO);
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-1");
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-2");
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_refused_token_is_replaced() {
        let account = Account::new(Duration::from_hours(1));
        let first = account.current().await;
        let second = account
            .tokens
            .other_than(&first, || account.log_in())
            .await
            .unwrap();
        assert_eq!(second.jwt.expose_secret(), "jwt-2");
        // Another whose first token was refused as well finds the second one there.
        let same = account
            .tokens
            .other_than(&first, || account.log_in())
            .await
            .unwrap();
        assert_eq!((same.jwt.expose_secret(), account.logins.get()), ("jwt-2", 2));
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_after_a_failure_tries_anew() {
        let account = Account::new(Duration::from_hours(1));
        let error = Error {
            operation: "ApiKeyUser".to_owned(),
            kind: ErrorKind::Unauthorized,
        };
        let failed = account.tokens.current(async || Err(error.clone())).await;
        assert_eq!(failed.map(|_| ()), Err(error));
        advance(Duration::from_millis(1)).await;
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-1");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_dropped_while_logging_in_leaves_the_way_free() {
        let account = Account::new(Duration::from_hours(1));
        let never = account
            .tokens
            .current(std::future::pending::<Result<Login, Error>>);
        assert!(tokio::time::timeout(Duration::from_secs(1), never).await.is_err());
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-1");
    }
}
