//! The output of a container's main process, in lines.
//!
//! Nothing here outlives a container: a stream of its log ends when the container does, also where the engine keeps
//! the connection open.

use std::collections::VecDeque;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;

use bollard::container::LogOutput;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder, WaitContainerOptionsBuilder};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::time::Instant;

use crate::await_until::Wait;
use crate::deadlines;
use crate::docker::Engine;
use crate::docker::exec::{engine_error, quoted};
use crate::error::Context;
use crate::{Error, Kind, Result};

/// A line that is longer is given in pieces of this size.
const LINE_BYTES: usize = 64 << 10;
/// The most text that [`tail`] keeps: the last of it.
const TAIL_BYTES: usize = 8 << 20;

/// Which of its two streams a process wrote to; always the first where the container has a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line, without its end. What is no UTF-8 is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was written.
    pub source: Source,
    /// What was written.
    pub text: String,
}

/// Where a log is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The container's first line, of its first start.
    Beginning,
    /// So many lines before its present end.
    Last(usize),
    /// What was written at this second since the epoch, by the engine's clock, and later.
    Second(u32),
}

impl Start {
    fn options(self, follow: bool) -> LogsOptions {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).follow(follow);
        match self {
            Start::Beginning => options,
            Start::Last(lines) => options.tail(&lines.to_string()),
            Start::Second(second) => options.since(i32::try_from(second).unwrap_or(i32::MAX)),
        }
        .build()
    }

    fn pasteable(self, container: &str, follow: bool) -> String {
        let follow = if follow { " -f" } else { "" };
        let from = match self {
            Start::Beginning => String::new(),
            Start::Last(lines) => format!(" --tail {lines}"),
            Start::Second(second) => format!(" --since {second}"),
        };
        format!("docker logs{follow}{from} {}", quoted(container))
    }
}

/// The last `lines` lines of both streams in the order they were written, each with its newline; at most 8 MiB.
///
/// # Errors
/// [`Kind::Component`] where there is no such container, [`Kind::Deadline`] where the engine does not answer.
pub async fn tail(engine: &Engine, container: &str, lines: usize) -> Result<String> {
    let from = Start::Last(lines);
    let read = async {
        let mut log = std::pin::pin!(read(engine, container, from));
        let mut kept = VecDeque::new();
        let mut bytes = 0;
        while let Some(line) = log.next().await {
            let line = line?;
            bytes += line.text.len() + 1;
            kept.push_back(line.text);
            while bytes > TAIL_BYTES {
                bytes -= kept.pop_front().map_or(0, |oldest: String| oldest.len() + 1);
            }
        }
        Ok(kept.into_iter().map(|line| line + "\n").collect())
    };
    Wait::that(format!("the log of {container} is read"), deadlines::ENGINE_REQUEST)
        .blaming(Kind::Environment)
        .for_future(read)
        .await
        .map_err(|error: Error| error.ran(from.pasteable(container, false)))
}

/// As [`tail`], for evidence: why the log could not be read stands in its place.
pub async fn evidence(engine: &Engine, container: &str, lines: usize) -> String {
    tail(engine, container, lines)
        .await
        .unwrap_or_else(|error| format!("(no log: {error})\n"))
}

/// What the log holds now, line by line; the stream ends after an error.
pub fn read(engine: &Engine, container: &str, from: Start) -> impl Stream<Item = Result<Line>> + Send + use<> {
    lines(engine, container, from, false)
}

/// What the log holds and what is added to it, until the container ends; the stream ends after an error.
pub fn follow(engine: &Engine, container: &str, from: Start) -> impl Stream<Item = Result<Line>> + Send + use<> {
    lines(engine, container, from, true)
}

/// A container's log as [`print()`] shows it: what stands before each of its lines, and the container.
pub type Prefixed = (String, String);

/// Shows logs on this process's own streams, each line behind its log's prefix: what they hold from `from` on, and
/// with `follow` what is added until all of the containers, or the reader, end.
///
/// # Errors
/// [`Kind::Component`] where there is no such container, [`Kind::Environment`] where output cannot be written.
pub async fn print(engine: &Engine, logs: &[Prefixed], from: Start, follow: bool) -> Result<()> {
    let streams = logs.iter().map(|(prefix, container)| {
        let ran = from.pasteable(container, follow);
        lines(engine, container, from, follow)
            .map(move |line| (prefix, line.map_err(|error| error.ran(&ran))))
            .boxed()
    });
    if !follow {
        for stream in streams {
            write_lines(stream).await?;
        }
        return Ok(());
    }
    write_lines(stream::select_all(streams)).await
}

async fn write_lines(mut log: impl Stream<Item = (&String, Result<Line>)> + Unpin) -> Result<()> {
    while let Some((prefix, line)) = log.next().await {
        let Line { source, text } = line?;
        let written = match source {
            Source::Stdout => writeln!(anstream::stdout(), "{prefix}{text}"),
            Source::Stderr => writeln!(anstream::stderr(), "{prefix}{text}"),
        };
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context(Kind::Environment, || "a log cannot be written".to_owned())?,
        }
    }
    Ok(())
}

fn lines(
    engine: &Engine,
    container: &str,
    from: Start,
    follow: bool,
) -> impl Stream<Item = Result<Line>> + Send + use<> {
    let docker = engine.docker().clone();
    let name = container.to_owned();
    let log = docker.logs(container, Some(from.options(follow))).boxed();
    let ended: Pin<Box<dyn Future<Output = ()> + Send>> = if follow {
        let until = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let mut wait = docker.wait_container(container, Some(until)).boxed();
        Box::pin(async move {
            // An exit code other than 0 and a container that is not there come as errors: it has ended all the same.
            let _ = wait.next().await;
        })
    } else {
        Box::pin(std::future::pending())
    };
    let reading = Reading {
        container: name,
        log,
        ended,
        over: None,
        splitter: Splitter::default(),
        done: false,
    };
    stream::unfold(reading, async |mut reading| {
        reading.next().await.map(|line| (line, reading))
    })
}

struct Reading {
    container: String,
    log: BoxStream<'static, std::result::Result<LogOutput, bollard::errors::Error>>,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Set once the container has ended: when its log counts as read.
    over: Option<Instant>,
    splitter: Splitter,
    done: bool,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Line>> {
        loop {
            if let Some(line) = self.splitter.ready.pop_front() {
                return Some(Ok(line));
            }
            if self.done {
                return None;
            }
            let over = self.over;
            tokio::select! {
                biased;
                chunk = self.log.next() => match chunk {
                    Some(Ok(chunk)) => {
                        self.splitter.push(chunk);
                        self.over = over.map(|_| Instant::now() + deadlines::LAST_OUTPUT.limit());
                    }
                    Some(Err(error)) => {
                        self.done = true;
                        return Some(Err(engine_error(&self.container, "no log could be read of", error)));
                    }
                    None => self.finish(),
                },
                () = &mut self.ended, if over.is_none() => {
                    self.over = Some(Instant::now() + deadlines::LAST_OUTPUT.limit());
                }
                () = tokio::time::sleep_until(over.unwrap_or_else(Instant::now)), if over.is_some() => self.finish(),
            }
        }
    }

    fn finish(&mut self) {
        self.done = true;
        self.splitter.finish();
    }
}

/// Puts chunks together to lines, for each stream by itself.
#[derive(Debug, Default)]
struct Splitter {
    pending: [Vec<u8>; 2],
    ready: VecDeque<Line>,
}

impl Splitter {
    fn push(&mut self, chunk: LogOutput) {
        let source = match chunk {
            LogOutput::StdErr { .. } => Source::Stderr,
            _ => Source::Stdout,
        };
        for byte in chunk.as_ref() {
            if *byte == b'\n' {
                self.cut(source);
            } else {
                self.pending[source as usize].push(*byte);
                if self.pending[source as usize].len() >= LINE_BYTES {
                    self.cut(source);
                }
            }
        }
    }

    fn cut(&mut self, source: Source) {
        let mut bytes = std::mem::take(&mut self.pending[source as usize]);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        self.ready.push_back(Line { source, text });
    }

    fn finish(&mut self) {
        for source in [Source::Stdout, Source::Stderr] {
            if !self.pending[source as usize].is_empty() {
                self.cut(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdout(text: &str) -> LogOutput {
        LogOutput::StdOut {
            message: text.to_owned().into(),
        }
    }

    fn stderr(text: &str) -> LogOutput {
        LogOutput::StdErr {
            message: text.to_owned().into(),
        }
    }

    fn split(chunks: impl IntoIterator<Item = LogOutput>) -> Vec<(Source, String)> {
        let mut splitter = Splitter::default();
        chunks.into_iter().for_each(|chunk| splitter.push(chunk));
        splitter.finish();
        splitter
            .ready
            .into_iter()
            .map(|line| (line.source, line.text))
            .collect()
    }

    #[test]
    fn streams_are_put_together_apart_from_each_other() {
        let lines = split([stdout("one\ntw"), stderr("err"), stdout("o\r\n\nthr"), stderr("or\n")]);
        let expected = [
            (Source::Stdout, "one"),
            (Source::Stdout, "two"),
            (Source::Stdout, ""),
            (Source::Stderr, "error"),
            (Source::Stdout, "thr"),
        ];
        assert_eq!(lines, expected.map(|(source, text)| (source, text.to_owned())));
    }

    #[test]
    fn a_line_without_end_is_given_in_pieces() {
        let lines = split([stdout(&"x".repeat(LINE_BYTES + 1))]);
        assert_eq!(
            lines.iter().map(|(_, text)| text.len()).collect::<Vec<_>>(),
            [LINE_BYTES, 1]
        );
    }

    #[test]
    fn the_request_can_be_pasted() {
        assert_eq!(Start::Last(20).pasteable("a b", true), "docker logs -f --tail 20 'a b'");
        assert_eq!(Start::Second(7).pasteable("a", false), "docker logs --since 7 a");
    }

    #[tokio::test]
    async fn a_log_that_stays_open_ends_with_its_container() {
        let log = stream::iter([Ok(stdout("last words\nunfinished"))]).chain(stream::pending());
        let mut reading = Reading {
            container: "a".to_owned(),
            log: log.boxed(),
            ended: Box::pin(std::future::ready(())),
            over: None,
            splitter: Splitter::default(),
            done: false,
        };
        let mut read = Vec::new();
        while let Some(line) = reading.next().await {
            read.push(line.expect("no error").text);
        }
        assert_eq!(read, ["last words", "unfinished"]);
    }
}
