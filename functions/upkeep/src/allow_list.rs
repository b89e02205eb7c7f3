//! Keeps the list of addresses that may call the webhook, an IP set of WAF, as Spacelift says.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use aws_sdk_wafv2::Client;
use aws_sdk_wafv2::types::Scope;
use environment::{SecretVariables, Variables, aws};
use ipnet::Ipv4Net;
use spacelift::Spacelift;
use telemetry::{Line, Namespace, Unit};
use tracing::{info, warn};

use crate::{AllowListOutcome, network, set};

const SET_VARIABLE: &str = "SPILLWAY_ALLOWED_ADDRESSES_ARN";
const OWN_VARIABLE: &str = "SPILLWAY_ALLOWED_ADDRESSES";

/// Spacelift has a handful. A list of more than this is not believed; WAF takes ten thousand.
const ADDRESSES_MAX: usize = 500;

/// The list that is kept.
pub(crate) struct AllowList {
    set: IpSet,
    /// What the operator allows, whatever Spacelift says.
    own: BTreeSet<Ipv4Net>,
    /// They name the API key of Spacelift.
    variables: Variables,
}

/// An IP set of WAF in this region.
#[derive(Debug, PartialEq, Eq)]
struct IpSet {
    name: String,
    id: String,
}

impl AllowList {
    /// `None` if no set is configured.
    pub(crate) fn from_variables(variables: Variables) -> anyhow::Result<Option<Self>> {
        let Some(arn) = set(&variables, SET_VARIABLE) else {
            return Ok(None);
        };
        let set_of_waf = arn.parse().context(SET_VARIABLE)?;
        let own = set(&variables, OWN_VARIABLE).unwrap_or_default();
        let own: Result<_, _> = own
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(network::parse)
            .collect();
        Ok(Some(Self {
            set: set_of_waf,
            own: own.context(OWN_VARIABLE)?,
            variables,
        }))
    }

    pub(crate) async fn update(&self, metrics: &Namespace) -> anyhow::Result<AllowListOutcome> {
        let addresses = self.spacelift().await?.outgoing_addresses().await?;
        let wanted = wanted(&addresses, &self.own)?;
        let client = Client::new(&aws::patient_config().await);
        let get = client.get_ip_set().scope(Scope::Regional);
        let get = get.name(&self.set.name).id(&self.set.id).send().await;
        let get = get.context("WAF does not give the list")?;
        let current = get.ip_set().context("WAF gave no list")?;
        // An entry that we would not write counts as missing, and is written over.
        let known: BTreeSet<Ipv4Net> = current
            .addresses()
            .iter()
            .filter_map(|address| network::parse(address).ok())
            .collect();
        let changed = usize::from(known != wanted || known.len() != current.addresses().len());
        if changed > 0 {
            // WAF refuses the token if the list was changed in the meantime. The next run then sees the new one.
            let update = client.update_ip_set().scope(Scope::Regional);
            let update = update
                .name(&self.set.name)
                .id(&self.set.id)
                .set_description(current.description().map(str::to_owned))
                .set_addresses(Some(wanted.iter().map(Ipv4Net::to_string).collect()))
                .set_lock_token(get.lock_token().map(str::to_owned));
            update.send().await.context("WAF does not take the new list")?;
            let added: Vec<_> = wanted.difference(&known).collect();
            let removed: Vec<_> = known.difference(&wanted).collect();
            info!("Changed the allowed addresses: added {added:?}, removed {removed:?}");
        }
        metrics.emit(Line::default().metric("AllowedAddressesChanged", Unit::Count, changed));
        Ok(match changed {
            0 => AllowListOutcome::Unchanged,
            _ => AllowListOutcome::Updated,
        })
    }

    async fn spacelift(&self) -> anyhow::Result<Spacelift> {
        let mut variables = self.variables.clone();
        SecretVariables::SPACELIFT.read_into(&mut variables).await?;
        Ok(Spacelift::from_lookup(|name| variables.get(name).cloned())?)
    }
}

/// What the list has to be: Spacelift's addresses, and the operator's networks.
///
/// An answer that is not understood changes nothing: without the right addresses every delivery would be blocked.
fn wanted(addresses: &[String], own: &BTreeSet<Ipv4Net>) -> anyhow::Result<BTreeSet<Ipv4Net>> {
    ensure!(
        addresses.len() <= ADDRESSES_MAX,
        "Spacelift names {} addresses, more than the {ADDRESSES_MAX} that are believed",
        addresses.len()
    );
    let mut wanted = BTreeSet::new();
    for address in addresses {
        let network = network::of_address(address)
            .context("the list of addresses that Spacelift gives is not understood")?;
        if let Some(network) = network {
            wanted.insert(network);
        } else {
            // The API that the list protects has IPv4 addresses only, so no delivery comes from there.
            warn!("Left out Spacelift's address {address}: the webhook is reached over IPv4 only");
        }
    }
    if wanted.is_empty() {
        bail!("Spacelift names no IPv4 address of its own, and an empty list would block every delivery");
    }
    wanted.extend(own);
    Ok(wanted)
}

impl FromStr for IpSet {
    type Err = anyhow::Error;

    fn from_str(arn: &str) -> anyhow::Result<Self> {
        let path = arn.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(4));
        let parts: Vec<&str> = path.unwrap_or_default().split('/').collect();
        match parts[..] {
            ["regional", "ipset", name, id] => Ok(Self {
                name: name.to_owned(),
                id: id.to_owned(),
            }),
            _ => bail!("`{arn}` is not the ARN of a regional IP set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "198.51.100.0/24";

    fn check(addresses: &[&str]) -> Result<String, String> {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let own = [network::parse(OWN).unwrap()].into();
        wanted(&addresses, &own)
            .map(|networks| {
                let networks: Vec<String> = networks.iter().map(Ipv4Net::to_string).collect();
                networks.join(" ")
            })
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_list_has_spacelifts_addresses_and_the_operators_networks() {
        let wanted = "192.0.2.1/32 192.0.2.2/32 198.51.100.0/24";
        assert_eq!(check(&["192.0.2.2", "192.0.2.1", "192.0.2.2"]).unwrap(), wanted);
        assert_eq!(check(&["192.0.2.2", "2001:db8::1", "192.0.2.1"]).unwrap(), wanted);
    }

    #[test]
    fn an_answer_that_is_not_understood_is_refused_as_a_whole() {
        let many: Vec<String> = (0..=ADDRESSES_MAX)
            .map(|at| format!("10.0.{}.{}", at / 256, at % 256))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (addresses, said) in [
            (&[][..], "no IPv4 address"),
            (&["2001:db8::1"], "no IPv4 address"),
            (&["192.0.2.1", "0.0.0.0/0"], "`0.0.0.0/0` is not an IP address"),
            (&["192.0.2.1", ""], "`` is not an IP address"),
            (&many, "501 addresses"),
        ] {
            let refused = check(addresses).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn an_ip_set_is_named_by_its_arn() {
        let arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/Addresses-x1/0a1b-2c3d";
        let set = IpSet {
            name: "Addresses-x1".to_owned(),
            id: "0a1b-2c3d".to_owned(),
        };
        assert_eq!(arn.parse::<IpSet>().unwrap(), set);
        for wrong in [
            "",
            "arn:aws:wafv2",
            &arn.replace("ipset", "webacl"),
            &arn.replace("regional", "global"),
        ] {
            assert!(wrong.parse::<IpSet>().is_err(), "{wrong}");
        }
    }
}
