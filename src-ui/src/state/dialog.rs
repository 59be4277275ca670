//! Which dialog lies over the page.

use protocol::notes::NoteAbout;
use protocol::services::ServiceAction;

use crate::credentials::VaultStep;
use crate::processes::Addressee;

/// The dialog that lies over the page. One at a time, so Esc always means the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OpenDialog {
    HostAdd,
    HostEdit {
        host: String,
    },
    HostsEdit {
        hosts: Vec<String>,
    },
    HostRemove {
        host: String,
    },
    HostsRemove {
        hosts: Vec<String>,
    },
    Note {
        about: NoteAbout,
    },
    Trust {
        host: String,
        /// The host to connect to once the key is accepted: behind a jump host it is another one.
        asked: String,
    },
    Service {
        host: String,
        unit: Option<String>,
        action: ServiceAction,
    },
    Run {
        host: String,
        /// What was run before, to be looked at and run again.
        command: Option<String>,
        sudo: bool,
    },
    HelperRemove {
        host: String,
    },
    Signal {
        host: String,
        pid: u32,
        start_ticks: u64,
        name: String,
    },
    Signals {
        host: String,
        processes: Vec<Addressee>,
        /// How many were chosen beside them that take none.
        left_out: usize,
    },
    Services {
        host: String,
        units: Vec<String>,
        action: ServiceAction,
    },
    Key {
        host: String,
    },
    Vault {
        step: VaultStep,
    },
    HostsImport,
    HostsExport,
    Keys,
    /// Whether the log is as it was written.
    LogVerify,
    /// The palette, with what was typed elsewhere.
    Search {
        text: String,
    },
    /// An example, in development builds.
    #[cfg(any(debug_assertions, feature = "gallery"))]
    Gallery {
        which: crate::components::GalleryDialog,
    },
}

impl OpenDialog {
    /// True if to close it would lose what a person filled in, or hide what is under way.
    pub(crate) fn holds_something(&self) -> bool {
        !matches!(self, Self::Keys | Self::LogVerify | Self::Search { .. })
    }

    /// The form for a custom command, empty.
    pub(crate) fn run(host: String) -> Self {
        Self::Run { host, command: None, sudo: false }
    }
}
