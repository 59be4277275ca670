//! Every key that the window knows, in one dialog.

use leptos::prelude::*;

use crate::components::{Dialog, KeyCap};
use crate::state::use_app;
use crate::text::{t_string, use_i18n};

#[component]
pub(crate) fn KeysDialog() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let line = |keys: &'static [&'static str], text: Signal<String>| {
        let keys = keys.iter().map(|key| view! { <KeyCap key=*key /> }).collect_view();
        view! {
            <dt>{keys}</dt>
            <dd>{move || text.get()}</dd>
        }
    };
    macro_rules! says {
        ($($key:tt)+) => { Signal::derive(move || t_string!(i18n, $($key)+).to_string()) };
    }
    view! {
        <Dialog
            title=says!(app.keys)
            on_close=Callback::new(move |()| app.dialog.set(None))
            wide=true
            testid="keys"
        >
            <div class="keys">
                <section>
                    <h3>{move || t_string!(i18n, app.keys_anywhere)}</h3>
                    <dl>
                        {line(&["Ctrl", "K"], says!(app.key_search))}
                        {line(&["/"], says!(app.key_filter))}
                        {line(&["Alt", "1-9"], says!(app.key_open_host))}
                        {line(&["Ctrl", "Shift", "L"], says!(app.key_lock))}
                        {line(&["?"], says!(app.key_help))}
                        {line(&["Esc"], says!(app.key_notice))}
                    </dl>
                </section>
                <section>
                    <h3>{move || t_string!(i18n, app.keys_table)}</h3>
                    <dl>
                        {line(&["\u{2191}", "\u{2193}"], says!(app.key_move))}
                        {line(&["Home", "End"], says!(app.key_ends))}
                        {line(&["a\u{2013}z"], says!(app.key_type_ahead))}
                        {line(&["Enter"], says!(app.key_open))}
                        {line(&["Shift", "\u{2191}", "\u{2193}"], says!(app.key_range))}
                        {line(&["Ctrl", "\u{2191}", "\u{2193}"], says!(app.key_move_alone))}
                        {line(&["Ctrl", "Space"], says!(app.key_toggle))}
                        {line(&["Ctrl", "A"], says!(app.key_all))}
                        {line(&["Ctrl", "C"], says!(app.key_copy))}
                        {line(&["Space"], says!(app.key_freeze))}
                        {line(&["\u{2190}", "\u{2192}"], says!(app.key_fold))}
                        {line(&["\u{2191}"], says!(app.key_heads))}
                        {line(&["Enter"], says!(app.key_sort))}
                        {line(&["Shift", "\u{2190}", "\u{2192}"], says!(app.key_widen))}
                        {line(&["Ctrl", "E"], says!(app.key_edit))}
                        {line(&["F2"], says!(app.key_edit_here))}
                        {line(&["Delete"], says!(app.key_remove))}
                    </dl>
                </section>
                <section>
                    <h3>{move || t_string!(i18n, app.keys_dialog)}</h3>
                    <dl>{line(&["Esc"], says!(app.key_escape))}</dl>
                </section>
                <section>
                    <h3>{move || t_string!(i18n, app.keys_log)}</h3>
                    <dl>
                        {line(&["j", "k"], says!(app.key_move))}
                        {line(&["u"], says!(app.key_unread))}
                        {line(&["a\u{2013}z"], says!(app.key_type_ahead_log))}
                    </dl>
                </section>
            </div>
        </Dialog>
    }
}
