//! What a node's own clients made: nobody but its Docker ever knew of it.

use bollard::query_parameters::ListImagesOptionsBuilder;
use harness::docker::removal::{self, Object, Selection};
use nix::sys::signal::Signal;

use crate::REAPED;
use crate::child::{self, Child};
use crate::owner_of::{self, DOCKER, READY, says};

/// P6: containers, networks, volumes with and without a name, and images, those too that a build left which failed.
#[tokio::test]
async fn kill_9_leaves_nothing_of_a_nodes_docker() {
    let child = Child::new("docker").await;
    let mut owner = owner_of::command(&child, &child.name, DOCKER)
        .spawn()
        .expect("it starts");
    let said = says(&mut owner, READY).await;
    assert!(said.iter().any(|line| line.starts_with("web Up")), "{said:#?}");
    let found = removal::list(&child.engine, &Selection::cluster(&child.name)).await;
    let found = found.expect("the engine lists");
    let count = |is: fn(&Object) -> bool| found.iter().filter(|object| is(object)).count();
    // The named one begins what the failed build left, beneath which it is.
    assert!(images(&child).await > 4, "every step of both builds is ours");
    // The cluster's own, the node's bridge, and the one that was made by hand.
    assert_eq!(count(|object| matches!(object, Object::Network(_))), 3, "{found:?}");
    // Work, runtime, sockets; then named, nameless, left and that of the image.
    assert_eq!(count(|object| matches!(object, Object::Volume(_))), 7, "{found:?}");

    child::send(&owner, Signal::SIGKILL);
    owner.wait().await.expect("it ends");
    child.assert_gone_within(REAPED).await;
    assert_eq!(images(&child).await, 0, "nor is there one beneath another");
}

/// How many images the engine has of the cluster, those too on which others stand.
async fn images(child: &Child) -> usize {
    let selection = Selection::cluster(&child.name);
    let filters = selection.filters();
    let options = ListImagesOptionsBuilder::new().all(true).filters(&filters).build();
    let images = child.engine.docker().list_images(Some(options)).await;
    images.expect("the engine lists").len()
}
