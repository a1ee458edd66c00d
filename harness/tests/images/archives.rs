//! Images in an archive, on their way to another machine.

use std::path::Path;

use harness::image::Images;

use super::sandbox::in_sandbox;
use super::{DOCKERFILE, text};

#[tokio::test]
async fn an_archive_carries_the_images_to_a_machine_without_them() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let images = sandbox.images();
        let references = images.ensure_all(&images.known()).await.unwrap();
        let archive = sandbox.folder.path().join("images.tar");
        let saved = images.save(&archive).await.unwrap();
        assert_eq!(saved.images, references);

        for reference in &references {
            sandbox.remove(reference).await;
        }
        let error = images
            .save(&sandbox.folder.path().join("none.tar"))
            .await
            .expect_err("they are gone");
        assert!(error.explain().contains("harness images build"), "{error:?}");
        assert_eq!(images.load(&archive).await.unwrap().images, references);
        assert_eq!(images.verify().await.unwrap().images.len(), 2);

        truncated_and_foreign_archives_are_refused(&images, &archive).await;
        sandbox.write(&format!("images/{}/greeting", sandbox.tiny), "good day\n");
        let error = sandbox.images().load(&archive).await.expect_err("other sources");
        assert!(error.to_string().contains("other sources"), "{error}");
    })
    .await;
}

async fn truncated_and_foreign_archives_are_refused(images: &Images, archive: &Path) {
    let copy = archive.with_extension("copy");
    std::fs::copy(archive, &copy).unwrap();
    let size = std::fs::metadata(&copy).unwrap().len();
    std::fs::File::options()
        .write(true)
        .open(&copy)
        .unwrap()
        .set_len(size / 2)
        .unwrap();
    let error = images.load(&copy).await.expect_err("half an archive");
    assert!(error.to_string().contains("truncated"), "{error}");
    std::fs::write(&copy, "no archive").unwrap();
    let error = images.load(&copy).await.expect_err("no archive");
    assert!(error.to_string().contains("no archive of images"), "{error}");
}

#[tokio::test]
async fn an_archive_serves_a_machine_with_other_certificates() {
    in_sandbox(DOCKERFILE, async |sandbox| {
        let images = sandbox.images();
        images.ensure_all(&images.known()).await.unwrap();
        let archive = sandbox.folder.path().join("images.tar");
        images.save(&archive).await.unwrap();

        let bundle = sandbox.folder.path().join("bundle.pem");
        std::fs::write(
            &bundle,
            "-----BEGIN CERTIFICATE-----\nb3RoZXI=\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        let there = |args: &[&str]| sandbox.command(args).env("SSL_CERT_FILE", &bundle).output().unwrap();
        let before = there(&["verify"]);
        assert!(!before.status.success(), "its tags are others: {}", text(&before));
        let loaded = there(&["load", archive.to_str().unwrap()]);
        assert!(loaded.status.success(), "{}", text(&loaded));
        let here = images.reference(&sandbox.spec()).unwrap();
        assert!(
            !text(&loaded).contains(&here),
            "it prints its own tags: {}",
            text(&loaded)
        );
        let after = there(&["verify"]);
        assert!(after.status.success(), "{}", text(&after));
    })
    .await;
}
