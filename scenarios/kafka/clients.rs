//! librdkafka, on the machine of the tests: it reaches brokers by the endpoints that `dcos kafka` prints.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::await_until::{Probe, Wait};
use harness::deadlines::Deadline;
use harness::workload::kafka::client_settings;
use harness::{Error, Kind, Result};
use rdkafka::Message as _;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::util::Timeout;

/// One question to a broker.
const REQUEST: Duration = Duration::from_secs(20);
/// Messages are on their way for less than a minute, whatever happens to brokers meanwhile.
const MESSAGES: Deadline = Deadline::custom("KAFKA_MESSAGES", Duration::from_secs(60));

/// Clients of some brokers.
#[derive(Clone, Debug)]
pub(super) struct Clients {
    config: ClientConfig,
    endpoints: String,
}

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) offset: i64,
    pub(super) text: String,
}

impl Clients {
    /// Of brokers of Kafka `version`, of which `endpoints`, separated by commas, are asked first.
    pub(super) fn of(version: &str, endpoints: &str) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", endpoints)
            .set("client.id", "scenario")
            .set("socket.timeout.ms", "5000")
            .set("reconnect.backoff.max.ms", "500");
        for (name, value) in client_settings(version) {
            config.set(name, value);
        }
        Clients {
            config,
            endpoints: endpoints.to_owned(),
        }
    }

    fn failed(&self, what: &str, error: KafkaError) -> Error {
        Error::new(Kind::Answer, format!("{what} at {} fails", self.endpoints))
            .caused_by(error)
            .ran(format!("kafkacat -L -b {}", self.endpoints))
    }

    /// A producer whose messages count when every replica in sync has them. It sends none twice: a request has as long as
    /// its message.
    pub(super) fn producer(&self) -> Result<FutureProducer> {
        self.producer_with(&[("message.timeout.ms", "50000"), ("socket.timeout.ms", "50000")])
    }

    /// The same, for brokers that come and go: it gives a message up when Kafka's own producer does, after two minutes
    /// (`delivery.timeout.ms`), and for no other reason. A broker that has just started knows no topic until the
    /// controller has told it of them; librdkafka believes it (its issue 4401) unless a topic may take longer to be known.
    pub(super) fn patient_producer(&self) -> Result<FutureProducer> {
        self.producer_with(&[
            ("message.timeout.ms", "120000"),
            ("socket.timeout.ms", "15000"),
            ("topic.metadata.propagation.max.ms", "600000"),
        ])
    }

    fn producer_with(&self, settings: &[(&str, &str)]) -> Result<FutureProducer> {
        let mut config = self.config.clone();
        config.set("acks", "all").set("linger.ms", "0");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config.create().map_err(|error| self.failed("producing", error))
    }

    fn consumer(&self) -> Result<StreamConsumer> {
        let mut config = self.config.clone();
        // Partitions are assigned by hand: groups are of Kafka 0.9.
        config.set("group.id", "scenario").set("enable.auto.commit", "false");
        config.create().map_err(|error| self.failed("consuming", error))
    }

    /// What the brokers say of themselves and of `topic`, or of all. A producer asks: a consumer would have them make the
    /// topic of its group's offsets.
    pub(super) async fn metadata(&self, topic: Option<&str>) -> Result<Metadata> {
        let producer = self.producer()?;
        let topic = topic.map(str::to_owned);
        let asked = tokio::task::spawn_blocking(move || producer.client().fetch_metadata(topic.as_deref(), REQUEST));
        let answer = asked.await.map_err(|error| Error::internal(error.to_string()))?;
        answer.map_err(|error| self.failed("asking for metadata", error))
    }

    /// Waits until each of the partitions that `topic` has is led, and has as many replicas in sync as `replicas`.
    pub(super) async fn await_topic(&self, topic: &str, replicas: usize) -> Result<()> {
        let in_sync = |found: &Metadata| {
            let topics = found.topics().iter().filter(|one| one.name() == topic);
            let partitions: Vec<(i32, i32, usize)> = topics
                .flat_map(|topic| topic.partitions())
                .map(|partition| (partition.id(), partition.leader(), partition.isr().len()))
                .collect();
            let whole = |(_, leader, isr): &(i32, i32, usize)| *leader >= 0 && *isr == replicas;
            match !partitions.is_empty() && partitions.iter().all(whole) {
                true => Ok(()),
                false => Err(format!("partition, leader, in sync: {partitions:?}")),
            }
        };
        Wait::that(format!("{topic} has {replicas} replicas in sync"), MESSAGES)
            .until(async || match self.metadata(Some(topic)).await {
                Ok(found) => match in_sync(&found) {
                    Ok(()) => Probe::Ready(()),
                    Err(reason) => Probe::NotYet(reason),
                },
                Err(error) => Probe::NotYet(error.to_string()),
            })
            .await
    }

    /// Sends messages one after the other, each once the one before it is acknowledged, and gives their offsets.
    pub(super) async fn produce(&self, topic: &str, messages: &[&str]) -> Result<Vec<i64>> {
        let producer = self.producer()?;
        let mut offsets = Vec::new();
        for message in messages {
            let record: FutureRecord<'_, (), str> = FutureRecord::to(topic).partition(0).payload(message);
            let sent = producer.send(record, Timeout::Never);
            let sent =
                Wait::that(format!("{message:?} is acknowledged"), MESSAGES).for_future(async { Ok(sent.await) });
            let delivered = sent.await?.map_err(|(error, _)| self.failed("producing", error))?;
            offsets.push(delivered.offset);
        }
        Ok(offsets)
    }

    /// Sends `message` again and again, until the broker refuses it and says `why`.
    pub(super) async fn await_refusal(&self, topic: &str, message: &str, why: &str) -> Result<()> {
        Wait::that(format!("a message of {} bytes is refused", message.len()), MESSAGES)
            .until(async || match self.produce(topic, &[message]).await {
                Ok(offsets) => Probe::NotYet(format!("it was taken, at {offsets:?}")),
                Err(error) if error.explain().contains(why) => Probe::Ready(()),
                Err(error) => Probe::Broken(error),
            })
            .await
    }

    /// The first `count` messages of partition 0.
    pub(super) async fn consume(&self, topic: &str, count: usize) -> Result<Vec<Read>> {
        self.read(topic, 0, count).await
    }

    /// Every message of the first `partitions` partitions.
    pub(super) async fn consume_all(&self, topic: &str, partitions: i32) -> Result<BTreeMap<i32, Vec<Read>>> {
        let mut all = BTreeMap::new();
        for partition in 0..partitions {
            let end = self.end(topic, partition).await?;
            let read = self.read(topic, partition, usize::try_from(end).unwrap_or_default());
            all.insert(partition, read.await?);
        }
        Ok(all)
    }

    /// The offset that a partition's next message gets. A leader that was elected just now does not know it yet.
    async fn end(&self, topic: &str, partition: i32) -> Result<i64> {
        Wait::that(format!("the leader of {topic} {partition} tells its end"), MESSAGES)
            .until(async || {
                let consumer = match self.consumer() {
                    Ok(consumer) => consumer,
                    Err(error) => return Probe::NotYet(error.to_string()),
                };
                let name = topic.to_owned();
                let asked = tokio::task::spawn_blocking(move || consumer.fetch_watermarks(&name, partition, REQUEST));
                match asked.await {
                    Ok(Ok((_, end))) => Probe::Ready(end),
                    Ok(Err(error)) => Probe::NotYet(error.to_string()),
                    Err(error) => Probe::NotYet(error.to_string()),
                }
            })
            .await
    }

    async fn read(&self, topic: &str, partition: i32, count: usize) -> Result<Vec<Read>> {
        let consumer = self.consumer()?;
        let mut partitions = TopicPartitionList::new();
        let assigned = partitions
            .add_partition_offset(topic, partition, Offset::Beginning)
            .and_then(|()| consumer.assign(&partitions));
        assigned.map_err(|error| self.failed("consuming", error))?;
        let read = async {
            let mut read = Vec::new();
            while read.len() < count {
                match consumer.recv().await {
                    Ok(message) => read.push(Read {
                        offset: message.offset(),
                        text: String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned(),
                    }),
                    // A broker that went: the client looks for the next leader by itself.
                    Err(error) if passes(&error) => {}
                    Err(error) => return Err(self.failed("consuming", error)),
                }
            }
            Ok(read)
        };
        Wait::that(format!("{count} messages of {topic} are read"), MESSAGES)
            .for_future(read)
            .await
    }
}

/// What a client gets over by itself: leaders move, and a broker that has just started knows of nothing yet.
fn passes(error: &KafkaError) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    let passing = [
        Code::AllBrokersDown,
        Code::BrokerTransportFailure,
        Code::FencedLeaderEpoch,
        Code::LeaderNotAvailable,
        Code::NotLeaderForPartition,
        Code::OffsetNotAvailable,
        Code::OperationTimedOut,
        Code::UnknownLeaderEpoch,
        Code::UnknownPartition,
        Code::UnknownTopicOrPartition,
    ];
    error.rdkafka_error_code().is_some_and(|code| passing.contains(&code))
}
