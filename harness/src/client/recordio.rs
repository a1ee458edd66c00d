//! RecordIO: the framing of every Mesos event stream, `<length in decimal>\n<bytes>` (Mesos
//! `docs/recordio.md`; the v1 scheduler, executor and operator APIs).

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

/// The longest header: the digits of the largest 64-bit number.
const HEADER_LIMIT: usize = 20;

/// Why a stream is not RecordIO.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// A length is not a decimal number.
    #[error("`{0}` stands where the length of a record is expected")]
    Length(String),
    /// No newline ends the length.
    #[error("no newline within {HEADER_LIMIT} bytes of a record's start: `{0}`")]
    Header(String),
    /// One record is larger than this reader takes.
    #[error("a record of {length} bytes is over the limit of {limit}")]
    TooLarge {
        /// The record's announced length in bytes.
        length: u64,
        /// What the reader takes, in bytes.
        limit: usize,
    },
    /// The stream ended inside a record.
    #[error("the stream ended inside a record, {missing} bytes short")]
    Truncated {
        /// How many bytes were still to come; 1 where not even the length was whole.
        missing: usize,
    },
}

/// Cuts a byte stream into records, however it is split.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    buffer: BytesMut,
    /// The length of the record that is being read, once its header is whole.
    expected: Option<usize>,
    ready: VecDeque<Bytes>,
    failed: Option<RecordError>,
}

impl Decoder {
    /// A decoder that refuses records over `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Decoder {
            limit,
            buffer: BytesMut::new(),
            expected: None,
            ready: VecDeque::new(),
            failed: None,
        }
    }

    /// Takes the next bytes of the stream.
    ///
    /// # Errors
    /// What is wrong with the stream. Records before the fault can still be taken; nothing after it is read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.buffer.extend_from_slice(bytes);
        self.cut().inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The next whole record.
    pub fn pop(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    /// The stream is over.
    ///
    /// # Errors
    /// [`RecordError::Truncated`] where it ended inside a record, or the fault found before.
    pub fn finish(&self) -> Result<(), RecordError> {
        match (&self.failed, self.expected) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(expected)) => Err(RecordError::Truncated {
                missing: expected - self.buffer.len(),
            }),
            (None, None) if self.buffer.is_empty() => Ok(()),
            (None, None) => Err(RecordError::Truncated { missing: 1 }),
        }
    }

    fn cut(&mut self) -> Result<(), RecordError> {
        loop {
            let expected = match self.expected {
                Some(expected) => expected,
                None => match self.header()? {
                    Some(expected) => expected,
                    None => return Ok(()),
                },
            };
            self.expected = Some(expected);
            if self.buffer.len() < expected {
                return Ok(());
            }
            self.expected = None;
            self.ready.push_back(self.buffer.split_to(expected).freeze());
        }
    }

    fn header(&mut self) -> Result<Option<usize>, RecordError> {
        let window = &self.buffer[..self.buffer.len().min(HEADER_LIMIT + 1)];
        let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
            if window.len() > HEADER_LIMIT {
                return Err(RecordError::Header(String::from_utf8_lossy(window).into_owned()));
            }
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&window[..end]).into_owned();
        // `parse` alone would take a leading plus sign.
        let length = Some(&text)
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<u64>().ok())
            .ok_or(RecordError::Length(text))?;
        let fits = usize::try_from(length).ok().filter(|length| *length <= self.limit);
        let fits = fits.ok_or(RecordError::TooLarge {
            length,
            limit: self.limit,
        })?;
        self.buffer.advance(end + 1);
        Ok(Some(fits))
    }
}

/// One record, framed.
#[must_use]
pub fn encode(record: &[u8]) -> Vec<u8> {
    let mut framed = format!("{}\n", record.len()).into_bytes();
    framed.extend_from_slice(record);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: [&[u8]; 5] = [b"{\"type\":\"HEARTBEAT\"}", b"", b"12\n34", b"\n", b"last"];

    fn stream() -> Vec<u8> {
        RECORDS.iter().flat_map(|record| encode(record)).collect()
    }

    fn taken(decoder: &mut Decoder) -> Vec<Bytes> {
        std::iter::from_fn(|| decoder.pop()).collect()
    }

    #[test]
    fn every_pair_of_split_points_gives_the_same_records() {
        let stream = stream();
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let mut decoder = Decoder::new(64);
                let mut records = Vec::new();
                for part in [&stream[..first], &stream[first..second], &stream[second..]] {
                    decoder.push(part).expect("a sound stream");
                    records.extend(taken(&mut decoder));
                }
                assert_eq!(records, RECORDS, "split at {first} and {second}");
                decoder.finish().expect("it ends between records");
            }
        }
    }

    #[test]
    fn byte_by_byte_gives_the_same_records() {
        let mut decoder = Decoder::new(64);
        for byte in stream() {
            decoder.push(&[byte]).expect("a sound stream");
        }
        assert_eq!(taken(&mut decoder), RECORDS);
    }

    #[test]
    fn every_truncation_inside_a_record_is_noticed() {
        let stream = stream();
        let mut edges = vec![0];
        for record in RECORDS {
            edges.push(edges.last().expect("one edge") + encode(record).len());
        }
        for end in 0..=stream.len() {
            let mut decoder = Decoder::new(64);
            decoder.push(&stream[..end]).expect("a sound beginning");
            assert_eq!(decoder.finish().is_ok(), edges.contains(&end), "cut at {end}");
        }
        let mut decoder = Decoder::new(64);
        decoder.push(b"10\nabc").expect("a sound beginning");
        assert_eq!(decoder.finish(), Err(RecordError::Truncated { missing: 7 }));
    }

    #[test]
    fn faults_are_named_and_stay() {
        let long = "1".repeat(HEADER_LIMIT + 1);
        let cases = [
            ("abc\n", RecordError::Length("abc".to_owned())),
            ("+5\nhello", RecordError::Length("+5".to_owned())),
            ("-1\n", RecordError::Length("-1".to_owned())),
            ("\n", RecordError::Length(String::new())),
            ("99999999999999999999\n", RecordError::Length("9".repeat(20))),
            ("65\n", RecordError::TooLarge { length: 65, limit: 64 }),
            (long.as_str(), RecordError::Header(long.clone())),
        ];
        for (stream, expected) in cases {
            let mut decoder = Decoder::new(64);
            assert_eq!(decoder.push(stream.as_bytes()), Err(expected.clone()), "{stream:?}");
            assert_eq!(
                decoder.push(b"2\nok"),
                Err(expected.clone()),
                "nothing is read after a fault"
            );
            assert_eq!(decoder.finish(), Err(expected));
        }
    }

    #[test]
    fn records_before_a_fault_are_kept() {
        let mut decoder = Decoder::new(64);
        decoder.push(b"2\nokx\n").expect_err("x is no length");
        assert_eq!(taken(&mut decoder), [Bytes::from_static(b"ok")]);
    }

    #[test]
    fn a_record_of_exactly_the_limit_passes() {
        let mut decoder = Decoder::new(4);
        decoder.push(b"4\nabcd").expect("4 is not over 4");
        assert_eq!(decoder.pop(), Some(Bytes::from_static(b"abcd")));
    }
}
