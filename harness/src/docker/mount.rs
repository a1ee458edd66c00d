//! What a container sees of volumes and of the engine's host.

use bollard::models::{Mount, MountType, MountVolumeOptions};

use crate::labels::Labels;

/// A volume or a directory of the host, and where it is in the container.
#[derive(Clone, Debug)]
pub(super) struct Mounted {
    pub(super) source: String,
    pub(super) target: String,
    pub(super) read_only: bool,
}

impl Mounted {
    /// The engine makes a volume that is not there, also one that was removed a moment ago: it then has `labels`, by
    /// which it is found again. (It cannot be given any where the mount is one of `Binds`.)
    pub(super) fn with(&self, labels: &Labels) -> Mount {
        let directory = self.source.starts_with('/');
        let volume = MountVolumeOptions {
            labels: Some(labels.clone()),
            ..MountVolumeOptions::default()
        };
        Mount {
            source: Some(self.source.clone()),
            target: Some(self.target.clone()),
            read_only: Some(self.read_only),
            typ: Some(if directory { MountType::BIND } else { MountType::VOLUME }),
            volume_options: (!directory).then_some(volume),
            ..Mount::default()
        }
    }
}

/// As `docker create --volume` takes it.
impl std::fmt::Display for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let suffix = if self.read_only { ":ro" } else { "" };
        write!(f, "{}:{}{suffix}", self.source, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(source: &str, read_only: bool) -> Mounted {
        Mounted {
            source: source.to_owned(),
            target: "/there".to_owned(),
            read_only,
        }
    }

    #[test]
    fn a_volume_that_the_engine_has_to_make_has_our_labels() {
        let labels = Labels::from([("a".to_owned(), "b".to_owned())]);
        let mount = mounted("work", false).with(&labels);
        assert_eq!(mount.typ, Some(MountType::VOLUME));
        assert_eq!(mount.volume_options.and_then(|options| options.labels), Some(labels));
    }

    #[test]
    fn a_directory_of_the_host_is_bound() {
        let mounted = mounted("/run/docker.sock", true);
        let mount = mounted.with(&Labels::new());
        assert_eq!((mount.typ, mount.read_only), (Some(MountType::BIND), Some(true)));
        assert_eq!(mount.volume_options, None);
        assert_eq!(mounted.to_string(), "/run/docker.sock:/there:ro");
    }
}
