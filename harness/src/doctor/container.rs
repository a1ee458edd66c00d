//! What only a container can tell: one short-lived container of an image of ours, and one that asks for privileges.

use std::net::Ipv4Addr;

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, ListImagesOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::StreamExt;

use super::{Ability, Answer};
use crate::await_until::Wait;
use crate::docker::{Engine, Selection};
use crate::{Result, deadlines, labels};

pub(super) const NAMES: [&str; 5] = ["net-admin", "nftables", "netem", "node-addresses", "privileged"];
const END: &str = "end of probes";

/// Each line is NAME|ANSWER|PROBE|OUTPUT. The container then lives on for a while, to be reached.
const SCRIPT: &str = r#"
probe() {
    name=$1 tool=$2
    shift 2
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "$name|unknown|$*|the image has no $tool"
    elif output=$("$@" 2>&1); then
        echo "$name|yes|$*|it works"
    else
        echo "$name|no|$*|$(printf %s "$output" | tr '\n|' '  ')"
    fi
}
effective=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
# Bit 12 of the capabilities is NET_ADMIN.
if [ $((0x$effective >> 12 & 1)) = 1 ]; then
    echo "net-admin|yes|docker run --cap-add NET_ADMIN|the container has it"
else
    echo "net-admin|no|docker run --cap-add NET_ADMIN|the container runs without it"
fi
probe nftables nft nft 'table inet probe { chain output { type filter hook output priority -300; ip daddr 192.0.2.1 drop; }; }'
probe netem tc tc qdisc add dev lo root netem delay 1ms
echo 'end of probes'
exec sleep 60
"#;

pub(super) async fn abilities(engine: &Engine) -> Vec<(String, Ability)> {
    let mut found = ask(engine).await.unwrap_or_else(|reason| {
        NAMES
            .map(|name| (name.to_owned(), Ability::new(Answer::Unknown, "", &reason)))
            .to_vec()
    });
    let answered: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    for name in NAMES
        .into_iter()
        .filter(|name| !answered.iter().any(|other| other == name))
    {
        found.push((
            name.to_owned(),
            Ability::new(Answer::Unknown, "", "the probe gave no answer"),
        ));
    }
    found
}

/// Images of ours by id, those with a person's tools in them first.
async fn images(engine: &Engine) -> Result<Vec<String>> {
    let ours = Selection::ours();
    let options = ListImagesOptionsBuilder::new().filters(&ours.filters()).build();
    let images = engine.docker().list_images(Some(options));
    let images = engine.request("list images", "docker images", images).await?;
    let mut named: Vec<(bool, String, String)> = images
        .into_iter()
        .filter_map(|image| Some((image.labels.get(labels::IMAGE)?.clone(), image.id)))
        .map(|(name, id)| (!name.contains("shell"), name, id))
        .collect();
    named.sort();
    Ok(named.into_iter().map(|(_, _, id)| id).collect())
}

/// The error is why nothing could be asked.
async fn ask(engine: &Engine) -> Result<Vec<(String, Ability)>, String> {
    let name = format!("mesos-harness-doctor-{}", std::process::id());
    let host = HostConfig {
        cap_add: Some(vec!["NET_ADMIN".to_owned()]),
        ..HostConfig::default()
    };
    let mut refusal = "no image of ours yet: `harness images build` makes them".to_owned();
    let mut chosen = None;
    // An image may hold no shell.
    for image in images(engine).await.map_err(|error| in_one_line(&error))? {
        match start(engine, &name, &image, SCRIPT, host.clone()).await {
            Ok(()) => {
                chosen = Some(image);
                break;
            }
            Err(error) => refusal = in_one_line(&error),
        }
        remove(engine, &name).await;
    }
    let image = chosen.ok_or(refusal)?;
    let answers = answers(engine, &name).await;
    remove(engine, &name).await;
    let mut found = answers.map_err(|error| in_one_line(&error))?;
    found.push(("privileged".to_owned(), privileged(engine, &name, &image).await));
    Ok(found)
}

async fn privileged(engine: &Engine, name: &str, image: &str) -> Ability {
    let name = format!("{name}-privileged");
    let host = HostConfig {
        privileged: Some(true),
        ..HostConfig::default()
    };
    let started = start(engine, &name, image, "exit 0", host).await;
    remove(engine, &name).await;
    let probe = "docker run --privileged";
    match started {
        Ok(()) => Ability::new(Answer::Yes, probe, "the engine starts them"),
        Err(error) => Ability::new(Answer::No, probe, in_one_line(&error)),
    }
}

/// The error and its causes.
fn in_one_line(error: &crate::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.replace('\n', " ")
}

async fn start(engine: &Engine, name: &str, image: &str, script: &str, host: HostConfig) -> Result<()> {
    let labels = [
        (labels::HARNESS, env!("CARGO_PKG_VERSION").to_owned()),
        (labels::COMPONENT, "doctor".to_owned()),
        (labels::RUN, "doctor".to_owned()),
        (labels::CREATED, labels::now().to_string()),
    ];
    let body = ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec!["/bin/sh".to_owned()]),
        cmd: Some(vec!["-c".to_owned(), script.to_owned()]),
        user: Some("0".to_owned()),
        labels: Some(labels.map(|(label, value)| (label.to_owned(), value)).into()),
        // It ends by itself; where we die before removing it, the engine does.
        host_config: Some(HostConfig {
            auto_remove: Some(true),
            ..host
        }),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::new().name(name).build();
    let create = engine.docker().create_container(Some(options), body);
    let ran = format!("docker create --name {name} {image}");
    engine.request("create a probe", ran, create).await?;
    let start = engine.docker().start_container(name, None::<StartContainerOptions>);
    engine
        .request("start a probe", format!("docker start {name}"), start)
        .await
}

async fn remove(engine: &Engine, name: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let remove = engine.docker().remove_container(name, Some(options));
    // It may have removed itself.
    if let Err(error) = engine
        .request("remove a probe", format!("docker rm -f {name}"), remove)
        .await
    {
        tracing::debug!("{}", error.explain());
    }
}

async fn answers(engine: &Engine, name: &str) -> Result<Vec<(String, Ability)>> {
    let lines = Wait::that("a probe in a container ends", deadlines::EXEC)
        .for_future(async { Ok(lines(engine, name).await) })
        .await?;
    let mut found: Vec<(String, Ability)> = lines.iter().filter_map(|line| parse(line)).collect();
    let inspect = engine.docker().inspect_container(name, None::<InspectContainerOptions>);
    let inspected = engine
        .request("inspect a probe", format!("docker inspect {name}"), inspect)
        .await?;
    let networks = inspected.network_settings.and_then(|settings| settings.networks);
    let addresses = networks.unwrap_or_default().into_values();
    let address = addresses.filter_map(|network| network.ip_address?.parse().ok()).next();
    found.push(("node-addresses".to_owned(), reach(address).await));
    Ok(found)
}

async fn lines(engine: &Engine, name: &str) -> Vec<String> {
    let options = LogsOptionsBuilder::new().stdout(true).follow(true).build();
    let mut stream = engine.docker().logs(name, Some(options));
    let mut text = String::new();
    while let Some(Ok(chunk)) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(&chunk.into_bytes()));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        if text.contains(END) {
            break;
        }
    }
    text.lines().map(str::to_owned).collect()
}

fn parse(line: &str) -> Option<(String, Ability)> {
    let mut fields = line.splitn(4, '|');
    let name = fields.next().filter(|name| NAMES.contains(name))?;
    let answer = match fields.next()? {
        "yes" => Answer::Yes,
        "no" => Answer::No,
        _ => Answer::Unknown,
    };
    let (probe, output) = (fields.next()?, fields.next()?);
    Some((name.to_owned(), Ability::new(answer, probe, output)))
}

/// A refused connection has arrived as well as an accepted one: nobody has to serve there.
async fn reach(address: Option<Ipv4Addr>) -> Ability {
    const PORT: u16 = 9;
    let Some(address) = address else {
        return Ability::new(Answer::Unknown, "", "the engine's default network gives no address");
    };
    let probe = format!("connect to a container at {address}:{PORT}");
    let limit = deadlines::CONTAINER_CONNECT.limit();
    match tokio::time::timeout(limit, tokio::net::TcpStream::connect((address, PORT))).await {
        Ok(Ok(_)) => Ability::new(Answer::Yes, probe, "a container's address answers"),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Ability::new(Answer::Yes, probe, "a container's address answers")
        }
        Ok(Err(error)) => Ability::new(Answer::No, probe, error.to_string()),
        Err(_) => Ability::new(Answer::No, probe, format!("no answer within {limit:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probes_lines_are_read() {
        let (name, ability) = parse("netem|no|tc qdisc add|Error: unknown qdisc").unwrap();
        assert_eq!((name.as_str(), ability.answer), ("netem", Answer::No));
        assert_eq!(ability.output, "Error: unknown qdisc");
        assert_eq!(parse(END), None);
        assert_eq!(parse("other|yes|x|y"), None);
    }

    #[tokio::test]
    async fn a_refused_connection_is_an_answer() {
        assert_eq!(reach(Some(Ipv4Addr::LOCALHOST)).await.answer, Answer::Yes);
        assert_eq!(reach(None).await.answer, Answer::Unknown);
    }
}
