//! `GET /openapi.json`: the description of this API, generated from the types of the answers.

mod body;

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use utoipa::OpenApi;

pub(crate) use body::WebhookBody;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Spillway webhook",
        description = "Receives Spacelift's run events, checks their signature, and records them in Temporal, \
            which then runs the stacks that depend on a finished one."
    ),
    servers((url = ".", description = "Where this description comes from.")),
    paths(crate::delivery::receive, crate::router::health),
    components(schemas(
        body::RunEventBody,
        body::PolicyInputBody,
        body::RunRequestBody,
        body::EndedRunBody,
        crate::answer::AcceptedResponse,
        crate::answer::NoActionResponse,
        crate::answer::Problem,
    ))
)]
struct Api;

pub(crate) async fn document() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-cache")], Json(Api::openapi()))
}

#[cfg(test)]
mod tests {
    use std::mem::discriminant;

    use chain::event::{self, Delivery};
    use serde_json::Value;

    use super::*;
    use body::REQUESTED_AT_S;

    fn kind_of(body: &Value) -> Option<std::mem::Discriminant<Delivery>> {
        let read = event::parse(body.to_string().as_bytes()).ok()?;
        match &read {
            Delivery::Request(signed) if signed.why_replayable(REQUESTED_AT_S * 1000).is_some() => None,
            read => Some(discriminant(read)),
        }
    }

    /// The schema that a `$ref` points to.
    fn resolved<'a>(api: &'a Value, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(name) => api.pointer(name.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// Removes each described field from the example, and checks that the parser reports those that are required.
    fn check_fields(api: &Value, schema: &Value, whole: &Value, at: &str) {
        let schema = resolved(api, schema);
        let required: Vec<&str> = schema["required"]
            .as_array()
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        for (name, described) in schema["properties"].as_object().unwrap() {
            let path = format!("{at}/{name}");
            assert!(whole.pointer(&path).is_some(), "the example lacks {path}");
            let mut without = whole.clone();
            without
                .pointer_mut(at)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(name);
            let is_missed = kind_of(&without) != kind_of(whole);
            assert_eq!(is_missed, required.contains(&name.as_str()), "{path}");
            let alternatives = described["oneOf"]
                .as_array()
                .map_or(std::slice::from_ref(described), Vec::as_slice);
            for described in alternatives {
                if resolved(api, described)["properties"].is_object() {
                    check_fields(api, described, whole, &path);
                }
            }
        }
    }

    #[test]
    fn the_bodies_are_described_as_they_are_read() {
        let api = serde_json::to_value(Api::openapi()).unwrap();
        let one_of = api["components"]["schemas"]["WebhookBody"]["oneOf"]
            .as_array()
            .unwrap();
        assert_eq!(one_of.len(), 4);
        for body in one_of {
            let schema = resolved(&api, body);
            let example = &schema["example"];
            assert!(
                matches!(
                    event::parse(example.to_string().as_bytes()),
                    Ok(Delivery::Run(_) | Delivery::Request(_) | Delivery::RunEnded(_))
                ),
                "{example}"
            );
            check_fields(&api, body, example, "");
        }
    }

    #[test]
    fn it_is_openapi_3_1_and_names_every_answer() {
        let api = serde_json::to_value(Api::openapi()).unwrap();
        assert!(
            api["openapi"].as_str().unwrap().starts_with("3.1"),
            "{}",
            api["openapi"]
        );
        let answers = api["paths"]["/webhook"]["post"]["responses"].as_object().unwrap();
        let statuses: Vec<&str> = answers.keys().map(String::as_str).collect();
        assert_eq!(statuses, ["200", "202", "401", "413", "415", "422", "429", "503"]);
        let text = api.to_string();
        let mut names = text
            .split("\"#/components/schemas/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        assert!(
            names.all(|name| api["components"]["schemas"][name].is_object()),
            "a reference leads nowhere"
        );
    }
}
