//! What the claims of a person say: their name, and what they may do.

use serde_json::{Map, Value};

use crate::visitor::Role;

/// Longer names are cut: they are shown, and recorded with each action.
const NAME_CHARACTERS_MAX: usize = 200;

pub(super) type Claims = Map<String, Value>;

/// Who may open the dashboard.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    /// The claim that decides.
    pub(super) claim: String,
    pub(super) viewers: Vec<String>,
    pub(super) operators: Vec<String>,
}

impl Roles {
    /// `None` for a person who may not open it.
    pub(super) fn role(&self, claims: &Claims) -> Option<Role> {
        let has = |wanted: &[String]| match claims.get(&self.claim) {
            _ if self.claim == EMAIL && !is_verified(claims) => false,
            Some(Value::String(value)) => wanted.contains(value),
            Some(Value::Array(values)) => {
                let mut texts = values.iter().filter_map(Value::as_str);
                texts.any(|value| wanted.iter().any(|wanted| wanted == value))
            }
            _ => false,
        };
        if has(&self.operators) {
            Some(Role::Operator)
        } else {
            has(&self.viewers).then_some(Role::Viewer)
        }
    }
}

const EMAIL: &str = "email";

/// An address of which the provider does not say so may belong to anybody.
fn is_verified(claims: &Claims) -> bool {
    match claims.get("email_verified") {
        Some(Value::Bool(is_verified)) => *is_verified,
        Some(Value::String(text)) => text == "true",
        Some(_) | None => false,
    }
}

/// The e-mail address, or the subject where there is none that the provider has verified.
pub(super) fn name(claims: &Claims) -> String {
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
    let email = text(EMAIL).filter(|email| !email.trim().is_empty() && is_verified(claims));
    let name = email.or(text("sub")).unwrap_or_default();
    let harmless = name.chars().filter(|character| !character.is_control());
    harmless.take(NAME_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        match value {
            Value::Object(claims) => claims,
            other => panic!("{other}"),
        }
    }

    fn roles(claim: &str) -> Roles {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Roles {
            claim: claim.to_owned(),
            viewers: texts(&["staff", "bob@acme.example"]),
            operators: texts(&["platform"]),
        }
    }

    #[test]
    fn only_a_value_that_is_named_opens_the_dashboard() {
        for (groups, role) in [
            (json!("platform"), Some(Role::Operator)),
            (json!(["staff", "platform"]), Some(Role::Operator)),
            (json!(["staff"]), Some(Role::Viewer)),
            (json!("platforms"), None),
            (json!("platform,staff"), None),
            (json!([["platform"]]), None),
            (json!([]), None),
            (json!(true), None),
            (json!({"platform": true}), None),
            (Value::Null, None),
        ] {
            let claims = claims(json!({ "groups": groups }));
            assert_eq!(roles("groups").role(&claims), role, "{groups}");
        }
        assert_eq!(roles("groups").role(&Claims::new()), None);
    }

    #[test]
    fn an_address_counts_only_if_it_is_verified() {
        for (claims, role, called) in [
            (json!({"sub": "7", "email": "bob@acme.example"}), None, "7"),
            (
                json!({"sub": "7", "email": "bob@acme.example", "email_verified": true}),
                Some(Role::Viewer),
                "bob@acme.example",
            ),
            (
                json!({"sub": "7", "email": "bob@acme.example", "email_verified": false}),
                None,
                "7",
            ),
            (json!({"sub": "7", "email": " "}), None, "7"),
        ] {
            let claims = self::claims(claims);
            assert_eq!(roles("email").role(&claims), role, "{claims:?}");
            assert_eq!(name(&claims), called);
        }
        assert_eq!(name(&claims(json!({"sub": "a\nb\u{7}"}))), "ab");
    }
}
