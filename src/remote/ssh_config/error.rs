//! What is wrong with an ssh configuration, with file and line.

use std::path::PathBuf;

use super::Place;

/// A fault in an ssh configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{place}: {problem}")]
    Syntax { place: Place, problem: String },
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` may be written by others than you and root: ssh refuses it, and so does kplay", path.display())]
    Unsafe { path: PathBuf },
}
