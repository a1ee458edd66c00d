//! Reading standard input so that the reader can be stopped.
//!
//! tokio reads standard input on a thread that cannot be interrupted, and its runtime waits for that thread: a program
//! would hang after its last word until somebody pressed a key. Here a thread of our own waits for the input *and*
//! for a pipe that closes with the receiver.

use std::io;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read};
use tokio::sync::mpsc;

/// As much is read at once.
const CHUNK_BYTES: usize = 16 << 10;

/// What is typed or piped in. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Input {
    chunks: mpsc::Receiver<Bytes>,
    _stop: OwnedFd,
}

impl Input {
    pub(super) fn of(source: OwnedFd) -> io::Result<Self> {
        let (stopped, stop) = rustix::pipe::pipe()?;
        let (sender, chunks) = mpsc::channel(4);
        std::thread::Builder::new()
            .name("standard input".to_owned())
            .spawn(move || pump(&source, &stopped, &sender))?;
        Ok(Input { chunks, _stop: stop })
    }

    /// The next bytes; `None` at the end of the input.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        self.chunks.recv().await
    }
}

fn pump(source: &OwnedFd, stopped: &OwnedFd, sender: &mpsc::Sender<Bytes>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let mut watched = [PollFd::new(stopped, PollFlags::IN), PollFd::new(source, PollFlags::IN)];
        match poll(&mut watched, None) {
            Err(Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) if !watched[0].revents().is_empty() => return,
            Ok(_) => {}
        }
        match read(source, &mut buffer) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            // A terminal that has gone answers with EIO: that is an end too.
            Ok(0) | Err(_) => return,
            Ok(count) => {
                if sender.blocking_send(Bytes::copy_from_slice(&buffer[..count])).is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn input_is_read_to_its_end() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let mut input = Input::of(reader.into()).expect("a thread");
        writer.write_all(b"one").expect("it is read");
        assert_eq!(input.next().await.as_deref(), Some(&b"one"[..]));
        drop(writer);
        assert_eq!(input.next().await, None);
    }

    #[tokio::test]
    async fn a_reader_that_is_dropped_lets_go_of_the_input() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let input = Input::of(reader.into()).expect("a thread");
        drop(input);
        // The thread held the only reading end: once it is gone, writing fails.
        let broken = tokio::task::spawn_blocking(move || {
            let filled = (0..1_000_000).find_map(|_| writer.write_all(b"nobody reads this").err());
            filled.map(|error| error.kind())
        });
        assert_eq!(broken.await.expect("joined"), Some(io::ErrorKind::BrokenPipe));
    }
}
