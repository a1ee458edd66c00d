//! Renderings of the report: each is made from the [`Report`](super::Report) alone.

mod html;
mod junit;
mod text;

pub use html::html;
pub use junit::junit;
pub use text::{readme, summary, terminal};
