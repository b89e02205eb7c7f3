//! The style sheet, the scripts and the icon. They are part of the program: nothing is loaded from elsewhere.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("../assets/style.css");
const LIVE: &str = include_str!("../assets/live.js");
/// Idiomorph 0.8.0, as published. Its licence is beside it.
const IDIOMORPH: &str = include_str!("../assets/idiomorph.min.js");
const ICON: &str = include_str!("../assets/icon.svg");

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "live.js" => ("text/javascript; charset=utf-8", LIVE),
        "idiomorph.min.js" => ("text/javascript; charset=utf-8", IDIOMORPH),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
