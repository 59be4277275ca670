//! The field of the form that chooses a jump host.

use leptos::prelude::*;
use protocol::hosts::Host;
use protocol::text::printable;

use super::jump::candidates;
use crate::components::{Field, SelectInput};
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

/// The jump host of the form; nothing is shown where no other host is saved.
#[component]
pub(crate) fn JumpField(
    value: RwSignal<String>,
    own_id: Option<String>,
    error: Signal<Option<String>>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let hosts: Vec<Host> = app.rows().iter().map(|row| row.get_untracked().host).collect();
    let names = candidates(&hosts, own_id.as_deref());
    let none = names.is_empty();
    let options = Signal::derive(move || {
        let straight = (String::new(), t_string!(i18n, hosts.form_jump_none).to_string());
        let others = names.iter().map(|name| (name.clone(), printable(name).into_owned()));
        std::iter::once(straight).chain(others).collect::<Vec<_>>()
    });
    (!none).then(|| {
        view! {
            <Field
                label=Signal::derive(move || t_string!(i18n, hosts.form_jump).to_string())
                for_id="jump"
                error
                hint=Signal::derive(move || Some(t_string!(i18n, hosts.form_jump_hint).to_string()))
            >
                <SelectInput value options id="jump" testid="field-jump" />
            </Field>
        }
    })
}
