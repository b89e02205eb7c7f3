//! An extension of the function in the same process. Lambda sends SIGTERM before it ends a function, but only to one that
//! has an extension.
//!
//! The crate `lambda-extension` does the same, and makes the zip larger by what it can do with events and logs.

use lambda_http::http::Request;
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{BoxError, Client, build_request};
use tracing::warn;

const NAME: &str = "spillway-webhook-end";
/// The id in the answer to the registration, and in the requests that follow.
const ID_HEADER: &str = "lambda-extension-identifier";

/// Registers an extension that receives no events. Without it the function works all the same.
pub(crate) async fn ask_for_sigterm() {
    if let Err(error) = register().await {
        warn!(
            "The extension could not be registered, so Lambda ends this function without SIGTERM. Refusals that are \
             only counted then will be missing in the audit log: {error}"
        );
    }
}

async fn register() -> Result<(), BoxError> {
    let client = Client::builder().build()?;
    let registration = build_request()
        .method("POST")
        .uri("/2020-01-01/extension/register")
        .header("Lambda-Extension-Name", NAME)
        .header("Content-Type", "application/json")
        .body(Body::from(r#"{"events":[]}"#))?;
    let answer = client.call(registration).await?;
    let id = answer.headers().get(ID_HEADER).cloned();
    let Some(id) = id.filter(|_| answer.status().is_success()) else {
        return Err(format!("Lambda answered {}", answer.status()).into());
    };
    let next: Request<Body> = build_request()
        .uri("/2020-01-01/extension/event/next")
        .header(ID_HEADER, id)
        .body(Body::empty())?;
    // The start is over only once the extension, too, asks for its next event. It gets none.
    tokio::spawn(async move {
        if let Err(error) = client.call(next).await {
            warn!("The extension lost its connection to Lambda: {error}");
        }
    });
    Ok(())
}
