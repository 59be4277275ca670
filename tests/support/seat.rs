//! The place of a person who uses the app: a desktop, the data of an operator on it, and the window over both.

use crate::desktop::Desktop;
use crate::musterctl::Operator;
use crate::pages;
use crate::systemd_host::SystemdHost;
use crate::window::Window;

pub struct Seat {
    // It goes before the desktop that its keyring is on.
    pub operator: Operator,
    pub desktop: Desktop,
}

impl Seat {
    /// Nothing is saved yet.
    pub fn new() -> Self {
        let desktop = Desktop::start(1280, 800);
        Self { operator: Operator::in_session(&desktop.session), desktop }
    }

    /// A host is saved as `web` and trusted, to be signed in to as root.
    pub fn at(host: &SystemdHost) -> Self {
        Self::at_each(&[("web", host)])
    }

    /// The same of several.
    pub fn at_each(hosts: &[(&str, &SystemdHost)]) -> Self {
        let seat = Self::new();
        for (name, host) in hosts {
            seat.operator.add_trusted(name, &host.address(), 22, "root", &host.key(), &[]);
        }
        seat
    }

    /// Starts the app.
    pub fn open(&self) -> Window {
        Window::with_data_of(&self.desktop, &self.operator)
    }

    /// Starts the app on a system that has this locale.
    pub fn open_in(&self, locale: &str) -> Window {
        Window::with_data_in(&self.desktop, &self.operator, locale)
    }

    /// Starts the app and opens a host in it.
    pub fn open_live(&self, name: &str) -> Window {
        let window = self.open();
        pages::open_live(&window, name);
        window
    }
}

impl Default for Seat {
    fn default() -> Self {
        Self::new()
    }
}
