//! A terminal in raw mode, and back: also after a panic, whose hook runs before anything is dropped, so that the
//! message can be read.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, Once, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// The terminals that are raw now, for the panic hook.
static RAW: Mutex<Vec<Arc<Saved>>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

#[derive(Debug)]
struct Saved {
    terminal: OwnedFd,
    modes: Termios,
}

impl Saved {
    fn restore(&self) {
        // A terminal that has gone needs no restoring.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.modes);
    }
}

/// Raw for as long as it lives: every key goes to whoever reads, none to the line editor or as a signal.
#[derive(Debug)]
pub(super) struct RawMode(Arc<Saved>);

impl RawMode {
    pub(super) fn enter(terminal: impl AsFd) -> io::Result<Self> {
        HOOK.call_once(|| {
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                registered(|raw| raw.iter().for_each(|saved| saved.restore()));
                next(panic);
            }));
        });
        let modes = tcgetattr(&terminal)?;
        let saved = Arc::new(Saved {
            terminal: terminal.as_fd().try_clone_to_owned()?,
            modes,
        });
        let guard = RawMode(Arc::clone(&saved));
        registered(|raw| raw.push(saved));
        guard.resume()?;
        Ok(guard)
    }

    /// Gives the terminal back for a while: the process is about to be stopped.
    pub(super) fn pause(&self) {
        self.0.restore();
    }

    /// Raw again after [`RawMode::pause`].
    pub(super) fn resume(&self) -> io::Result<()> {
        let mut raw = self.0.modes.clone();
        raw.make_raw();
        Ok(tcsetattr(&self.0.terminal, OptionalActions::Now, &raw)?)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        self.0.restore();
        registered(|raw| raw.retain(|saved| !Arc::ptr_eq(saved, &self.0)));
    }
}

fn registered(then: impl FnOnce(&mut Vec<Arc<Saved>>)) {
    then(&mut RAW.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
pub(super) mod tests {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::LocalModes;

    use super::*;

    /// A pseudo-terminal: the end of the person, and the end of the program.
    pub(crate) fn pty() -> (OwnedFd, OwnedFd) {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let path = ptsname(&person, Vec::new()).expect("it has a name");
        let program = open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
        (person, program)
    }

    fn is_raw(terminal: &OwnedFd) -> bool {
        !tcgetattr(terminal)
            .expect("a terminal")
            .local_modes
            .contains(LocalModes::ECHO)
    }

    #[test]
    fn raw_mode_ends_with_its_guard() {
        let (_person, program) = pty();
        let guard = RawMode::enter(&program).expect("a terminal");
        assert!(is_raw(&program));
        guard.pause();
        assert!(!is_raw(&program));
        guard.resume().expect("a terminal");
        assert!(is_raw(&program));
        drop(guard);
        assert!(!is_raw(&program));
    }

    #[test]
    fn a_panic_restores_the_terminal_before_anything_is_dropped() {
        let (_person, program) = pty();
        let guard = RawMode::enter(&program).expect("a terminal");
        let panicked = std::thread::spawn(|| panic!("a panic that is part of this test")).join();
        assert!(panicked.is_err() && !is_raw(&program));
        drop(guard);
    }

    #[test]
    fn what_is_no_terminal_is_refused() {
        let file = std::fs::File::open("/dev/null").expect("it is there");
        assert!(RawMode::enter(&file).is_err());
    }
}
