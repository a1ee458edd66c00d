//! The files endpoints of masters and agents: `/files/browse`, `/files/read`, `/files/download`, `/files/debug`
//! (Mesos `src/files/files.cpp`).

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use crate::Result;
use crate::client::Http;

/// How much one read asks for. The server gives at most 16 memory pages, whatever is asked.
const PAGE: u64 = 64 * 1024;

/// A client of one server's files.
#[derive(Clone, Debug)]
pub struct FilesClient {
    http: Http,
    page: u64,
}

/// An entry of a directory.
#[derive(Clone, Debug, Deserialize)]
pub struct FileEntry {
    /// Its virtual path: the directory's, and its name.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its type and permissions, as `ls` prints them: `-rw-r--r--`.
    pub mode: String,
    /// Its owner's name.
    pub uid: String,
    /// Its group's name.
    pub gid: String,
    /// How many links it has.
    pub nlink: u32,
    /// When it last changed, in seconds since the epoch.
    pub mtime: f64,
}

impl FileEntry {
    /// The last part of its path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// True for a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode.starts_with('d')
    }

    /// True where its owner may execute it.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.mode.as_bytes().get(3) == Some(&b'x')
    }
}

/// A part of a file.
#[derive(Clone, Debug, Deserialize)]
pub struct Part {
    /// Where it begins. For a read at or past the end it is what was asked for.
    pub offset: u64,
    /// Its text; empty at the end of the file. JSON strings hold only text: use `download` for other files.
    pub data: String,
}

impl FilesClient {
    /// `base` is `http://host:port` of a master or an agent.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::Kind::Usage) when it is no such address.
    pub fn new(base: &str) -> Result<Self> {
        Http::new(base).map(FilesClient::of)
    }

    pub(crate) fn of(http: Http) -> Self {
        FilesClient { http, page: PAGE }
    }

    /// Reads fewer bytes at once, for tests of the seams.
    #[cfg(test)]
    pub(crate) fn with_page(mut self, page: u64) -> Self {
        self.page = page;
        self
    }

    /// The entries of a directory, sorted by path. Empty for a file, as the server has it.
    ///
    /// # Errors
    /// The request's; 404 for a path that is not there.
    pub async fn browse(&self, path: &str) -> Result<Vec<FileEntry>> {
        self.http.get("files/browse").query("path", path).send().await?.json()
    }

    /// At most `length` bytes from `offset`; the server gives no more than 16 memory pages at once.
    ///
    /// # Errors
    /// The request's.
    pub async fn read(&self, path: &str, offset: u64, length: u64) -> Result<Part> {
        let request = self
            .http
            .get("files/read")
            .query("path", path)
            .query("offset", offset)
            .query("length", length);
        request.send().await?.json()
    }

    /// The size of a file in bytes.
    ///
    /// # Errors
    /// The request's.
    pub async fn size(&self, path: &str) -> Result<u64> {
        let request = self.http.get("files/read").query("path", path).query("offset", -1);
        Ok(request.send().await?.json::<Part>()?.offset)
    }

    /// A whole text file, page by page as the web UI reads it, up to the size it has when reading begins.
    ///
    /// # Errors
    /// The request's.
    pub async fn read_all(&self, path: &str) -> Result<String> {
        let size = self.size(path).await?;
        let mut text = String::new();
        let mut offset = 0;
        while offset < size {
            let part = self.page(path, offset, self.page.min(size - offset)).await?;
            if part.data.is_empty() {
                // It was cut short meanwhile: what is left of it has been read.
                break;
            }
            offset += part.data.len() as u64;
            text.push_str(&part.data);
        }
        Ok(text)
    }

    /// One page of UTF-8 text. The server cuts at bytes and so may cut a character, which no JSON string can hold:
    /// then up to three bytes less end before it.
    async fn page(&self, path: &str, offset: u64, length: u64) -> Result<Part> {
        let mut cut = 0;
        loop {
            match self.read(path, offset, length - cut).await {
                Err(_) if cut < 3 && cut + 1 < length => cut += 1,
                result => return result,
            }
        }
    }

    /// A whole file, byte for byte.
    ///
    /// # Errors
    /// The request's.
    pub async fn download(&self, path: &str) -> Result<Bytes> {
        let answer = self.http.get("files/download").query("path", path).send().await?.ok()?;
        Ok(answer.body().clone())
    }

    /// `/files/debug`: the real path behind each virtual one.
    ///
    /// # Errors
    /// The request's.
    pub async fn debug(&self) -> Result<BTreeMap<String, Value>> {
        self.http.get("files/debug").send().await?.json()
    }
}
