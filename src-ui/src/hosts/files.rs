//! Hosts from a file, looked at before anything is saved, and hosts into a file.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::hosts::{HostFormat, HostsExported, ImportReport, ImportRow, ImportVerdict};
use protocol::ipc::{HostsExport, HostsImport};
use protocol::sockets::endpoint;
use protocol::text::printable;

use crate::components::load::Load;
use crate::components::{
    Button, ButtonKind, Choice, Dialog, Failed, Field, Glyph, GlyphName, Segmented, Skeleton, TextInput,
};
use crate::ipc;
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

/// The config that people have most often.
pub(crate) const SSH_CONFIG: &str = "~/.ssh/config";

/// Shows what a file would change, and takes it over when the person says so.
#[component]
pub(crate) fn ImportDialog() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let file = RwSignal::new(SSH_CONFIG.to_owned());
    let format = RwSignal::new(None::<HostFormat>);
    let preview = RwSignal::new(None::<Load<ImportReport>>);
    let busy = RwSignal::new(false);
    let ask = move |dry_run: bool| {
        let command = HostsImport { file: file.get_untracked(), format: format.get_untracked(), dry_run };
        busy.set(true);
        if dry_run {
            preview.set(Some(Load::Loading));
        }
        spawn_local(async move {
            let answer = ipc::call(command).await;
            busy.try_set(false);
            if answer.is_ok() && !dry_run {
                app.refresh_hosts();
            }
            preview.try_set(Some(answer.map_or_else(Load::Failed, Load::Ready)));
        });
    };
    ask(true);
    let look = Callback::new(move |()| ask(true));
    let report = move || preview.with(|preview| preview.as_ref().and_then(|load| load.value().cloned()));
    let waits = Memo::new(move |_| {
        let [added, changed, ..] =
            report().filter(|report| report.dry_run).map_or([0; 4], |report| report.counts());
        added + changed
    });
    let is_done = Memo::new(move |_| report().is_some_and(|report| !report.dry_run));
    let foot = move || {
        view! {
            <span class="quiet" data-testid="import-counts">{move || report().map(|report| count_words(i18n, &report))}</span>
            <span class="grow"></span>
            <Button testid="import-cancel" disabled=busy on_click=Callback::new(move |()| app.dialog.set(None))>
                {move || if is_done.get() { t_string!(i18n, app.close) } else { t_string!(i18n, app.cancel) }}
            </Button>
            <Show when=move || !is_done.get()>
                <Button
                    kind=ButtonKind::Primary
                    testid="import-do"
                    busy
                    disabled=Signal::derive(move || waits.get() == 0)
                    on_click=Callback::new(move |()| ask(false))
                >
                    {move || t_string!(i18n, hosts.import_do, count = waits.get())}
                </Button>
            </Show>
        }
    };
    let body = move || {
        preview.get().map(|preview| match preview {
            Load::Loading => view! { <Skeleton rows=6 /> }.into_any(),
            Load::Failed(fault) => view! { <Failed fault bare=true /> }.into_any(),
            Load::Ready(report) => view! { <Preview report /> }.into_any(),
        })
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, hosts.import_title).to_string())
            on_close=Callback::new(move |()| app.dialog.set(None))
            held=busy
            wide=true
            testid="import"
            foot=ViewFn::from(foot)
        >
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    look.run(());
                }
            >
                <Field
                    label=Signal::derive(move || t_string!(i18n, hosts.import_file).to_string())
                    for_id="import-file"
                    hint=Signal::derive(move || Some(t_string!(i18n, hosts.import_file_hint).to_string()))
                >
                    <TextInput value=file id="import-file" testid="import-file" mono=true disabled=is_done />
                </Field>
                <div class="panel-buttons">
                    <Segmented
                        label=Signal::derive(move || t_string!(i18n, hosts.import_format).to_string())
                        value=format
                        on_change=Callback::new(move |kind| {
                            format.set(kind);
                            look.run(());
                        })
                        choices=vec![
                            Choice::new(None, "format-any", move || t_string!(i18n, hosts.format_any).to_string()),
                            Choice::new(Some(HostFormat::SshConfig), "format-ssh", || "ssh_config".to_owned()),
                            Choice::new(Some(HostFormat::Csv), "format-csv", || "CSV".to_owned()),
                            Choice::new(Some(HostFormat::Json), "format-json", || "JSON".to_owned()),
                            Choice::new(Some(HostFormat::Ansible), "format-ansible", || "Ansible".to_owned()),
                        ]
                    />
                    <Button testid="import-look" disabled=busy on_click=look>
                        {move || t_string!(i18n, hosts.import_look)}
                    </Button>
                </div>
            </form>
            {body}
        </Dialog>
    }
}

fn count_words(i18n: I18n, report: &ImportReport) -> String {
    let [added, changed, same, refused] = report.counts();
    if report.dry_run {
        t_string!(i18n, hosts.import_would, added = added, changed = changed, same = same, refused = refused)
    } else {
        t_string!(i18n, hosts.import_did, added = added, changed = changed, same = same, refused = refused)
    }
}

#[component]
fn Preview(report: ImportReport) -> impl IntoView {
    let i18n = use_i18n();
    let nothing = report.rows.is_empty();
    let rows = report.rows.into_iter().map(|row| view! { <Row row /> }).collect_view();
    let notes = report
        .notes
        .into_iter()
        .map(|note| view! { <p class="field-hint selectable">{printable(&note).into_owned()}</p> })
        .collect_view();
    view! {
        <Show when=move || nothing>
            <p class="quiet">{move || t_string!(i18n, hosts.import_nothing)}</p>
        </Show>
        <ul class="import-rows" data-testid="import-rows">{rows}</ul>
        {notes}
    }
}

#[component]
fn Row(row: ImportRow) -> impl IntoView {
    let i18n = use_i18n();
    let ImportRow { name, address, port, user, jump, verdict, warnings } = row;
    let (glyph, class) = match &verdict {
        ImportVerdict::Added => (GlyphName::Live, "import-row"),
        ImportVerdict::Changed { .. } => (GlyphName::Stale, "import-row"),
        ImportVerdict::Same => (GlyphName::Idle, "import-row is-same"),
        ImportVerdict::Refused { .. } => (GlyphName::Critical, "import-row is-refused"),
    };
    let (kept, place) = (verdict.clone(), printable(&endpoint(&address, port)).into_owned());
    let words = move || match &kept {
        ImportVerdict::Added => t_string!(i18n, hosts.import_added).to_string(),
        ImportVerdict::Changed { .. } => t_string!(i18n, hosts.import_changed).to_string(),
        ImportVerdict::Same => t_string!(i18n, hosts.import_same).to_string(),
        ImportVerdict::Refused { .. } => t_string!(i18n, hosts.import_refused).to_string(),
    };
    let mut more: Vec<String> = match verdict {
        ImportVerdict::Changed { fields } => fields
            .iter()
            .map(|change| {
                format!("{}: {} \u{2192} {}", change.field, or_dash(&change.before), or_dash(&change.after))
            })
            .collect(),
        ImportVerdict::Refused { why } => vec![why],
        ImportVerdict::Added | ImportVerdict::Same => Vec::new(),
    };
    more.extend(warnings);
    let more = more
        .into_iter()
        .map(|line| view! { <p class="import-more selectable">{printable(&line).into_owned()}</p> })
        .collect_view();
    let through = jump.map(|jump| format!("\u{2192} {}", printable(&jump)));
    view! {
        <li class=class>
            <Glyph name=Signal::stored(glyph) size=12 />
            <span class="import-verdict">{words}</span>
            <span class="import-name cut">{printable(&name).into_owned()}</span>
            <span class="mono quiet cut">{format!("{}@{place}", printable(&user))}</span>
            <span class="quiet cut">{through}</span>
            {more}
        </li>
    }
}

fn or_dash(value: &str) -> &str {
    if value.is_empty() { "\u{2014}" } else { value }
}

/// Writes all hosts to a file, without secrets.
#[component]
pub(crate) fn ExportDialog() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let file = RwSignal::new("~/muster-hosts.csv".to_owned());
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<Fault>);
    let write = move || {
        busy.set(true);
        refused.set(None);
        let command = HostsExport { file: Some(file.get_untracked()), format: None };
        spawn_local(async move {
            let answer = ipc::call(command).await;
            busy.try_set(false);
            match answer {
                Ok(HostsExported { hosts, file, .. }) => {
                    app.dialog.set(None);
                    app.tell_more(
                        |i18n| t_string!(i18n, hosts.export_done, count = hosts),
                        file.unwrap_or_default(),
                    );
                }
                Err(fault) => drop(refused.try_set(Some(fault))),
            }
        });
    };
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button testid="export-cancel" disabled=busy on_click=Callback::new(move |()| app.dialog.set(None))>
                {move || t_string!(i18n, app.cancel)}
            </Button>
            <Button kind=ButtonKind::Primary testid="export-do" busy on_click=Callback::new(move |()| write())>
                {move || t_string!(i18n, hosts.export_do)}
            </Button>
        }
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, hosts.export_title).to_string())
            on_close=Callback::new(move |()| app.dialog.set(None))
            held=busy
            testid="export"
            foot=ViewFn::from(foot)
        >
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    write();
                }
            >
                <p class="quiet">{move || t_string!(i18n, hosts.export_text)}</p>
                <Field
                    label=Signal::derive(move || t_string!(i18n, hosts.export_file).to_string())
                    for_id="export-file"
                    hint=Signal::derive(move || Some(t_string!(i18n, hosts.export_file_hint).to_string()))
                >
                    <TextInput value=file id="export-file" testid="export-file" mono=true />
                </Field>
            </form>
            {move || refused.get().map(|fault| view! { <Failed fault bare=true /> })}
        </Dialog>
    }
}

/// `Import from ~/.ssh/config (3 found)`, where there is something to import.
#[component]
pub(crate) fn ImportOffer() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let found = RwSignal::new(0_usize);
    spawn_local(async move {
        let command =
            HostsImport { file: SSH_CONFIG.into(), format: Some(HostFormat::SshConfig), dry_run: true };
        // No config, or none that can be read: then there is nothing to offer.
        if let Ok(report) = ipc::call(command).await {
            found.try_set(report.counts()[0]);
        }
    });
    view! {
        <Show when=move || found.get() != 0>
            <Button
                testid="hosts-import"
                on_click=Callback::new(move |()| app.dialog.set(Some(crate::state::OpenDialog::HostsImport)))
            >
                {move || t_string!(i18n, hosts.first_import, count = found.get())}
            </Button>
        </Show>
    }
}
