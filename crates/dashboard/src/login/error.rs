//! Why a sign-in fails.

/// Why a sign-in failed. The person is told no more than the text; the log has the causes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("This sign-in was not begun here, or it is too old, or it has been used.")]
    NoAttempt,
    #[error("Another sign-in was begun later in this browser. Continue there, or sign in again.")]
    OtherAttempt,
    #[error("The identity provider refused the sign-in: {0}.")]
    Refused(String),
    #[error("The answer does not come from the identity provider that this dashboard uses.")]
    OtherProvider,
    #[error("The identity provider's answer is not valid.")]
    Invalid(#[source] anyhow::Error),
    #[error("The identity provider does not answer.")]
    NoProvider(#[source] anyhow::Error),
    #[error("The dashboard cannot read its own secret.")]
    NoSecret,
    #[error("{name} may not open this dashboard.")]
    NoRole { name: String },
}
