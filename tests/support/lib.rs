//! The real parts that the tests run against: sshd, hosts with systemd, a keyring, a window.
//!
//! Nothing here imitates: an sshd is OpenSSH's, a host is Debian's systemd in a container, the
//! keyring is gnome-keyring on a bus of its own, the window is the built app under WebDriver. A person who says
//! no to a keyring is played (`secret_service`), and a desktop's shell, of which there are many (`shell`).
//! Each part is private to the test that starts it (own ports, folders, addresses) and is gone
//! after it, also when the test process is killed: a keeper process sees to that.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a rig that breaks must end its test at once, with the place where it broke"
)]

pub mod asking_server;
pub mod axe;
pub mod debian;
pub mod desktop;
pub mod hops;
pub mod keeper;
pub mod keyring;
pub mod musterctl;
pub mod needs;
pub mod pages;
pub mod places;
pub mod process;
pub mod seat;
pub mod secret_service;
pub mod shell;
pub mod sshd;
pub mod systemd_host;
pub mod throwaway_user;
pub mod tour;
pub mod wait;
pub mod window;
pub mod window_manager;
