//! An Ansible inventory in YAML, and files of variables.

use protocol::hosts::{FileProblem, FileRefusal, ImportNote, InventoryProblem};
use serde_json::{Map, Value};

use super::Notes;
use super::ansible::{Inventory, MOST_HOSTS, Vars, expand};

/// Groups may lie in each other so deep.
const DEEPEST: usize = 32;

pub(super) fn parse(text: &str, notes: &mut Notes) -> Result<Inventory, FileRefusal> {
    let value = value(text).map_err(|why| FileRefusal::NotYaml { why })?;
    let mut inventory = Inventory::default();
    for (name, group) in &value {
        add_group(&mut inventory, name, group, 0, notes)?;
    }
    Ok(inventory)
}

/// The variables of a file of them.
pub(super) fn vars(text: &str) -> Result<Vars, FileProblem> {
    if text.starts_with("$ANSIBLE_VAULT") {
        return Err(FileProblem::Encrypted);
    }
    Ok(value(text)?.into_iter().collect())
}

fn value(text: &str) -> Result<Map<String, Value>, FileProblem> {
    if text.lines().all(|line| line.trim().is_empty() || line.starts_with('#') || line.trim_end() == "---") {
        return Ok(Map::new());
    }
    // What the parser says of a line may repeat it, and that may be a secret.
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(FileProblem::NotMapping),
        Err(_) => Err(FileProblem::NotYaml),
    }
}

fn add_group(
    inventory: &mut Inventory,
    name: &str,
    group: &Value,
    depth: usize,
    notes: &mut Notes,
) -> Result<(), FileRefusal> {
    let bad = |why| FileRefusal::NotInventory { line: None, why };
    if depth > DEEPEST {
        return Err(bad(InventoryProblem::TooDeep));
    }
    inventory.groups.entry(name.to_owned()).or_default();
    let Value::Object(parts) = group else {
        if !group.is_null() {
            return Err(bad(InventoryProblem::NotGroup { name: name.to_owned() }));
        }
        return Ok(());
    };
    for (part, inner) in parts {
        let inner = match inner {
            Value::Object(inner) => inner,
            Value::Null => continue,
            _ => {
                notes.say(ImportNote::Part { part: part.clone(), group: name.to_owned() });
                continue;
            }
        };
        match part.as_str() {
            "hosts" => {
                for (host, vars) in inner {
                    let vars: Vars =
                        vars.as_object().map(|vars| vars.clone().into_iter().collect()).unwrap_or_default();
                    for host in expand(host).map_err(bad)? {
                        inventory.add_host(name, host, &vars);
                    }
                    if inventory.order.len() >= MOST_HOSTS {
                        return Err(bad(InventoryProblem::TooManyHosts));
                    }
                }
            }
            "children" => {
                for (child, group) in inner {
                    add_group(inventory, child, group, depth + 1, notes)?;
                    inventory.groups.entry(name.to_owned()).or_default().children.insert(child.clone());
                }
            }
            "vars" => {
                let vars = inner.clone();
                inventory.groups.entry(name.to_owned()).or_default().vars.extend(vars);
            }
            _ => notes.say(ImportNote::Part { part: part.clone(), group: name.to_owned() }),
        }
    }
    Ok(())
}
