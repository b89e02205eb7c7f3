//! E-mail, by SMTP.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};

use tracing::warn;

use crate::error::SinkError;
use crate::message::Message;

const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) struct Email {
    pub(crate) transport: AsyncSmtpTransport<Tokio1Executor>,
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Email")
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

impl Email {
    /// From a URL such as `smtps://user:password@host` or `smtp://host:25?tls=required`.
    pub(crate) fn transport(url: &str) -> Option<AsyncSmtpTransport<Tokio1Executor>> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).ok()?;
        Some(builder.timeout(Some(TIMEOUT)).build())
    }

    /// Whether the server takes a connection, and the user and password if there are any.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok("the mail server takes a connection".to_owned()),
            Ok(false) => Err(SinkError::Unreachable(
                "the mail server closed the connection".to_owned(),
            )),
            Err(error) => Err(failed(&error)),
        }
    }

    pub(crate) async fn send(&self, message: &Message<'_>, sink: &str) -> Result<(), SinkError> {
        let chain = &message.notice.chain;
        // Mail programs show all messages of a chain as one conversation, and drop a second copy of a message.
        let first = format!("{chain}.{sink}.chain");
        let own = format!("{chain}.{sink}.{}", message.notice.revision);
        self.mail(&message.title(), message.plain(), &own, Some(&first))
            .await
    }

    /// Sends a mail of this id, in a conversation if there is one.
    pub(crate) async fn mail(
        &self,
        subject: &str,
        text: String,
        id: &str,
        conversation: Option<&str>,
    ) -> Result<(), SinkError> {
        let domain = self.from.email.domain();
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(format!("[spillway] {subject}"))
            .message_id(Some(message_id(id, domain)))
            .header(ContentType::TEXT_PLAIN);
        if let Some(first) = conversation {
            let first = message_id(first, domain);
            mail = mail.references(first.clone()).in_reply_to(first);
        }
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let mail = mail
            .body(text)
            .map_err(|error| SinkError::Message(error.to_string()))?;
        // One by one: a server refuses the whole mail if it refuses one of its recipients.
        let text = mail.formatted();
        let mut is_taken = false;
        let mut refused = None;
        for to in &self.to {
            let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.email.clone()])
                .map_err(|error| SinkError::Message(error.to_string()))?;
            match self.transport.send_raw(&envelope, &text).await {
                Ok(_) => is_taken = true,
                Err(error) if error.is_permanent() => {
                    warn!(
                        "A mail to one of {} recipients was refused: {error}",
                        self.to.len()
                    );
                    refused = Some(failed(&error));
                }
                // It is sent again to all. They know it by its id.
                Err(error) => return Err(failed(&error)),
            }
        }
        match refused {
            Some(error) if !is_taken => Err(error),
            _ => Ok(()),
        }
    }
}

fn failed(error: &lettre::transport::smtp::Error) -> SinkError {
    if error.is_permanent() {
        SinkError::Rejected(error.to_string())
    } else {
        SinkError::Unreachable(error.to_string())
    }
}

/// An id of a mail, which allows few characters.
fn message_id(text: &str, domain: &str) -> String {
    let local: String = text
        .chars()
        .map(|character| {
            if character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_') {
                character
            } else {
                '.'
            }
        })
        .collect();
    format!("<{local}@{domain}>")
}
