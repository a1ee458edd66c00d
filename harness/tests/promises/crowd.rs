//! Contention: many processes at the same moment, that all want the same.

use std::collections::BTreeSet;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use futures_util::future::join_all;
use nix::sys::signal::Signal;

use crate::REAPED;
use crate::child::{self, Child};
use crate::owner_of::{self, NETWORK, READY, WANTED, says};

/// As many as four cores' test runner starts, twice.
const PROCESSES: usize = 8;

/// P8, P14: each begins its search at the same subnet, which a network that is none of ours has. Ours are eight others,
/// theirs stays, and all are killed.
#[tokio::test]
async fn eight_processes_at_once_have_eight_subnets() {
    let child = Child::new("crowd").await;
    let docker = child.engine.docker();
    let foreign = format!("{}-foreign", child.name);
    let config = IpamConfig {
        subnet: Some(WANTED.to_owned()),
        ..IpamConfig::default()
    };
    let request = NetworkCreateRequest {
        name: foreign.clone(),
        ipam: Some(Ipam {
            config: Some(vec![config]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    };
    docker.create_network(request).await.expect("nothing else is on it");
    let spawn = |number: usize| {
        let name = format!("{}-{number}", child.name);
        owner_of::command(&child, &name, NETWORK).spawn().expect("it starts")
    };
    let mut owners: Vec<_> = (0..PROCESSES).map(spawn).collect();
    let said = join_all(owners.iter_mut().map(|owner| says(owner, READY))).await;
    let subnets = said.iter().flatten().filter_map(|line| line.strip_prefix("subnet "));
    let subnets: BTreeSet<&str> = subnets.collect();
    let there = child.objects().await;

    for owner in &owners {
        child::send(owner, Signal::SIGKILL);
    }
    for owner in &mut owners {
        owner.wait().await.expect("it ends");
    }
    child.assert_gone_within(REAPED).await;

    let stays = docker.remove_network(&foreign).await;
    stays.expect("nobody removed it, and nobody is on it");
    assert_eq!((subnets.len(), there.len()), (PROCESSES, PROCESSES), "{said:?}");
    assert!(!subnets.contains(WANTED), "{subnets:?}");
}
