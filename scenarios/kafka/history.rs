//! What a producer was told, against what can be read afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use harness::await_until::Wait;
use harness::deadlines::Deadline;
use harness::{Error, Kind, Result};
use rdkafka::producer::FutureRecord;
use rdkafka::util::Timeout;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clients::{Clients, Read};

/// Messages come to an end, whatever happens to brokers meanwhile: as many as a scenario waits for.
const PROGRESS: Deadline = Deadline::custom("KAFKA_PROGRESS", Duration::from_secs(150));

/// What became of the messages of one producer. Each is its number, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Number, partition and offset of each message that was acknowledged, in the order that they were sent in.
    pub(super) acknowledged: Vec<(u64, i32, i64)>,
    /// The message that was given up, and why. There is none after it.
    pub(super) failed: Option<String>,
}

/// A producer that sends until it is told to end, or gives a message up.
#[derive(Debug)]
pub(super) struct Load {
    stop: watch::Sender<bool>,
    told: watch::Receiver<History>,
    producer: JoinHandle<()>,
}

impl Load {
    /// Sends numbered messages to the partitions of `topic` by turns, each when the one before it is acknowledged.
    pub(super) fn begin(clients: &Clients, topic: &str, partitions: i32) -> Result<Self> {
        let producer = clients.patient_producer()?;
        let topic = topic.to_owned();
        let (stop, stopped) = watch::channel(false);
        let (history, told) = watch::channel(History::default());
        let producer = tokio::spawn(async move {
            let mut partitions = (0..partitions).cycle();
            for number in 0_u64.. {
                if *stopped.borrow() || history.borrow().failed.is_some() {
                    break;
                }
                let text = number.to_string();
                let partition = partitions.next().unwrap_or_default();
                let record: FutureRecord<'_, (), str> = FutureRecord::to(&topic).partition(partition).payload(&text);
                let began = Instant::now();
                let sent = producer.send(record, Timeout::Never).await;
                history.send_modify(|history| match sent {
                    Ok(to) => history.acknowledged.push((number, to.partition, to.offset)),
                    Err((error, _)) => {
                        let after = began.elapsed();
                        let acknowledged = history.acknowledged.len();
                        history.failed = Some(format!(
                            "{number}, to partition {partition}, after {after:.1?}: {error}; {acknowledged} were acknowledged"
                        ));
                    }
                });
            }
        });
        Ok(Load { stop, told, producer })
    }

    /// Waits until `count` more messages are acknowledged.
    ///
    /// # Errors
    /// [`Kind::Answer`] where one is given up; [`Kind::Deadline`].
    pub(super) async fn goes_on(&mut self, count: usize) -> Result<()> {
        let until = self.told.borrow().acknowledged.len() + count;
        let seen = self.told.clone();
        let so_far = async move { vec![format!("{} are acknowledged", seen.borrow().acknowledged.len())] };
        let told = &mut self.told;
        let more = async {
            let come = |history: &History| history.acknowledged.len() >= until || history.failed.is_some();
            let told = told.wait_for(come).await;
            let failed = told.map_err(|_| Error::internal("the producer ended"))?.failed.clone();
            match failed {
                None => Ok(()),
                Some(failed) => Err(Error::new(Kind::Answer, format!("a message is given up: {failed}"))),
            }
        };
        Wait::that(format!("{count} more messages are acknowledged"), PROGRESS)
            .explained_by(so_far)
            .for_future(more)
            .await
    }

    /// Ends it, and says what it was told.
    pub(super) async fn end(self) -> Result<History> {
        self.stop.send_replace(true);
        let ended = self.producer.await;
        ended.map_err(|error| Error::internal(error.to_string()))?;
        Ok(self.told.borrow().clone())
    }
}

impl History {
    /// What is wrong with what was `read` from each partition: messages that were acknowledged and are not there, or not
    /// at the offset that the producer was told, and messages out of their order. A message may be there twice: it was
    /// sent again when its acknowledgement was lost.
    pub(super) fn problems(&self, read: &BTreeMap<i32, Vec<Read>>) -> Vec<String> {
        let mut problems = Vec::new();
        for (number, partition, offset) in &self.acknowledged {
            let all = read.get(partition).map(Vec::as_slice).unwrap_or_default();
            let at = all.binary_search_by_key(offset, |message| message.offset);
            let at = at.ok().map(|index| &all[index]);
            match at {
                Some(message) if message.text == number.to_string() => {}
                Some(message) => problems.push(format!(
                    "partition {partition} has {} at offset {offset}, where {number} was acknowledged",
                    message.text
                )),
                None => problems.push(format!(
                    "{number} is lost: partition {partition} has no offset {offset}"
                )),
            }
        }
        for (partition, all) in read {
            let (mut in_order, mut greatest) = (BTreeSet::new(), 0);
            for number in all.iter().filter_map(|message| message.text.parse::<u64>().ok()) {
                if number >= greatest {
                    in_order.insert(number);
                    greatest = number;
                } else if !in_order.contains(&number) {
                    problems.push(format!("partition {partition} has {number} after {greatest}"));
                }
            }
        }
        problems
    }
}
