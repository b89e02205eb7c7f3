//! The identity provider: its description and keys, and what it says about a person.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim,
    CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AuthorizationCode, ClaimsVerificationError, Client, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, StandardErrorResponse, StandardTokenResponse,
    TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::config::Settings;
use super::error::SignInError;
use super::http::Http;
use super::role::Claims;
use super::session::{ATTEMPT_S, Attempt, after};
use crate::action_token::ActionToken;

/// How long the provider's description and keys are used without reading them again.
const FRESH: Duration = Duration::from_secs(3600);
/// How long they are used while the provider cannot be read.
const STALE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long to wait after a failed read. Anybody can begin a sign-in.
const FAILED_PAUSE: Duration = Duration::from_secs(5);

/// The signatures that are accepted. Those with the client's secret as their key are not among them.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The claims of a person that the standard does not name, such as their groups.
#[derive(Debug, Serialize, Deserialize)]
struct OtherClaims {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type OidcClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

pub(super) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    /// The claim that decides what a person may do.
    claim: String,
    http: Http,
    found: Mutex<Found>,
}

/// What the provider says about itself, as it was last read.
#[derive(Default)]
struct Found {
    last: Option<(Arc<CoreProviderMetadata>, Instant)>,
    failed_at: Option<Instant>,
}

impl Provider {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Self> {
        Ok(Self {
            issuer: settings.issuer.clone(),
            client_id: ClientId::new(settings.client_id.clone()),
            redirect: RedirectUrl::from_url(settings.url.join("/login/callback")?),
            scopes: settings.scopes.iter().cloned().map(Scope::new).collect(),
            claim: settings.roles.claim.clone(),
            http: Http::new()?,
            found: Mutex::default(),
        })
    }

    pub(super) async fn warm_up(&self) -> Result<(), SignInError> {
        self.metadata(FRESH).await.map(drop)
    }

    /// Where the person signs in, and what has to be known when they come back.
    pub(super) async fn begin(&self, back: String) -> Result<(Url, Attempt), SignInError> {
        let client = self.client(FRESH, None).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = ActionToken::new().map_err(SignInError::Invalid)?;
        let sent = CsrfToken::new(state.as_str().to_owned());
        let request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            move || sent,
            Nonce::new_random,
        );
        let (address, _, nonce) = request
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(challenge)
            .url();
        let attempt = Attempt {
            state,
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            back,
            until_ms: after(Duration::from_secs(ATTEMPT_S)),
        };
        Ok((address, attempt))
    }

    /// Exchanges the code for the claims of the person, each of them verified.
    pub(super) async fn claims(
        &self,
        code: String,
        attempt: &Attempt,
        client_secret: Option<ClientSecret>,
    ) -> Result<Claims, SignInError> {
        let mut client = self.client(FRESH, client_secret.clone()).await?;
        let tokens = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(invalid)?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(response) => {
                    SignInError::Refused(super::error_code(Some(response.error().as_ref())))
                }
                RequestTokenError::Request(error) => SignInError::NoProvider(error.into()),
                other => invalid(other),
            })?;
        let nonce = Nonce::new(attempt.nonce.clone());
        let claims = match verified(&client, &tokens, &nonce) {
            // The provider may have a new key. Only its own answer to a code gets here, so nobody else can cause this.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                client = self.client(Duration::ZERO, client_secret).await?;
                verified(&client, &tokens, &nonce)
            }
            other => other,
        };
        let mut claims = claims.map_err(invalid)?;
        let wanted = [self.claim.as_str(), "email", "email_verified"];
        if !wanted.iter().all(|claim| claims.contains_key(*claim)) {
            self.add_user_info(&client, &tokens, &mut claims).await?;
        }
        Ok(claims)
    }

    /// Many providers give most claims only there. A claim of the ID token takes precedence.
    async fn add_user_info(
        &self,
        client: &OidcClient,
        tokens: &Tokens,
        claims: &mut Claims,
    ) -> Result<(), SignInError> {
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let subject = openidconnect::SubjectIdentifier::new(subject.to_owned());
        let Ok(request) = client.user_info(tokens.access_token().clone(), Some(subject)) else {
            return Ok(());
        };
        let info: UserInfoClaims<OtherClaims, CoreGenderClaim> =
            request.request_async(&self.http).await.map_err(invalid)?;
        let more = as_map(&info).map_err(SignInError::Invalid)?;
        // The address and whether it is verified belong together.
        let is_same_email = claims
            .get("email")
            .is_none_or(|email| more.get("email") == Some(email));
        for (name, value) in more {
            if is_same_email || !name.starts_with("email") {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(())
    }

    async fn client(
        &self,
        age_max: Duration,
        secret: Option<ClientSecret>,
    ) -> Result<OidcClient, SignInError> {
        let metadata = self.metadata(age_max).await?;
        let client = OidcClient::from_provider_metadata((*metadata).clone(), self.client_id.clone(), secret);
        Ok(client.set_redirect_uri(self.redirect.clone()))
    }

    /// The provider's description and keys, not older than that, unless the provider cannot be read.
    async fn metadata(&self, age_max: Duration) -> Result<Arc<CoreProviderMetadata>, SignInError> {
        let asked_at = Instant::now();
        // Whoever comes while it is being read waits for that read.
        let mut found = self.found.lock().await;
        if let Some((metadata, at)) = &found.last
            && (at.elapsed() < age_max || *at >= asked_at)
        {
            return Ok(Arc::clone(metadata));
        }
        let stale = found
            .last
            .as_ref()
            .filter(|(_, at)| at.elapsed() < STALE_MAX && !age_max.is_zero())
            .map(|(metadata, _)| Arc::clone(metadata));
        if found.failed_at.is_some_and(|at| at.elapsed() < FAILED_PAUSE) {
            let tried = || SignInError::NoProvider(anyhow!("it did not answer a moment ago"));
            return stale.ok_or_else(tried);
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *found = Found {
                    last: Some((Arc::clone(&metadata), Instant::now())),
                    failed_at: None,
                };
                Ok(metadata)
            }
            Err(error) => {
                found.failed_at = Some(Instant::now());
                let error = anyhow::Error::new(error).context("its description cannot be read");
                tracing::warn!("The identity provider cannot be read: {error:#}");
                stale.ok_or(SignInError::NoProvider(error))
            }
        }
    }
}

fn invalid(error: impl Into<anyhow::Error>) -> SignInError {
    SignInError::Invalid(error.into())
}

/// The claims of the ID token: signature, issuer, audience, expiry and nonce are verified.
fn verified(client: &OidcClient, tokens: &Tokens, nonce: &Nonce) -> Result<Claims, ClaimsVerificationError> {
    let other = |text: &str| ClaimsVerificationError::Other(text.to_owned());
    let token = tokens.id_token().ok_or_else(|| other("there is no ID token"))?;
    let verifier = client.id_token_verifier().set_allowed_algs(SIGNATURES);
    let claims = token.claims(&verifier, nonce)?;
    if let Some(expected) = claims.access_token_hash() {
        let key = token
            .signing_key(&verifier)
            .map_err(ClaimsVerificationError::SignatureVerification)?;
        let algorithm = token
            .signing_alg()
            .map_err(ClaimsVerificationError::SignatureVerification)?;
        let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key);
        if actual.ok().as_ref() != Some(expected) {
            return Err(other("the access token belongs to another ID token"));
        }
    }
    as_map(claims).map_err(|error| other(&error.to_string()))
}

fn as_map(claims: &impl Serialize) -> anyhow::Result<Claims> {
    match serde_json::to_value(claims).context("the claims cannot be read")? {
        Value::Object(claims) => Ok(claims),
        _ => Err(anyhow!("the claims are no object")),
    }
}
