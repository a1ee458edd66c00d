//! The certificates that this machine trusts beyond what its distribution ships: build containers need them too.
//!
//! A proxy that inspects TLS signs with an authority of its own. Whoever runs behind one has put that authority into the
//! machine's bundle (`update-ca-certificates`) or named a bundle in `SSL_CERT_FILE` or `CURL_CA_BUNDLE`. Only what the
//! distribution does not ship itself counts, or every update of Debian's bundle would rebuild every image.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::digest::{self, Digest};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Where the distribution keeps the authorities it ships (Debian policy of the package ca-certificates).
const SHIPPED: &str = "/usr/share/ca-certificates";
/// Bundles that distributions keep for all programs: Debian's, then Fedora's.
const BUNDLES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];
/// Variables with which people name a bundle of their own.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE"];

/// Certificates in PEM form, in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Certificates(BTreeSet<String>);

impl Certificates {
    /// Those of this machine.
    pub(super) fn of_host() -> Self {
        let named = VARIABLES
            .iter()
            .filter_map(std::env::var_os)
            .filter(|value| !value.is_empty());
        let bundles: BTreeSet<PathBuf> = named
            .map(PathBuf::from)
            .chain(BUNDLES.map(PathBuf::from))
            .filter_map(|path| path.canonicalize().ok())
            .collect();
        Certificates::beyond(bundles.iter().map(PathBuf::as_path), Path::new(SHIPPED))
    }

    #[cfg(test)]
    pub(super) fn of<const N: usize>(texts: [&str; N]) -> Self {
        Certificates(texts.map(str::to_owned).into())
    }

    fn beyond<'a>(bundles: impl Iterator<Item = &'a Path>, shipped: &Path) -> Self {
        let mut found = BTreeSet::new();
        for bundle in bundles {
            match std::fs::read_to_string(bundle) {
                Ok(text) => found.extend(certificates(&text)),
                Err(error) => tracing::warn!("the certificates of {} are left out: {error}", bundle.display()),
            }
        }
        for text in files_below(shipped) {
            for certificate in certificates(&text) {
                found.remove(&certificate);
            }
        }
        Certificates(found)
    }

    /// The digest that enters the content hash.
    pub(super) fn digest(&self) -> String {
        let mut digest = Digest::new();
        for certificate in &self.0 {
            digest.field("certificate", certificate);
        }
        digest.hex()
    }

    /// One file per certificate: update-ca-certificates wants them so.
    pub(super) fn files(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.iter().map(|text| {
            let name = format!("{}.crt", &digest::of_bytes(text.as_bytes())[..16]);
            (name, text.as_str())
        })
    }
}

/// The certificates of a bundle, with equal line ends.
fn certificates(bundle: &str) -> Vec<String> {
    let unix = if bundle.contains('\r') {
        Cow::Owned(bundle.replace('\r', ""))
    } else {
        Cow::Borrowed(bundle)
    };
    let (mut found, mut begin, mut at) = (Vec::new(), None, 0);
    for line in unix.split('\n') {
        if line.starts_with(BEGIN) {
            begin = Some(at);
        }
        at += line.len() + 1;
        if line.starts_with(END)
            && let Some(begin) = begin.take()
        {
            found.push(format!("{}\n", unix[begin..at - 1].trim_end()));
        }
    }
    found
}

fn files_below(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut texts = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            texts.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "crt") {
            texts.extend(std::fs::read_to_string(&path));
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(body: &str) -> String {
        format!("# a comment\n{BEGIN}\n{body}\n{END}\n")
    }

    #[test]
    fn only_what_the_distribution_does_not_ship_counts() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let bundle = write("bundle.crt", pem("AAAA") + &pem("BBBB\r"));
        write("shipped/mozilla/a.crt", pem("AAAA"));

        let found = Certificates::beyond([bundle.as_path()].into_iter(), &dir.path().join("shipped"));
        let files: Vec<_> = found.files().map(|(_, text)| text.to_owned()).collect();
        assert_eq!(files, [format!("{BEGIN}\nBBBB\n{END}\n")]);
        assert_ne!(found.digest(), Certificates::default().digest());
    }

    #[test]
    fn a_plain_machine_adds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.crt");
        let found = Certificates::beyond([missing.as_path()].into_iter(), dir.path());
        assert_eq!(found, Certificates::default());
    }
}
