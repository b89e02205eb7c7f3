//! The AWS and the Spacelift account of one test.

use std::time::{SystemTime, UNIX_EPOCH};

use audit::manifest::{self, Manifest, SigningKey};
use audit::{Action, Entry, Location, Store, Trail};
use aws_sdk_wafv2::types::{IpAddressVersion, Scope};
use aws_stand_ins::lambda::Function;
use aws_stand_ins::moto::Moto;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift, Server};
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

const BUCKET: &str = "audit-of-acme";
const KEY_SECRET_ID: &str = "spillway/manifest-key";
const SPACELIFT_SECRET_ID: &str = "spillway/spacelift";
const HOUR_MS: i64 = 3_600_000;

pub(crate) struct Cloud {
    pub(crate) moto: Moto,
    pub(crate) store: Store,
    _spacelift: Server,
}

/// The ARN of an IP set, its name and its id.
pub(crate) struct IpSet {
    arn: String,
    name: String,
    id: String,
}

impl Cloud {
    /// With an empty bucket.
    pub(crate) async fn start() -> Self {
        let moto = Moto::start().await;
        moto.create_bucket(BUCKET, true).await;
        let location: Location = format!("s3://{BUCKET}").parse().unwrap();
        let store = Store::at(&location, &moto.own_aws());
        let any_port = "127.0.0.1:0".parse().unwrap();
        let spacelift = MockSpacelift::new("acme").serve(any_port).await.unwrap();
        let held = json!({"SPACELIFT_BASE_URL": spacelift.url(), "SPACELIFT_KEY_ID": KEY_ID,
            "SPACELIFT_KEY_SECRET": KEY_SECRET});
        let cloud = Self {
            moto,
            store,
            _spacelift: spacelift,
        };
        cloud.secret(SPACELIFT_SECRET_ID, &held.to_string()).await;
        cloud
    }

    /// The program with these variables, and those of AWS.
    pub(crate) async fn function(
        &self,
        variables: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Function {
        let of_all = [("SPILLWAY_METRICS_NAMESPACE", "Spillway".to_owned())];
        let variables = self.moto.variables().into_iter().chain(of_all).chain(variables);
        Function::start(env!("CARGO_BIN_EXE_upkeep"), variables).await
    }

    pub(crate) fn with_manifests() -> [(&'static str, String); 2] {
        [
            ("SPILLWAY_AUDIT", format!("s3://{BUCKET}")),
            ("SPILLWAY_MANIFEST_KEY_SECRET_ID", KEY_SECRET_ID.to_owned()),
        ]
    }

    pub(crate) fn with_spacelift(set: &IpSet, own: &str) -> [(&'static str, String); 3] {
        [
            ("SPACELIFT_SECRET_ID", SPACELIFT_SECRET_ID.to_owned()),
            ("SPILLWAY_ALLOWED_ADDRESSES_ARN", set.arn.clone()),
            ("SPILLWAY_ALLOWED_ADDRESSES", own.to_owned()),
        ]
    }

    async fn secret(&self, name: &str, value: &str) {
        let client = aws_sdk_secretsmanager::Client::new(&self.moto.own_aws());
        let create = client.create_secret().name(name).secret_string(value);
        create.send().await.unwrap();
    }

    /// A new signing key, in Secrets Manager.
    pub(crate) async fn key(&self) -> SigningKey {
        let (key, pem) = new_key();
        self.secret(KEY_SECRET_ID, &pem).await;
        key
    }

    /// Writes a chain of one record.
    pub(crate) async fn write_chain(&self, name: &str) {
        put_chain(&self.store, name).await;
    }

    /// Writes a chain of two records, one object for each.
    pub(crate) async fn write_chain_of_two(&self, name: &str) {
        let mut trail = Trail::default();
        for action in [Action::ChainStarted, Action::ChainEnded] {
            let record = trail.append(Entry {
                chain: Some(name.to_owned()),
                ..Entry::new(now_ms(), "worker", action)
            });
            self.store.put_chain(name, &[record]).await.unwrap();
        }
    }

    /// Removes the first object of a chain, as an administrator could.
    pub(crate) async fn remove_beginning(&self, name: &str) {
        let delete = self.moto.s3().delete_object().bucket(BUCKET);
        let delete = delete.key(format!("chains/{name}/00000001.jsonl"));
        delete.send().await.unwrap();
    }

    /// Puts objects among the manifests that are named after times to come, and signed by another key.
    pub(crate) async fn put_future_manifests(&self, number: i64) {
        let (foreign, _) = new_key();
        for hours in 1..=number {
            put_manifest(&self.store, &foreign, -hours).await;
        }
    }

    /// Replaces the record of a chain, as an administrator could.
    pub(crate) async fn rewrite_chain(&self, name: &str) {
        let put = self.moto.s3().put_object().bucket(BUCKET);
        let put = put
            .key(format!("chains/{name}/00000001.jsonl"))
            .body(b"{}\n".to_vec().into());
        put.send().await.unwrap();
    }

    pub(crate) async fn put_manifest(&self, key: &SigningKey, hours_ago: i64) {
        put_manifest(&self.store, key, hours_ago).await;
    }

    /// The keys of the manifests in the log.
    pub(crate) async fn manifests(&self) -> Vec<String> {
        let list = self.moto.s3().list_objects_v2().bucket(BUCKET);
        let listed = list.prefix("manifests/").send().await.unwrap();
        let keys = listed
            .contents()
            .iter()
            .map(|object| object.key().unwrap().to_owned());
        keys.collect()
    }

    pub(crate) async fn newest(&self, key: &SigningKey) -> Manifest {
        let newest = manifest::newest(&self.store, &key.public_key(), now_ms())
            .await
            .unwrap();
        assert_eq!(newest.refused, []);
        newest.manifest.unwrap()
    }

    pub(crate) async fn ip_set(&self, addresses: &[&str]) -> IpSet {
        let create = self.waf().create_ip_set().name("Addresses-x1");
        let created = create
            .scope(Scope::Regional)
            .description("From where deliveries come")
            .ip_address_version(IpAddressVersion::Ipv4)
            .set_addresses(Some(addresses.iter().map(ToString::to_string).collect()))
            .send()
            .await
            .unwrap();
        let summary = created.summary().unwrap();
        IpSet {
            arn: summary.arn().unwrap().to_owned(),
            name: summary.name().unwrap().to_owned(),
            id: summary.id().unwrap().to_owned(),
        }
    }

    /// What the set allows now, in order.
    pub(crate) async fn addresses(&self, set: &IpSet) -> Vec<String> {
        let get = self.waf().get_ip_set().scope(Scope::Regional);
        let found = get.name(&set.name).id(&set.id).send().await.unwrap();
        let found = found.ip_set().unwrap();
        assert_eq!(found.description(), Some("From where deliveries come"));
        let mut addresses = found.addresses().to_vec();
        addresses.sort();
        addresses
    }

    fn waf(&self) -> aws_sdk_wafv2::Client {
        aws_sdk_wafv2::Client::new(&self.moto.own_aws())
    }
}

pub(crate) async fn put_chain(store: &Store, name: &str) {
    let record = Trail::default().append(Entry {
        chain: Some(name.to_owned()),
        ..Entry::new(now_ms(), "worker", Action::ChainStarted)
    });
    store.put_chain(name, &[record]).await.unwrap();
}

/// Puts a manifest of a log as it is now, as if it had been made some hours ago.
pub(crate) async fn put_manifest(store: &Store, key: &SigningKey, hours_ago: i64) {
    let made_at_ms = now_ms() - hours_ago * HOUR_MS;
    let made = Manifest::of(store, made_at_ms).await.unwrap();
    manifest::put(store, &key.sign(made)).await.unwrap();
}

/// A key, and its text in the format that OpenSSL writes.
pub(crate) fn new_key() -> (SigningKey, String) {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let (label, text) = ("PRIVATE KEY", STANDARD.encode(document.as_ref()));
    let pem = format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
    (SigningKey::from_pem(&pem).unwrap(), pem)
}

fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_millis()).unwrap()
}

/// Waits until the function has written a metric with a value.
pub(crate) async fn metric(function: &Function, name: &str, value: u64) {
    let is_it = |line: &String| {
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        line.get("_aws").is_some() && line[name] == value
    };
    let what = format!("{name} = {value}");
    function
        .wait_for_lines(&what, |lines| lines.iter().any(is_it))
        .await;
}
