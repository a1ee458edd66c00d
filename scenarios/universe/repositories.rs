//! Sources of packages: what the client makes of them, and which it takes a package from.

use harness::evidence::Verdict;
use harness::package::{Universe, archive, index, source};
use harness::{Cluster, Result, check, check_contains, workspace};
use rstest::rstest;

use super::{packaged, updated};
use crate::dcos_cli::{cells, dcos, document};
use crate::redactions::assert_document;

const UNIVERSE: &str = "http://universe.example/universe.zip";
const MULTIVERSE: &str = "http://universe.example/multiverse.zip";

mod readme {
    use harness::evidence::Verdict;
    use harness::{Cluster, Result, check};
    use rstest::rstest;

    use super::super::{answered, packaged, updated, written};
    use super::{MULTIVERSE, UNIVERSE};
    use crate::dcos_cli::{cells, dcos, document};
    use crate::redactions::assert_text;

    /// README "Package Repositories": two sources, an update, and a package out of them with options of one's own.
    #[rstest]
    #[tokio::test]
    async fn packages_are_found_and_rendered(#[future] packaged: Result<Cluster>) -> Verdict {
        let cluster = packaged.await?;

        let update = dcos(&cluster, &["package", "update"]).await?.success()?.stdout;
        let search = dcos(&cluster, &["package", "search"]).await?.success()?.stdout;
        let options = written(
            &cluster,
            "/tmp/o.json",
            r#"{"helloworld": {"cpus": 0.5, "greeting": "It's me"}}"#,
        )
        .await?;
        let options = format!("--options={options}");
        let app = document(&cluster, &["package", "describe", "--app", &options, "helloworld"]).await?;

        check!(update == format!("Updating source [{MULTIVERSE}]\nUpdating source [{UNIVERSE}]\n"));
        assert_text(&cluster, "universe", "search", &search);
        check!((&app["cpus"], &app["mem"]) == (&0.5.into(), &32.into()));
        check!(app["env"]["GREETING"] == "It's me");
        cluster.finish().await
    }

    /// README "Package Repositories": a fork of a source takes its place by another configuration of the client.
    #[rstest]
    #[tokio::test]
    async fn source_is_forked_by_configuration(#[future] updated: Result<Cluster>) -> Verdict {
        let cluster = updated.await?;
        let before = document(&cluster, &["package", "describe", "helloworld"]).await?;
        check!(before["version"] == "0.2.0-multiverse", "the multiverse stands first");

        dcos(&cluster, &["config", "unset", "package.sources", "--index=0"])
            .await?
            .success()?;
        dcos(&cluster, &["config", "append", "package.sources", MULTIVERSE])
            .await?
            .success()?;
        dcos(&cluster, &["package", "update"]).await?.success()?;

        let sources = dcos(&cluster, &["package", "sources"]).await?.success()?.stdout;
        let urls: Vec<&str> = cells(&sources).into_iter().map(|row| row[1]).collect();
        check!(urls == [UNIVERSE, MULTIVERSE]);
        let after = document(&cluster, &["package", "describe", "helloworld"]).await?;
        check!(after["version"] == "0.2.0");
        let installed = answered(&cluster, &["package", "install", "--app", "helloworld"], "yes\n")
            .await?
            .success()?;
        check!(installed.stdout.contains("version [0.2.0]\n"), "{}", installed.stdout);
        let app = cluster.marathon().app("/helloworld").await?;
        check!(app.labels["DCOS_PACKAGE_SOURCE"] == UNIVERSE);
        cluster.finish().await
    }
}

#[rstest]
#[tokio::test]
async fn package_is_described(#[future] updated: Result<Cluster>) -> Verdict {
    let cluster = updated.await?;
    let describe = async |args: &[&str]| {
        let words: Vec<&str> = ["package", "describe"].iter().chain(args).copied().collect();
        dcos(&cluster, &words).await?.success()
    };

    let versions = describe(&["--package-versions", "hello-framework"]).await?.stdout;
    let package = document(&cluster, &["package", "describe", "hello-framework"]).await?;
    let template = describe(&["--app", "--package-version=0.1.0", "hello-framework"])
        .await?
        .stdout;
    let rendered = document(&cluster, &["package", "describe", "--app", "--render", "helloworld"]).await?;
    let command = document(&cluster, &["package", "describe", "--cli", "--render", "hello-cli"]).await?;
    let config = document(&cluster, &["package", "describe", "--config", "hello-framework"]).await?;

    let mut sorted: Vec<&str> = versions.lines().collect();
    sorted.sort_unstable();
    check!(sorted == ["0.1.0", "0.2.0"]);
    assert_document(&cluster, "universe", "describe", &package);
    assert_document(&cluster, "universe", "describe-app-rendered", &rendered);
    check_contains!(template, "\"id\": \"{{hello-framework.framework-name}}\"");
    check!(
        command["pip"][0]
            .as_str()
            .is_some_and(|line| line.ends_with("dcos_helloworld-0.1.0-py2.py3-none-any.whl"))
    );
    check!(config["properties"]["hello-framework"]["properties"]["tasks"]["maximum"] == 10);
    let nothing = dcos(&cluster, &["package", "describe", "no-such-package"]).await?;
    check!(nothing.exit_code == 1);
    check_contains!(nothing.stderr, "Package [no-such-package] not found");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn search_ranks_what_it_finds(#[future] updated: Result<Cluster>) -> Verdict {
    let cluster = updated.await?;

    let by_tag = dcos(&cluster, &["package", "search", "framework"])
        .await?
        .success()?
        .stdout;
    let by_pattern = dcos(&cluster, &["package", "search", "hello-*"])
        .await?
        .success()?
        .stdout;
    let nothing = dcos(&cluster, &["package", "search", "no-such-package"]).await?;

    let names = |table: &str| -> Vec<String> { cells(table).iter().skip(1).map(|row| row[0].to_owned()).collect() };
    check!(names(&by_tag) == ["hello-framework"]);
    check!(names(&by_pattern) == ["hello-cli", "hello-framework"]);
    check!(nothing.exit_code == 1);
    check_contains!(nothing.stderr, "No packages found.");
    cluster.finish().await
}

#[rstest]
#[tokio::test]
async fn validation_judges_every_descriptor(#[future] packaged: Result<Cluster>) -> Verdict {
    let cluster = packaged.await?;
    let good = dcos(&cluster, &["package", "update", "--validate"]).await?.success()?;
    check!(good.stderr == "" && good.stdout.contains(&format!("Updating source [{UNIVERSE}]")));
    cluster.down().await?;

    let universe = Universe::ours()?.archive("broken", broken_archive()?);
    let cluster = Cluster::builder()
        .marathon()
        .admin_router()
        .universe_of(universe)
        .boot()
        .await?;
    let bad = dcos(&cluster, &["package", "update", "--validate"]).await?;

    check_contains!(bad.stdout + &bad.stderr, "Source tree is not valid");
    let unchecked = dcos(&cluster, &["package", "update"]).await?;
    check!(
        unchecked.exit_code == 0,
        "nobody looks unless told to: {}",
        unchecked.stderr
    );
    cluster.finish().await
}

/// A source whose only package has a package.json that fits no schema.
fn broken_archive() -> Result<Vec<u8>> {
    let folder = workspace::fixtures().join("packages-broken/package.schema/sound");
    let sources = source::open(&folder)?;
    index::zip(&sources[0].alone(&sources[0].packages[0])?, "broken")
}

/// Each is served in the place of a source, beside one that is right.
#[rstest]
#[case::no_archive("<html>404</html>".into(), "Unable to fetch packages from")]
#[case::no_scripts(zip(&[("top/repo/meta/version.json", "{\"version\": \"1.0.0\"}")]), "Unable to fetch packages from")]
#[case::two_folders(zip(&[("a/scripts/x", ""), ("b/scripts/x", "")]), "Unable to fetch packages from")]
#[case::version(zip(&[("top/scripts/x", ""), ("top/repo/meta/version.json", "{\"version\": \"3.0.0\"}")]), "is not supported")]
#[tokio::test]
async fn bad_source_is_refused_by_name(#[case] archive: Vec<u8>, #[case] message: &str) -> Verdict {
    let universe = Universe::ours()?.archive("bad", archive);
    let cluster = Cluster::builder()
        .marathon()
        .admin_router()
        .universe_of(universe)
        .boot()
        .await?;

    let update = dcos(&cluster, &["package", "update"]).await?;

    let said = update.stdout + &update.stderr;
    check_contains!(said, message);
    check_contains!(said, "http://universe.example/bad.zip");
    let kept = document(&cluster, &["package", "describe", "hello-cli"]).await?;
    check!(kept["version"] == "0.1.0", "what is right is there all the same");
    cluster.finish().await
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes()));
    archive::write(files).expect("names are different")
}
