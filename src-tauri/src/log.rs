//! The app's own log, for those who look for a fault in Muster: files in the data folder, a week of
//! them. Names of hosts go there; commands, output and secrets never do.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{Builder, Rotation};
use tracing_subscriber::EnvFilter;

/// Begins to log; the log is written out when the guard is dropped.
pub(crate) fn start(data_dir: &Path) -> anyhow::Result<WorkerGuard> {
    // The data folder is this user's alone, whichever of its parts is made first.
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir.join("logs"))?;
    let files = Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("muster")
        .filename_suffix("log")
        .max_log_files(7)
        .build(data_dir.join("logs"))?;
    let (writer, guard) = tracing_appender::non_blocking(files);
    // russh writes key material of the agent at debug level: it is held at warn whatever is asked.
    let filter = EnvFilter::new("info,russh=warn,sled=warn,zbus=warn");
    tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(writer).init();
    Ok(guard)
}
