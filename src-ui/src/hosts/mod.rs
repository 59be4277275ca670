//! hosts: the list of saved hosts, the form that saves one, and the frame around one.

mod change;
mod columns;
mod draft;
pub(crate) mod jump;
mod moving;
pub(crate) mod table;
pub(crate) mod unsaved;

#[cfg(target_arch = "wasm32")]
mod bulk;
#[cfg(target_arch = "wasm32")]
mod cells;
#[cfg(target_arch = "wasm32")]
mod drag;
#[cfg(target_arch = "wasm32")]
mod files;
#[cfg(target_arch = "wasm32")]
mod form;
#[cfg(target_arch = "wasm32")]
mod frame;
#[cfg(target_arch = "wasm32")]
mod in_place;
#[cfg(target_arch = "wasm32")]
mod jump_field;
#[cfg(target_arch = "wasm32")]
mod list;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod question;
#[cfg(target_arch = "wasm32")]
mod reasons;
#[cfg(target_arch = "wasm32")]
mod remove;

#[cfg(target_arch = "wasm32")]
pub(crate) use {bulk::HostsEditDialog, files::*, form::*, frame::*, page::*, question::*, remove::*};

/// The path of a host's page. A name has no character that a path must escape (`check_draft`), but
/// the list may hold one of a later version.
pub(crate) fn host_path(name: &str) -> String {
    let mut path = String::from("/hosts/");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                path.push(char::from(byte))
            }
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_any_letters_makes_one_path_segment() {
        assert_eq!(host_path("web-1"), "/hosts/web-1");
        assert_eq!(host_path("a/b?c"), "/hosts/a%2Fb%3Fc");
    }
}
