//! What a producer was told, against what can be read afterwards.

use std::collections::{BTreeMap, BTreeSet};

use harness::{Error, Result};
use rdkafka::producer::FutureRecord;
use rdkafka::util::Timeout;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clients::{Clients, Read};

/// What became of the messages of one producer. Each is its number, as text.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    /// Number, partition and offset of each message that was acknowledged, in the order that they were sent in.
    pub(super) acknowledged: Vec<(u64, i32, i64)>,
    /// Messages that were given up.
    pub(super) failed: usize,
}

/// A producer that sends until it is told to end.
#[derive(Debug)]
pub(super) struct Load {
    stop: watch::Sender<bool>,
    sent: watch::Receiver<u64>,
    producer: JoinHandle<Result<History>>,
}

impl Load {
    /// Sends numbered messages to the partitions of `topic` by turns, each when the one before it is acknowledged.
    pub(super) fn begin(clients: &Clients, topic: &str, partitions: i32) -> Result<Self> {
        let producer = clients.producer()?;
        let topic = topic.to_owned();
        let (stop, stopped) = watch::channel(false);
        let (counter, sent) = watch::channel(0);
        let producer = tokio::spawn(async move {
            let mut history = History::default();
            let mut partitions = (0..partitions).cycle();
            for number in 0_u64.. {
                if *stopped.borrow() {
                    break;
                }
                let text = number.to_string();
                let partition = partitions.next().unwrap_or_default();
                let record: FutureRecord<'_, (), str> = FutureRecord::to(&topic).partition(partition).payload(&text);
                match producer.send(record, Timeout::Never).await {
                    Ok(delivered) => history
                        .acknowledged
                        .push((number, delivered.partition, delivered.offset)),
                    Err(_) => history.failed += 1,
                }
                counter.send_replace(number + 1);
            }
            Ok(history)
        });
        Ok(Load { stop, sent, producer })
    }

    /// Waits until `count` more messages have come to an end.
    pub(super) async fn goes_on(&mut self, count: u64) -> Result<()> {
        let until = *self.sent.borrow() + count;
        let told = self.sent.wait_for(|sent| *sent >= until).await;
        told.map(drop).map_err(|_| Error::internal("the producer ended"))
    }

    /// Ends it, and says what it was told.
    pub(super) async fn end(self) -> Result<History> {
        self.stop.send_replace(true);
        self.producer
            .await
            .map_err(|error| Error::internal(error.to_string()))?
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
