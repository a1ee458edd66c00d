//! Packages of a Universe (formats 1.x and 2.x), as the dcos client of 2016 reads them: what they are made of, what they
//! render to, and what is wrong with them. Nothing here needs a cluster.
//!
//! * [`source::open`] reads sources, packages and revisions out of folders and archives.
//! * [`render::Files::render`] is what an install would post: options over defaults, templates, labels.
//! * [`lint::Lint`] judges them by every [`Check`]; [`generate`] makes the options it tries.
//! * [`index`] writes repo/meta/index.json and the archive that a client downloads.
//! * [`Universe`] is what a cluster serves of them.
//!
//! Sources: mesosphere/universe, branches version-1.x and version-2.x (schemas, scripts); dcos and dcoscli 0.3.6
//! (`dcos/package.py`, `dcos/util.py`); pystache 0.6.8.
//!
//! ```
//! use harness::package::{lint::Lint, source};
//!
//! let packages = source::open(&harness::workspace::fixtures().join("packages"))?;
//! let report = Lint::default().run(&packages);
//! assert!(report.packages.iter().any(|package| package.name == "helloworld"));
//! # Ok::<(), harness::Error>(())
//! ```

mod alone;
pub mod archive;
pub mod artefacts;
pub mod assets;
pub mod checks;
mod drafts;
pub mod finding;
pub mod generate;
pub mod index;
pub mod json;
pub mod lint;
pub mod mustache;
pub mod options;
pub mod python;
mod reference;
pub mod render;
pub mod schema;
pub mod source;
pub mod tree;
pub mod universe;
pub mod wheel;

pub use checks::{Check, Severity};
pub use finding::{Finding, Position};
pub use universe::Universe;
