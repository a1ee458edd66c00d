//! From a task's change to the answers of Mesos-DNS.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use harness::client::mesos::{FrameworkSpec, TaskSpec, TaskState};
use harness::component::mesos_dns;
use harness::error::Context;
use harness::{Cluster, Error, Kind, Result, deadlines};
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use tokio::net::UdpSocket;

use crate::measure::{Entry, Limit, seconds};

/// What the original takes with its least period, one second.
const CHANGE: Limit = Limit::Median(1.1);
/// Between two questions: far below what is measured.
const PERIOD: Duration = Duration::from_millis(10);
/// The task's name in DNS.
const NAME: &str = "sleeps.bench.mesos.";

/// Tasks that come and go, one after the other; the first does not count.
pub(crate) async fn measure(tasks: u16) -> Result<Vec<Entry>> {
    let cluster = Cluster::builder().for_a_person().mesos_dns().boot().await?;
    let framework = cluster.framework(FrameworkSpec::new("bench")).await?;
    let server = cluster.master().address();
    let mut changes = Vec::new();
    for number in 0..=tasks {
        let task = framework.run(TaskSpec::command("sleeps", "exec sleep 600")).await?;
        task.await_state(TaskState::TaskRunning).await?;
        let came = until(server, true).await?;
        task.kill().await?;
        task.await_terminal().await?;
        let went = until(server, false).await?;
        if number > 0 {
            changes.extend([came, went]);
        }
    }
    framework.finish().await?;
    cluster.down().await?;
    let entry = Entry::new("dns.task-change", changes, Vec::new(), Some(CHANGE));
    Ok(entry.into_iter().collect())
}

/// How long it takes until the task has an address, or none.
async fn until(server: Ipv4Addr, is_there: bool) -> Result<f64> {
    let begin = Instant::now();
    let asking = async {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            ticks.tick().await;
            if has_address(server).await? == is_there {
                return Ok(seconds(begin.elapsed()));
            }
        }
    };
    let limit = deadlines::NAME_RESOLVED.limit();
    let asked = tokio::time::timeout(limit, asking).await;
    asked.map_err(|_| Error::new(Kind::Deadline, format!("{NAME} did not change within {limit:?}")))?
}

async fn has_address(server: Ipv4Addr) -> Result<bool> {
    let failed = || format!("Mesos-DNS at {server} cannot be asked");
    let name = Name::from_ascii(NAME).context(Kind::Internal, failed)?;
    let mut query = Message::query();
    query.add_query(Query::query(name, RecordType::A));
    let query = query.to_vec().context(Kind::Internal, failed)?;
    let exchange = async {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.connect(SocketAddr::from((server, mesos_dns::PORT))).await?;
        socket.send(&query).await?;
        let mut answer = vec![0; 512];
        let length = socket.recv(&mut answer).await?;
        answer.truncate(length);
        std::io::Result::Ok(answer)
    };
    let answer = exchange.await.context(Kind::Answer, failed)?;
    let answer = Message::from_vec(&answer).context(Kind::Answer, failed)?;
    Ok(!answer.answers.is_empty())
}
