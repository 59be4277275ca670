//! Where the parts of the project lie.

use std::env;
use std::path::PathBuf;

use anyhow::Context;

/// The folders that the tasks read and write.
pub(crate) struct Places {
    /// The top of the checkout.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Places {
    /// Finds the checkout from the place of this crate, so that a task works from any folder.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .nth(2)
            .map(PathBuf::from)
            .with_context(|| format!("{} is not two folders below the checkout", here.display()))?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(chosen) => root.join(PathBuf::from(chosen)),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// What the window loads.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The helpers that the engine embeds.
    pub(crate) fn built_helpers(&self) -> PathBuf {
        self.root.join("remote-helper/built")
    }
}
