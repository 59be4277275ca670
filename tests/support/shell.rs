//! What a desktop's shell is for an app: who shows its notices, and the panel with its mark in the tray. Both are
//! on the session bus of a test and keep what they are told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::interface;
use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::keyring::Session;

/// How long the tray may take to show what it is to, on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// A notice as the desktop is asked to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub title: String,
    pub text: String,
}

/// The shell, as long as it is held.
pub struct Shell {
    connection: Connection,
    notices: Arc<Mutex<Vec<Notice>>>,
    items: Arc<Mutex<Vec<Item>>>,
}

/// Who has a mark in the tray, by its name on the bus, and where there.
#[derive(Clone)]
struct Item {
    owner: String,
    path: String,
}

/// One entry of a menu: its number, its properties, its own entries.
type Entry = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

impl Shell {
    pub fn start(session: &Session) -> Self {
        let notices = Arc::<Mutex<Vec<Notice>>>::default();
        let items = Arc::<Mutex<Vec<Item>>>::default();
        let address = session.variables().into_iter().find(|(name, _)| name == "DBUS_SESSION_BUS_ADDRESS");
        let connection = Builder::address(address.unwrap().1.as_str())
            .unwrap()
            .serve_at("/org/freedesktop/Notifications", Notifications { shown: notices.clone() })
            .unwrap()
            .serve_at("/StatusNotifierWatcher", Watcher { items: items.clone() })
            .unwrap()
            .name("org.freedesktop.Notifications")
            .unwrap()
            .name("org.kde.StatusNotifierWatcher")
            .unwrap()
            .build()
            .unwrap();
        Self { connection, notices, items }
    }

    /// All notices so far, in their order.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap().clone()
    }

    /// Waits for a mark in the tray whose menu begins with this text.
    pub fn wait_tray(&self, text: &str) {
        let start = Instant::now();
        loop {
            let shown = self.menu();
            if shown.first().map(String::as_str) == Some(text) {
                return;
            }
            assert!(start.elapsed() < LIMIT, "the tray does not show '{text}' but {shown:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The words of the tray's menu.
    pub fn menu(&self) -> Vec<String> {
        self.entries().into_iter().map(|(_, words)| words).collect()
    }

    /// Chooses an entry of the tray's menu.
    pub fn choose(&self, words: &str) {
        let entries = self.entries();
        let entry = entries.iter().find(|(_, own)| own == words);
        let (number, _) = entry.unwrap_or_else(|| panic!("the tray has no '{words}' but {entries:?}"));
        let (owner, menu) = self.tray().unwrap();
        let event = (*number, "clicked", Value::from(0_i32), 0_u32);
        // Who is asked to end may be gone before it answers.
        let _ = self.connection.call_method(Some(owner.as_str()), menu.as_str(), Some(MENU), "Event", &event);
    }

    /// The newest mark in the tray: who has it, and where its menu is.
    fn tray(&self) -> Option<(String, String)> {
        let item = self.items.lock().unwrap().last().cloned()?;
        let of = (ITEM, "Menu");
        let properties = Some("org.freedesktop.DBus.Properties");
        let owner = Some(item.owner.as_str());
        let answer = self.connection.call_method(owner, item.path.as_str(), properties, "Get", &of).ok()?;
        let value: OwnedValue = answer.body().deserialize().ok()?;
        let menu = OwnedObjectPath::try_from(value).ok()?;
        Some((item.owner, menu.to_string()))
    }

    /// The entries of its menu, each with its number.
    fn entries(&self) -> Vec<(i32, String)> {
        let Some((owner, menu)) = self.tray() else { return Vec::new() };
        let wanted = (0_i32, -1_i32, Vec::<&str>::new());
        let path = menu.as_str();
        let Ok(answer) =
            self.connection.call_method(Some(owner.as_str()), path, Some(MENU), "GetLayout", &wanted)
        else {
            return Vec::new();
        };
        let (_, (_, _, entries)): (u32, Entry) = answer.body().deserialize().unwrap();
        let label = |entry: OwnedValue| {
            let (number, properties, _) = Entry::try_from(entry).unwrap();
            (number, properties.get("label").map(|label| text(label)).unwrap_or_default())
        };
        entries.into_iter().map(label).collect()
    }
}

/// A text, in however many wrappings.
fn text(value: &Value<'_>) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::Value(inner) => text(inner),
        _ => String::new(),
    }
}

struct Notifications {
    shown: Arc<Mutex<Vec<Notice>>>,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the Desktop Notifications Specification has them")]
    fn notify(
        &self,
        _app: &str,
        _replaces: u32,
        _icon: &str,
        summary: &str,
        body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires_ms: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap();
        shown.push(Notice { title: summary.to_owned(), text: body.to_owned() });
        u32::try_from(shown.len()).unwrap()
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("shell of a test", "muster", "1", "1.2")
    }
}

struct Watcher {
    items: Arc<Mutex<Vec<Item>>>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: &str, #[zbus(header)] header: Header<'_>) {
        // An indicator gives its path; others a name on the bus, with the usual path.
        let owner = header.sender().map(ToString::to_string).unwrap_or_default();
        let path = if service.starts_with('/') { service } else { "/StatusNotifierItem" };
        self.items.lock().unwrap().push(Item { owner, path: path.to_owned() });
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let items = self.items.lock().unwrap();
        items.iter().map(|item| format!("{}{}", item.owner, item.path)).collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}
