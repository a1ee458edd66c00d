//! A cluster's own bridge network: a private /24 that collides with nothing on the machine.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptions;

use super::Engine;
use super::engine::refusal;
use crate::labels::Labels;
use crate::{Error, Kind, Result, interrupt, lease};

/// The second octets that clusters use: 10.64.0.0 to 10.127.255.0, far from Docker's own pools (172.16/12, 192.168/16).
const SECOND_OCTETS: std::ops::Range<u8> = 64..128;
/// How many free-looking subnets are tried before giving up: another process may take one between look and create.
const TRIES: usize = 32;

/// A /24, by its first three octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subnet([u8; 3]);

impl Subnet {
    /// The address with the last octet `host`.
    #[must_use]
    pub fn address(self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.0;
        Ipv4Addr::new(a, b, c, host)
    }

    /// Of `10.64.3.0/24`, or any address inside it.
    #[must_use]
    pub fn containing(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        Subnet([a, b, c])
    }

    fn number(index: u16) -> Self {
        let per_octet = 256;
        let second = SECOND_OCTETS.start + u8::try_from(index / per_octet).expect("an index is below the pool's size");
        Subnet([
            10,
            second,
            u8::try_from(index % per_octet).expect("a remainder of 256 fits"),
        ])
    }

    fn overlaps(self, other: &(Ipv4Addr, u8)) -> bool {
        let (address, prefix) = *other;
        let common = prefix.min(24);
        let mask = if common == 0 {
            0
        } else {
            u32::MAX << (32 - u32::from(common))
        };
        u32::from(self.address(0)) & mask == u32::from(address) & mask
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/24", self.address(0))
    }
}

/// Creates a bridge network `name` on a free subnet.
///
/// `seed` spreads processes over the pool, so that they seldom want the same subnet. `None` where a network of that
/// name is there already.
///
/// # Errors
/// [`Kind::Environment`] where the engine refuses, or no subnet of the pool is free.
pub async fn create(engine: &Engine, name: &str, labels: &Labels, seed: u16) -> Result<Option<Subnet>> {
    let networks = list(engine).await?;
    // Engines before API 1.44 create a second network of the same name without a word.
    if networks.iter().any(|network| network.name.as_deref() == Some(name)) {
        return Ok(None);
    }
    let in_the_way = in_the_way(&networks);
    let taken = taken(networks);
    let size = u16::from(SECOND_OCTETS.end - SECOND_OCTETS.start) * 256;
    let candidates = (0..size)
        .map(|step| Subnet::number((seed % size + step) % size))
        .filter(|subnet| !taken.iter().any(|other| subnet.overlaps(other)));
    let mut tried = 0;
    for subnet in candidates.take(TRIES) {
        tried += 1;
        match create_on(engine, name, labels, subnet).await {
            Ok(id) => {
                let ours = is_first(engine, name, &id).await?.then_some(subnet);
                ours.iter().for_each(|_| lease::count(labels));
                return Ok(ours);
            }
            Err(error) if refusal(&error) == Some(409) => return Ok(None),
            // The engine answers 403 where the pool overlaps one of its networks.
            Err(error) if refusal(&error) == Some(403) => tracing::debug!("{subnet} is taken: {error:?}"),
            Err(error) => return Err(error),
        }
    }
    let error = Error::new(
        Kind::Environment,
        format!("no free /24 for the network {name} ({tried} tried)"),
    );
    Err(in_the_way
        .iter()
        .fold(error, Error::evidence)
        .expected("a free subnet between 10.64.0.0/24 and 10.127.255.0/24")
        .ran("docker network ls; ip route")
        .hint("`harness sweep` removes networks that dead runs left behind"))
}

/// The networks of the engine that have a part of the pool, a few of them, as evidence.
fn in_the_way(networks: &[Network]) -> Vec<String> {
    const SHOWN: usize = 5;
    let (first, last) = (SECOND_OCTETS.start, SECOND_OCTETS.end - 1);
    let pool = u32::from(Ipv4Addr::new(10, first, 0, 0))..=u32::from(Ipv4Addr::new(10, last, 255, 255));
    let touches = |subnet: &str| {
        parse_cidr(subnet).is_some_and(|(address, prefix)| {
            let size = 1u64 << (32 - u32::from(prefix.min(32)));
            let start = u64::from(u32::from(address));
            start <= u64::from(*pool.end()) && start + size > u64::from(*pool.start())
        })
    };
    let mut found: Vec<String> = networks
        .iter()
        .filter_map(|network| {
            let configs = network.ipam.as_ref()?.config.iter().flatten();
            let subnet = configs
                .filter_map(|config| config.subnet.as_deref())
                .find(|subnet| touches(subnet))?;
            Some(format!(
                "the network {} has {subnet}",
                network.name.as_deref().unwrap_or("without a name")
            ))
        })
        .collect();
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    found
}

async fn create_on(engine: &Engine, name: &str, labels: &Labels, subnet: Subnet) -> Result<String> {
    let config = IpamConfig {
        subnet: Some(subnet.to_string()),
        gateway: Some(subnet.address(1).to_string()),
        // Containers that ask for no address get one from here, never a node's.
        ip_range: Some(format!("{}/27", subnet.address(224))),
        ..IpamConfig::default()
    };
    let body = NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        ipam: Some(Ipam {
            config: Some(vec![config]),
            ..Ipam::default()
        }),
        labels: Some(labels.clone()),
        ..NetworkCreateRequest::default()
    };
    let _creating = interrupt::creating().await;
    let ran = format!("docker network create --subnet {subnet} {name}");
    let create = engine.docker().create_network(body);
    Ok(engine
        .request(&format!("create the network {name}"), ran, create)
        .await?
        .id)
}

/// False where another process made a network of the same name a moment earlier: ours is then removed again.
async fn is_first(engine: &Engine, name: &str, id: &str) -> Result<bool> {
    let mut same: Vec<Network> = list(engine).await?;
    same.retain(|network| network.name.as_deref() == Some(name));
    let first = same.iter().min_by_key(|network| (network.created, network.id.clone()));
    if first.is_none_or(|first| first.id.as_deref() == Some(id)) {
        return Ok(true);
    }
    let remove = engine.docker().remove_network(id);
    engine
        .request(
            &format!("remove the second network {name}"),
            format!("docker network rm {id}"),
            remove,
        )
        .await?;
    Ok(false)
}

async fn list(engine: &Engine) -> Result<Vec<Network>> {
    let networks = engine.docker().list_networks(None::<ListNetworksOptions>);
    engine.request("list its networks", "docker network ls", networks).await
}

/// Every IPv4 range that the engine's networks or the host's routes use.
fn taken(networks: Vec<Network>) -> HashSet<(Ipv4Addr, u8)> {
    let engines = networks
        .into_iter()
        .filter_map(|network| network.ipam?.config)
        .flatten()
        .filter_map(|config| parse_cidr(&config.subnet?));
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    engines.chain(routes.lines().skip(1).filter_map(parse_route)).collect()
}

/// How many subnets of the pool nothing uses, and how many the pool has.
///
/// # Errors
/// [`Kind::Environment`] where the engine does not list its networks.
pub async fn free(engine: &Engine) -> Result<(usize, usize)> {
    let taken = taken(list(engine).await?);
    let size = u16::from(SECOND_OCTETS.end - SECOND_OCTETS.start) * 256;
    let is_free = |subnet: &Subnet| !taken.iter().any(|other| subnet.overlaps(other));
    let free = (0..size).map(Subnet::number).filter(is_free).count();
    Ok((free, usize::from(size)))
}

fn parse_cidr(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    Some((address.parse().ok()?, prefix.parse().ok()?))
}

/// A line of `/proc/net/route` (interface, destination, gateway, …, mask; numbers in host-order hex); the default
/// route covers everything and says nothing about collisions.
fn parse_route(line: &str) -> Option<(Ipv4Addr, u8)> {
    let mut fields = line.split_whitespace();
    let destination = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
    let mask = u32::from_str_radix(fields.nth(5)?, 16).ok()?;
    if mask == 0 {
        return None;
    }
    Some((
        Ipv4Addr::from(u32::from_be(destination)),
        u8::try_from(mask.count_ones()).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_overlaps_what_contains_it_and_what_it_contains() {
        let subnet = Subnet([10, 70, 3]);
        for taken in ["10.0.0.0/8", "10.70.3.0/24", "10.70.3.128/25", "0.0.0.0/0"] {
            assert!(subnet.overlaps(&parse_cidr(taken).expect(taken)), "{taken}");
        }
        for free in ["10.70.4.0/24", "10.71.0.0/16", "172.17.0.0/16"] {
            assert!(!subnet.overlaps(&parse_cidr(free).expect(free)), "{free}");
        }
    }

    #[test]
    fn routes_are_read_in_the_kernels_byte_order() {
        let line = "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0";
        assert_eq!(parse_route(line), Some((Ipv4Addr::new(172, 17, 0, 0), 16)));
        assert_eq!(
            parse_route("eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0"),
            None
        );
    }

    #[test]
    fn the_pool_has_every_subnet_once() {
        let all: HashSet<_> = (0..64 * 256).map(Subnet::number).collect();
        assert_eq!(all.len(), 64 * 256);
        assert!(all.contains(&Subnet([10, 127, 255])));
    }
}
