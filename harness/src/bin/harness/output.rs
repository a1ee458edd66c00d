//! What the commands print. A reader may leave before the end (`harness ps | head -1`): that is no error, and must not
//! end what is under way, as the panic of `println!` would.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use harness::error::Context;
use harness::{Error, Kind, Result, progress};
use owo_colors::OwoColorize as _;

/// One line or more of a command's result, on standard output.
///
/// # Errors
/// [`Kind::Environment`] where it cannot be written for another reason than a reader that left: a full disk.
pub(crate) fn line(text: impl Display) -> Result<()> {
    print(format_args!("{text}\n"))
}

/// As [`line`], without a line's end.
///
/// # Errors
/// As [`line`].
pub(crate) fn print(text: impl Display) -> Result<()> {
    write(&mut anstream::stdout(), text)
}

/// `value` as indented JSON.
///
/// # Errors
/// As [`line`].
pub(crate) fn json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .context(Kind::Internal, || "the answer cannot be written as JSON".to_owned())?;
    line(text)
}

/// `error` as `{"error": …}`, in the place of the answer: what a program reads is one document in either case.
///
/// # Errors
/// As [`line`].
pub(crate) fn json_error(error: &Error) -> Result<()> {
    #[derive(serde::Serialize)]
    struct Failed<'a> {
        error: &'a Error,
    }
    json(&Failed { error })
}

/// An error, all of it, for a person.
pub(crate) fn error(error: &Error) {
    note(format_args!("{} {}", "error:".red().bold(), error.explain()));
}

/// What a person should know and nothing fails of.
pub(crate) fn warning(text: impl Display) {
    note(format_args!("{} {text}", "warning:".yellow().bold()));
}

/// Progress and errors, beside the result: on standard error, where there is nobody left to tell if it fails.
pub(crate) fn note(text: impl Display) {
    let _ = write(&mut anstream::stderr(), format_args!("{text}\n"));
}

/// Standard error for lines of the log, above the spinners.
pub(crate) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        progress::beside(|| std::io::stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

fn write(stream: &mut impl Write, text: impl Display) -> Result<()> {
    let text = text.to_string();
    let written = progress::beside(|| stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context(Kind::Environment, || "the output cannot be written".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Refusing(ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error_and_a_full_disk_is() {
        write(&mut Refusing(ErrorKind::BrokenPipe), "text").expect("nobody wants it");
        let error = write(&mut Refusing(ErrorKind::StorageFull), "text").expect_err("it is lost");
        assert_eq!(error.kind(), Kind::Environment);
    }
}
