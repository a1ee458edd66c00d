//! The sweep: removes what dead runs left behind, where even their reapers died. Never what a person keeps, never
//! what a live process owns, never what is not ours.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::Duration;

use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
};

use crate::docker::{Engine, Removed, Selection, removal};
use crate::labels::{self, Labels};
use crate::{Result, lease};

/// Objects of a lease that this machine has no file of (another machine may use the same engine) are left alone until
/// they are this old.
const FOREIGN_AGE: Duration = Duration::from_secs(6 * 3600);
/// What was created less than this long ago may belong to a lease that is being taken.
const YOUNG: Duration = Duration::from_secs(10);

/// Removes everything of every lease that is dead.
///
/// # Errors
/// [`crate::Kind::Environment`] where the engine does not list.
pub async fn sweep(engine: &Engine) -> Result<Removed> {
    let mut all = Removed::default();
    for (id, created) in leases(engine).await? {
        if is_dead(&id, created) {
            let removed = removal::remove(engine, &Selection::lease(&id)).await;
            all.removed.extend(removed.removed);
            all.leaked.extend(removed.leaked);
        }
    }
    Ok(all)
}

/// Every lease that something not kept is labelled with, and when its youngest object was made.
async fn leases(engine: &Engine) -> Result<BTreeMap<String, u64>> {
    let ours = Selection::ours();
    let (docker, filters) = (engine.docker(), ours.filters());
    let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
    let images = ListImagesOptionsBuilder::new().filters(&filters).build();
    let (containers, networks, volumes, images) = tokio::try_join!(
        engine.request(
            "list containers",
            "docker ps -a",
            docker.list_containers(Some(containers))
        ),
        engine.request(
            "list networks",
            "docker network ls",
            docker.list_networks(Some(networks))
        ),
        engine.request("list volumes", "docker volume ls", docker.list_volumes(Some(volumes))),
        engine.request("list images", "docker images", docker.list_images(Some(images))),
    )?;
    let labels = containers.into_iter().filter_map(|container| container.labels);
    let labels = labels.chain(networks.into_iter().filter_map(|network| network.labels));
    let labels = labels.chain(
        volumes
            .volumes
            .unwrap_or_default()
            .into_iter()
            .map(|volume| volume.labels),
    );
    let labels = labels.chain(images.into_iter().map(|image| image.labels));
    let mut youngest = BTreeMap::new();
    for (id, created) in labels.filter_map(|labels| owned(&labels)) {
        let entry = youngest.entry(id).or_insert(created);
        *entry = created.max(*entry);
    }
    Ok(youngest)
}

fn owned(labels: &Labels) -> Option<(String, u64)> {
    let kept = labels.get(labels::KEEP).is_some_and(|keep| keep == "1");
    let id = labels.get(labels::LEASE).filter(|_| !kept)?;
    Some((
        id.clone(),
        labels
            .get(labels::CREATED)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
    ))
}

fn is_dead(id: &str, created: u64) -> bool {
    let age = Duration::from_secs(labels::now().saturating_sub(created));
    match File::open(lease::lock_path(id)) {
        // Owner and reaper each hold a shared lock for as long as they live.
        Ok(file) => age >= YOUNG && file.try_lock().is_ok(),
        Err(_) => age >= FOREIGN_AGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_keeps_is_no_ones_leftover() {
        let mut labels = Labels::from([
            (labels::LEASE.to_owned(), "abc".to_owned()),
            (labels::CREATED.to_owned(), "12".to_owned()),
            (labels::KEEP.to_owned(), "0".to_owned()),
        ]);
        assert_eq!(owned(&labels), Some(("abc".to_owned(), 12)));
        labels.insert(labels::KEEP.to_owned(), "1".to_owned());
        assert_eq!(owned(&labels), None);
    }

    #[test]
    fn a_held_lease_is_alive_and_a_let_go_one_is_dead() {
        let id = format!("test-{}", uuid::Uuid::new_v4().simple());
        let held = lease::lock_file(&id).expect("a lease file");
        assert!(!is_dead(&id, 0));
        drop(held);
        assert!(is_dead(&id, 0));
        assert!(!is_dead(&id, labels::now()), "too young to judge");
        std::fs::remove_file(lease::lock_path(&id)).expect("the file was there");
        assert!(!is_dead(&id, labels::now() - 60), "perhaps another machine's");
    }
}
