//! Which computer answers for a saved host, by its machine-id(5).
//!
//! A host key may be copied with the disk it lies on, or kept over a new installation; an address may lead to
//! another host from one day to the next. The first machine-id that a host shows is remembered. Where another
//! one answers the host can be looked at, and nothing is done on it until a person says that it is meant.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::hosts::Host;
use protocol::trust::{HostMachine, Machine};
use protocol::{Fault, FaultCode};

use super::{Trust, same_address};
use crate::store::{Reader, Tree, Writer};

/// By the id of the host.
const MACHINES: Tree<String, HostMachine> = Tree::new("machines", 1);

/// What a host says of itself, where it is a machine-id.
pub(crate) fn machine_id(said: Option<&str>) -> Option<String> {
    let said = said?.trim();
    let is_id = said.len() == 32 && said.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| said.to_ascii_lowercase())
}

/// What the store holds of the hosts that were asked about, by their ids: each command asks again.
#[derive(Debug, Default)]
pub(super) struct Kept {
    machines: Mutex<HashMap<String, Option<HostMachine>>>,
    /// Held from the reading of one to its place here, so that nothing older is put over it.
    reading: Mutex<()>,
}

impl Kept {
    fn get(&self, id: &str) -> Option<Option<HostMachine>> {
        self.lock().get(id).cloned()
    }

    fn read(&self, reader: &Reader<'_>, id: String) -> Result<Option<HostMachine>, Fault> {
        let _turn = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be read is asked for again.
        self.lock().remove(&id);
        let machine = MACHINES.get(reader, &id)?;
        self.lock().insert(id, machine.clone());
        Ok(machine)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<HostMachine>>> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trust {
    /// Remembers who answered for the host just now, and tells what is known of it.
    pub async fn saw_machine(&self, host: &Host, id: Option<String>) -> Result<HostMachine, Fault> {
        let now_ms = self.clock.now_ms();
        self.change_machine(host, move |before, host| Ok(after_seeing(before, host, id.clone(), now_ms)))
            .await
    }

    /// What is known; `None` if nobody answered at this address yet.
    pub async fn machine(&self, host: &Host) -> Result<Option<HostMachine>, Fault> {
        let machine = match self.machines.get(&host.id) {
            Some(machine) => machine,
            None => {
                let (kept, id) = (self.machines.clone(), host.id.clone());
                self.store.read(move |reader| kept.read(reader, id)).await?
            }
        };
        Ok(machine.filter(|machine| is_at(machine, host)))
    }

    /// The computer that answers now is the one that is meant, if it has this machine-id.
    pub async fn accept_machine(
        &self,
        host: &Host,
        id: Option<String>,
        by: &str,
    ) -> Result<HostMachine, Fault> {
        let by = by.to_owned();
        self.change_machine(host, move |before, host| after_accepting(before, host, id.as_deref(), &by)).await
    }

    pub async fn forget_machine(&self, host: &Host) -> Result<(), Fault> {
        let (kept, id, then) = (self.machines.clone(), host.id.clone(), host.id.clone());
        let remove = move |writer: &mut Writer<'_>| MACHINES.remove(writer, &id).map(drop);
        self.store.write_then(remove, move |reader| kept.read(reader, then).map(drop)).await
    }

    /// Writes what a change makes of what is known, if that is something else.
    async fn change_machine(
        &self,
        host: &Host,
        change: impl Fn(Option<HostMachine>, &Host) -> Result<HostMachine, Fault> + Send + 'static,
    ) -> Result<HostMachine, Fault> {
        let before = self.machine(host).await?;
        let after = change(before.clone(), host)?;
        if before.as_ref() == Some(&after) {
            return Ok(after);
        }
        let (kept, id, host) = (self.machines.clone(), host.id.clone(), host.clone());
        let write = move |writer: &mut Writer<'_>| {
            // It may have become another one meanwhile.
            let before = MACHINES.get(writer, &host.id)?.filter(|machine| is_at(machine, &host));
            let after = change(before, &host)?;
            MACHINES.put(writer, &host.id, &after)?;
            Ok(after)
        };
        self.store.write_then(write, move |reader| kept.read(reader, id).map(drop)).await
    }
}

/// Fails if another computer than the known one answers.
pub(crate) fn must_be_known(host: &Host, machine: &HostMachine) -> Result<(), Fault> {
    let Some(other) = &machine.other else { return Ok(()) };
    let place = protocol::sockets::endpoint(&host.address, host.port);
    let message = format!(
        "another computer answers for {} ({place}) than before: its machine-id is {}, and {} was known; \
         nothing was done",
        host.name,
        words(other.id.as_deref()),
        words(machine.known.id.as_deref())
    );
    let fault = Fault::new(FaultCode::MachineChanged, message).on_host(&host.name);
    Err(fault.about(other.id.as_deref().unwrap_or(NONE)))
}

/// For a computer that has no machine-id.
pub(crate) const NONE: &str = "none";

fn words(id: Option<&str>) -> &str {
    id.unwrap_or(NONE)
}

fn is_at(machine: &HostMachine, host: &Host) -> bool {
    machine.port == host.port && same_address(&machine.address) == same_address(&host.address)
}

fn after_seeing(before: Option<HostMachine>, host: &Host, id: Option<String>, now_ms: i64) -> HostMachine {
    let seen = Machine { id, since_ms: now_ms };
    match before {
        Some(before) if before.known.id == seen.id => HostMachine { other: None, ..before },
        // Where nothing was known there is nothing that could have changed.
        Some(before) if before.known.id.is_some() => {
            let same = before.other.clone().filter(|other| other.id == seen.id);
            HostMachine { other: Some(same.unwrap_or(seen)), ..before }
        }
        _ => HostMachine {
            address: host.address.clone(),
            port: host.port,
            known: seen,
            accepted_by: String::new(),
            other: None,
        },
    }
}

fn after_accepting(
    before: Option<HostMachine>,
    host: &Host,
    id: Option<&str>,
    by: &str,
) -> Result<HostMachine, Fault> {
    let none = |message| Err(Fault::bad_input("machine_id", message).on_host(&host.name));
    let Some(before) = before else {
        return none(format!(
            "{} has not answered yet, so no machine-id of it is known: look at it first",
            host.name
        ));
    };
    if before.other.is_none() && before.known.id.as_deref() == id {
        return Ok(before);
    }
    let now = before.other.clone().unwrap_or_else(|| before.known.clone());
    if now.id.as_deref() != id {
        return none(format!(
            "{} has the machine-id {}, not {}: nothing was accepted",
            host.name,
            words(now.id.as_deref()),
            words(id)
        ));
    }
    Ok(HostMachine { known: now, accepted_by: by.to_owned(), other: None, ..before })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Hosts;

    const A: &str = "0123456789abcdef0123456789abcdef";
    const B: &str = "fedcba9876543210fedcba9876543210";

    fn host() -> Host {
        Host { id: "h-1".into(), name: "web".into(), address: "10.0.0.5".into(), port: 22, ..Hosts::local() }
    }

    fn seen(before: Option<HostMachine>, id: Option<&str>, now_ms: i64) -> HostMachine {
        after_seeing(before, &host(), id.map(str::to_owned), now_ms)
    }

    #[test]
    fn only_a_machine_id_is_taken_for_one() {
        assert_eq!(machine_id(Some(&format!("{A}\n"))).as_deref(), Some(A));
        assert_eq!(machine_id(Some(&A.to_uppercase())).as_deref(), Some(A));
        for said in ["", "uninitialized", "0123", &format!("{A}0"), "0123456789abcdef0123456789abcde\u{1b}"] {
            assert_eq!(machine_id(Some(said)), None, "{said:?}");
        }
    }

    #[test]
    fn another_machine_is_known_as_such_until_the_first_is_back() {
        let first = seen(None, Some(A), 1);
        assert!(must_be_known(&host(), &first).is_ok());
        assert_eq!(seen(Some(first.clone()), Some(A), 2), first, "seen again, nothing is new");
        let other = seen(Some(first.clone()), Some(B), 3);
        let fault = must_be_known(&host(), &other).unwrap_err();
        assert_eq!(fault.code, FaultCode::MachineChanged);
        assert!(fault.message.contains(A) && fault.message.contains(B), "{}", fault.message);
        assert_eq!(seen(Some(other.clone()), Some(B), 4), other, "since when is kept");
        assert_eq!(seen(Some(other.clone()), Some(A), 5), first);
        let without = seen(Some(first), None, 6);
        let fault = must_be_known(&host(), &without).unwrap_err();
        assert_eq!(fault.detail.subject.as_deref(), Some(NONE), "one that has none is another one too");
    }

    #[test]
    fn a_machine_id_where_there_was_none_changes_nothing() {
        let first = seen(None, None, 1);
        let later = seen(Some(first), Some(A), 2);
        assert!(must_be_known(&host(), &later).is_ok());
        assert_eq!(later.known, Machine { id: Some(A.into()), since_ms: 2 });
    }
}
