//! Single files out of images, for what needs them elsewhere.

use std::path::PathBuf;

use super::{ImageSpec, Images, cache, digest};
use crate::error::Context;
use crate::{Kind, Result};

impl Images {
    /// Where the file at the absolute path `path` of an image is on this machine. The image is built where it is missing;
    /// the file is copied out once, and kept under what the image is made of.
    ///
    /// # Errors
    /// As [`Images::ensure`]; [`Kind::Image`] where the image has no such file.
    pub async fn export(&self, spec: &ImageSpec, path: &str) -> Result<PathBuf> {
        let reference = self.ensure(spec).await?;
        let (_, content) = reference.rsplit_once(':').unwrap_or(("", &reference));
        let folder = cache::folder(&self.cache, &format!("exports/{content}"))?;
        let kept = folder.join(&digest::of_bytes(path.as_bytes())[..16]);
        if !kept.exists() {
            let file = self
                .with_container(&reference, "export", Vec::new(), async |id| {
                    self.copy_out(id, path).await
                })
                .await?;
            let mut scratch = cache::scratch(&folder)?;
            digest::copy(file, scratch.as_file_mut())
                .context(Kind::Environment, || format!("{} cannot be written", kept.display()))?;
            cache::persist(scratch, &kept)?;
        }
        Ok(kept)
    }
}
