//! Single files out of images, for what needs them elsewhere.

use super::{ImageSpec, Images, cache, digest};
use crate::error::Context;
use crate::{Kind, Result};

impl Images {
    /// The file at the absolute path `path` of an image, which is built where it is missing. It is copied out once, and
    /// kept under what the image is made of.
    ///
    /// # Errors
    /// As [`Images::ensure`]; [`Kind::Image`] where the image has no such file.
    pub async fn export(&self, spec: &ImageSpec, path: &str) -> Result<Vec<u8>> {
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
        std::fs::read(&kept).context(Kind::Environment, || format!("{} cannot be read", kept.display()))
    }
}
