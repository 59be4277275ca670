//! Hosts as JSON: a list of what `musterctl host list --json` and an export give.

use protocol::hosts::{FileRefusal, HelperUse, Identity, ImportNote, ImportRefusal, Sudo};
use serde::Deserialize;
use serde_json::Value;

use super::{Found, Notes, Rest};

/// A host of a file; what the file does not say stays `None`.
#[derive(Deserialize)]
struct Said {
    name: String,
    address: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    identity: Option<Identity>,
    #[serde(default, deserialize_with = "said_or_null")]
    jump: Option<Option<String>>,
    groups: Option<Vec<String>>,
    tags: Option<Vec<String>>,
    sudo: Option<Sudo>,
    helper: Option<HelperUse>,
    helper_dir: Option<String>,
}

/// `null` is said, and is not the same as nothing.
fn said_or_null<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Fields that a host of ours has beside these.
const OUR_OWN: [&str; 2] = ["id", "added_ms"];
const FIELDS: [&str; 11] =
    ["name", "address", "port", "user", "identity", "jump", "groups", "tags", "sudo", "helper", "helper_dir"];

pub(super) fn read(text: &str, notes: &mut Notes) -> Result<Vec<Found>, FileRefusal> {
    let value: Value = serde_json::from_str(text).map_err(|why| FileRefusal::NotJson {
        line: why.line(),
        column: why.column(),
        why: why.to_string(),
    })?;
    let items = match value {
        Value::Array(items) => items,
        item @ Value::Object(_) => vec![item],
        _ => return Err(FileRefusal::NotHosts),
    };
    let mut found = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let name = item.get("name").and_then(Value::as_str).map(str::to_owned);
        for field in item.as_object().into_iter().flat_map(|fields| fields.keys()) {
            if !FIELDS.contains(&field.as_str()) && !OUR_OWN.contains(&field.as_str()) {
                notes.say(ImportNote::Unknown { field: field.clone() });
            }
        }
        match serde_json::from_value::<Said>(item) {
            Ok(said) => found.push(host(said)),
            // The reason may repeat what the file says, and that may be a secret: its name is enough.
            Err(_) => match name {
                Some(name) => {
                    let mut host = Found::named(&name);
                    host.refuse(ImportRefusal::Form);
                    found.push(host);
                }
                None => notes.say(ImportNote::Nameless { item: at + 1 }),
            },
        }
    }
    Ok(found)
}

fn host(said: Said) -> Found {
    let (key, identity) = match said.identity {
        Some(Identity::KeyFile { path }) => (Some(path), None),
        other => (None, other),
    };
    Found {
        name: said.name,
        address: said.address,
        port: said.port,
        user: said.user,
        key,
        identity,
        jump: said.jump.map(Option::unwrap_or_default),
        groups: said.groups,
        tags: said.tags,
        rest: Rest { sudo: said.sudo, helper: said.helper, helper_dir: said.helper_dir },
        ..Found::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_a_secret_is_not_and_an_odd_host_is_told() {
        let mut notes = Notes::default();
        let text = r#"[{"name":"web","address":"10.0.0.1","jump":null,"password":"pl4nted"},
            {"name":"db","port":"pl4nted"}, {"address":"10.0.0.3"}]"#;
        let found = read(text, &mut notes).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].jump.as_deref(), Some(""), "null takes a jump away");
        assert!(found[1].refusal.is_some());
        let told = notes.into_told();
        let wanted = [ImportNote::Unknown { field: "password".into() }, ImportNote::Nameless { item: 3 }];
        assert_eq!(told, wanted);
        assert!(!format!("{told:?}{found:?}").contains("pl4nted"));
        for text in ["", "3", "[", "{\"name\":"] {
            assert!(read(text, &mut Notes::default()).is_err(), "{text}");
        }
    }
}
