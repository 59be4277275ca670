//! A Secret Service whose prompts a person dismisses, on a session bus of a test. It holds no secret.
//!
//! Without a display the prompts of gnome-keyring end in the same way for another reason; other keyrings ask
//! also before they keep something.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::fdo;
use zbus::interface;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::keyring::Session;

const SERVICE: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
const ITEM: &str = "/org/freedesktop/secrets/collection/login/1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/1";
/// As long as a public key of the exchange that clients want; nothing is ever said under the secret it gives.
const PUBLIC_KEY_BYTES: usize = 128;

/// When the person is asked, and says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// What is wanted is there and locked.
    ToUnlock,
    /// Nothing is there, and nothing is kept without a yes.
    ToKeep,
}

/// The service, as long as it is held.
pub struct SecretService {
    _connection: Connection,
    prompts: Arc<AtomicUsize>,
}

impl SecretService {
    pub fn start(session: &Session, asks: Asks) -> Self {
        let prompts = Arc::<AtomicUsize>::default();
        let address = session.variables().into_iter().find(|(name, _)| name == "DBUS_SESSION_BUS_ADDRESS");
        let connection = Builder::address(address.unwrap().1.as_str())
            .unwrap()
            .serve_at(SERVICE, Service { asks })
            .unwrap()
            .serve_at(COLLECTION, Collection { asks })
            .unwrap()
            .serve_at(ITEM, Item)
            .unwrap()
            .serve_at(PROMPT, Prompt { shown: prompts.clone() })
            .unwrap()
            .name("org.freedesktop.secrets")
            .unwrap()
            .build()
            .unwrap();
        Self { _connection: connection, prompts }
    }

    /// How often the person was asked.
    pub fn prompts(&self) -> usize {
        self.prompts.load(Ordering::SeqCst)
    }
}

fn path(path: &str) -> OwnedObjectPath {
    path.try_into().unwrap()
}

struct Service {
    asks: Asks,
}

#[interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    fn open_session(
        &self,
        _algorithm: &str,
        _input: Value<'_>,
    ) -> fdo::Result<(OwnedValue, OwnedObjectPath)> {
        let key = OwnedValue::try_from(Value::from(vec![2_u8; PUBLIC_KEY_BYTES]));
        Ok((
            key.map_err(|why| fdo::Error::Failed(why.to_string()))?,
            path("/org/freedesktop/secrets/session/1"),
        ))
    }

    fn search_items(
        &self,
        _attributes: HashMap<String, String>,
    ) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        match self.asks {
            Asks::ToUnlock => (Vec::new(), vec![path(ITEM)]),
            Asks::ToKeep => (Vec::new(), Vec::new()),
        }
    }

    fn unlock(&self, _objects: Vec<OwnedObjectPath>) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        (Vec::new(), path(PROMPT))
    }

    fn read_alias(&self, _name: &str) -> OwnedObjectPath {
        path(COLLECTION)
    }

    #[zbus(property)]
    fn collections(&self) -> Vec<OwnedObjectPath> {
        vec![path(COLLECTION)]
    }
}

struct Collection {
    asks: Asks,
}

#[interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    fn create_item(
        &self,
        _properties: HashMap<String, OwnedValue>,
        _secret: (OwnedObjectPath, Vec<u8>, Vec<u8>, String),
        _replace: bool,
    ) -> (OwnedObjectPath, OwnedObjectPath) {
        (path("/"), path(PROMPT))
    }

    #[zbus(property)]
    fn locked(&self) -> bool {
        self.asks == Asks::ToUnlock
    }

    #[zbus(property)]
    fn label(&self) -> &str {
        "Login"
    }
}

struct Item;

#[interface(name = "org.freedesktop.Secret.Item")]
impl Item {
    #[zbus(property)]
    fn locked(&self) -> bool {
        true
    }
}

struct Prompt {
    shown: Arc<AtomicUsize>,
}

#[interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(
        &self,
        _window: &str,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> fdo::Result<()> {
        self.shown.fetch_add(1, Ordering::SeqCst);
        Self::completed(&emitter, true, Value::from("")).await?;
        Ok(())
    }

    fn dismiss(&self) {}

    #[zbus(signal)]
    async fn completed(emitter: &SignalEmitter<'_>, dismissed: bool, result: Value<'_>) -> zbus::Result<()>;
}
