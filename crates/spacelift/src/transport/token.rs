//! The login: one token for all clones of a client. One of them fetches it while the others wait.

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;

/// How long before its expiry a token is no longer used: longer than a request takes. A short-lived token is used for
/// nine tenths of its life instead.
const MARGIN: Duration = Duration::from_mins(1);

/// A token that claims a longer lifetime is replaced after this time.
const LIFETIME_MAX: Duration = Duration::from_hours(24);

/// A token and the time on this machine's monotonic clock after which it is no longer used.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) jwt: SecretString,
    use_until: Instant,
    /// The number of the login that returned it.
    number: u64,
}

/// The result of a login. Both times are the server's, so this machine's clock does not matter.
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
    /// When the last login failed. Callers that were waiting for it share its error instead of logging in themselves.
    failed: Option<(Instant, Error)>,
}

impl Tokens {
    /// A valid token. Calls `login` if there is none.
    pub(crate) async fn current<F>(&self, login: impl FnOnce() -> F) -> Result<Token, Error>
    where
        F: Future<Output = Result<Login, Error>>,
    {
        self.obtain(|token| Instant::now() < token.use_until, login).await
    }

    /// A token other than the refused one. If the token of many callers was refused, only one of them logs in.
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
        // If this caller is dropped here, the lock is released and the next one logs in.
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

    /// A login with this lifetime, by a server whose clock is far off.
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
    async fn an_already_expired_token_is_used_once() {
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
        // Another caller whose first token was refused as well gets the second one.
        let same = account
            .tokens
            .other_than(&first, || account.log_in())
            .await
            .unwrap();
        assert_eq!((same.jwt.expose_secret(), account.logins.get()), ("jwt-2", 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_after_a_failed_login_logs_in_again() {
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
    async fn a_login_that_is_dropped_does_not_block_the_next() {
        let account = Account::new(Duration::from_hours(1));
        let never = account
            .tokens
            .current(std::future::pending::<Result<Login, Error>>);
        assert!(tokio::time::timeout(Duration::from_secs(1), never).await.is_err());
        assert_eq!(account.current().await.jwt.expose_secret(), "jwt-1");
    }
}
