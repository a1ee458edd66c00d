//! sha256 over named fields, and over files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::{Kind, Result};

const BLOCK: usize = 256 * 1024;

/// A hash over a list of named values. Lengths are hashed too, so that no two lists read alike.
#[derive(Clone, Debug)]
pub(super) struct Digest(Sha256);

impl Digest {
    pub(super) fn new() -> Self {
        Digest(Sha256::new())
    }

    pub(super) fn field(&mut self, name: &str, value: impl AsRef<[u8]>) {
        for part in [name.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_be_bytes());
            self.0.update(part);
        }
    }

    /// 64 lower-case hex digits.
    pub(super) fn hex(self) -> String {
        to_hex(&self.0.finalize())
    }
}

/// The sha256 of `bytes`, in lower-case hex.
pub(crate) fn of_bytes(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

/// The size and the sha256 of a file.
pub(crate) fn of_file(path: &Path) -> Result<(u64, String)> {
    let reading = || format!("{} cannot be read", path.display());
    let file = File::open(path).context(Kind::Image, reading)?;
    let size = file.metadata().context(Kind::Image, reading)?.len();
    if size > BLOCK as u64 {
        return copy(file, std::io::sink()).context(Kind::Image, reading);
    }
    // Most files are small sources, and every test process hashes them: no block for each.
    let bytes = std::fs::read(path).context(Kind::Image, reading)?;
    Ok((bytes.len() as u64, of_bytes(&bytes)))
}

/// Copies `from` into `to` and says how much it was and its sha256.
pub(super) fn copy(mut from: impl Read, mut to: impl Write) -> std::io::Result<(u64, String)> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut block = vec![0; BLOCK];
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            return Ok((size, to_hex(&hasher.finalize())));
        }
        size += read as u64;
        hasher.update(&block[..read]);
        to.write_all(&block[..read])?;
    }
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let hash = |fields: &[(&str, &str)]| {
            let mut digest = Digest::new();
            fields.iter().for_each(|(name, value)| digest.field(name, value));
            digest.hex()
        };
        assert_ne!(hash(&[("a", "bc")]), hash(&[("ab", "c")]));
        assert_ne!(hash(&[("a", "b"), ("c", "d")]), hash(&[("a", "bcd")]));
    }

    #[test]
    fn the_hash_is_sha256() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_bytes(b"abc"), abc);
        assert_eq!(copy(&b"abc"[..], std::io::sink()).unwrap(), (3, abc.to_owned()));
    }
}
