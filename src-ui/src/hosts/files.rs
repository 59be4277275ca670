//! Hosts from a file, looked at before anything is saved, and hosts into a file.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::hosts::{HostFormat, HostsExported, ImportReport, ImportRow, ImportVerdict};
use protocol::ipc::{HostsExport, HostsImport};
use protocol::sockets::endpoint;
use protocol::text::printable;

use super::reasons::{note_words, reasons};
use crate::components::load::Load;
use crate::components::{
    Button, ButtonKind, Choice, Dialog, Failed, Field, Glyph, GlyphName, Icon, IconName, Segmented, Skeleton,
    TextInput,
};
use crate::ipc;
use crate::state::{App, use_app};
use crate::text::{I18n, t_string, use_i18n};

/// The config that people have most often.
pub(crate) const SSH_CONFIG: &str = "~/.ssh/config";

/// So many hosts of a file are drawn; the others are counted.
const MOST_DRAWN: usize = 300;

/// What is shown, and of what: only this is taken over.
#[derive(Clone, Copy)]
struct Look {
    file: RwSignal<String>,
    format: RwSignal<Option<HostFormat>>,
    report: RwSignal<Option<Load<ImportReport>>>,
    /// The file and the format that were asked about last.
    asked: StoredValue<(String, Option<HostFormat>)>,
    /// A late answer to what was asked before is none to this.
    serial: StoredValue<u32>,
    /// It is being taken over.
    busy: RwSignal<bool>,
    /// What was shown was something else by the time it was to be taken over.
    is_outdated: RwSignal<bool>,
}

impl Look {
    fn new() -> Self {
        let look = Self {
            file: RwSignal::new(SSH_CONFIG.to_owned()),
            format: RwSignal::new(None),
            report: RwSignal::new(None),
            asked: StoredValue::default(),
            serial: StoredValue::new(0),
            busy: RwSignal::new(false),
            is_outdated: RwSignal::new(false),
        };
        // What is shown of one file says nothing of another.
        Effect::new(move |_| {
            let file = look.file.get();
            if look.asked.with_value(|(asked, _)| *asked != file) && look.is_open() {
                look.next_serial();
                look.report.set(None);
            }
        });
        look
    }

    /// False once it is taken over, or while that is under way.
    fn is_open(self) -> bool {
        let is_done = self.report.with_untracked(|report| {
            report.as_ref().and_then(Load::value).is_some_and(|report| !report.dry_run)
        });
        !is_done && !self.busy.get_untracked()
    }

    fn next_serial(self) -> u32 {
        self.serial.update_value(|serial| *serial = serial.wrapping_add(1));
        self.serial.get_value()
    }

    /// Asks what the file would change.
    fn ask(self) {
        if !self.is_open() {
            return;
        }
        let (file, format) = (self.file.get_untracked(), self.format.get_untracked());
        self.asked.set_value((file.clone(), format));
        self.report.set(Some(Load::Loading));
        let serial = self.next_serial();
        spawn_local(async move {
            let answer = ipc::call(HostsImport { file, format, dry_run: true, shown: None }).await;
            if self.serial.try_get_value() == Some(serial) {
                self.report.try_set(Some(answer.map_or_else(Load::Failed, Load::Ready)));
            }
        });
    }

    /// Takes over what is shown, if it is still that.
    fn take_over(self, app: App) {
        let shown = self.report.with_untracked(|report| {
            report.as_ref().and_then(Load::value).map(|report| report.digest.clone())
        });
        if shown.is_none() || !self.is_open() {
            return;
        }
        let (file, format) = self.asked.get_value();
        self.busy.set(true);
        self.is_outdated.set(false);
        spawn_local(async move {
            let answer = ipc::call(HostsImport { file, format, dry_run: false, shown }).await;
            self.busy.try_set(false);
            match answer {
                Ok(report) => {
                    app.refresh_hosts();
                    self.report.try_set(Some(Load::Ready(report)));
                }
                Err(why) if why.detail.subject.as_deref() == Some("shown") => {
                    self.is_outdated.try_set(true);
                    if self.serial.try_get_value().is_some() {
                        self.ask();
                    }
                }
                Err(why) => drop(self.report.try_set(Some(Load::Failed(why)))),
            }
        });
    }
}

/// Shows what a file would change, and takes it over when the person says so.
#[component]
pub(crate) fn ImportDialog() -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let look = Look::new();
    let Look { file, format, report: preview, busy, is_outdated, .. } = look;
    look.ask();
    let ask = Callback::new(move |()| {
        is_outdated.set(false);
        look.ask();
    });
    let report = move || preview.with(|preview| preview.as_ref().and_then(|load| load.value().cloned()));
    let waits = Memo::new(move |_| {
        let [added, changed, ..] =
            report().filter(|report| report.dry_run).map_or([0; 4], |report| report.counts());
        added + changed
    });
    let is_done = Memo::new(move |_| report().is_some_and(|report| !report.dry_run));
    let is_fixed = Signal::derive(move || is_done.get() || busy.get());
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
                    on_click=Callback::new(move |()| look.take_over(app))
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
                    ask.run(());
                }
            >
                <Field
                    label=Signal::derive(move || t_string!(i18n, hosts.import_file).to_string())
                    for_id="import-file"
                    hint=Signal::derive(move || Some(t_string!(i18n, hosts.import_file_hint).to_string()))
                >
                    <TextInput value=file id="import-file" testid="import-file" mono=true disabled=is_fixed />
                </Field>
                <div class="panel-buttons">
                    <Segmented
                        label=Signal::derive(move || t_string!(i18n, hosts.import_format).to_string())
                        value=format
                        on_change=Callback::new(move |kind| {
                            if !is_fixed.get_untracked() {
                                format.set(kind);
                                ask.run(());
                            }
                        })
                        choices=vec![
                            Choice::new(None, "format-any", move || t_string!(i18n, hosts.format_any).to_string()),
                            Choice::new(Some(HostFormat::SshConfig), "format-ssh", || "ssh_config".to_owned()),
                            Choice::new(Some(HostFormat::Csv), "format-csv", || "CSV".to_owned()),
                            Choice::new(Some(HostFormat::Json), "format-json", || "JSON".to_owned()),
                            Choice::new(Some(HostFormat::Ansible), "format-ansible", || "Ansible".to_owned()),
                        ]
                    />
                    <Button testid="import-look" disabled=is_fixed on_click=ask>
                        {move || t_string!(i18n, hosts.import_look)}
                    </Button>
                </div>
            </form>
            <Show when=move || is_outdated.get()>
                <p class="is-warn" role="alert" data-testid="import-outdated">
                    {move || t_string!(i18n, hosts.import_outdated)}
                </p>
            </Show>
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
    let left = report.rows.len().saturating_sub(MOST_DRAWN);
    let rows = report.rows.into_iter().take(MOST_DRAWN).map(|row| view! { <Row row /> }).collect_view();
    let notes = report
        .notes
        .into_iter()
        .map(|note| view! { <p class="field-hint selectable">{move || note_words(i18n, &note)}</p> })
        .collect_view();
    view! {
        <Show when=move || nothing>
            <p class="quiet">{move || t_string!(i18n, hosts.import_nothing)}</p>
        </Show>
        <ul class="import-rows" data-testid="import-rows">{rows}</ul>
        <Show when=move || left != 0>
            <p class="quiet" data-testid="import-left">
                {move || t_string!(i18n, hosts.import_left, count = left as u64)}
            </p>
        </Show>
        {notes}
    }
}

#[component]
fn Row(row: ImportRow) -> impl IntoView {
    let i18n = use_i18n();
    // The signs of states are for hosts that are connected; of these some are not even saved.
    let icon = |name| view! { <Icon name /> }.into_any();
    let (mark, class) = match &row.verdict {
        ImportVerdict::Added => (icon(IconName::Plus), "import-row is-added"),
        ImportVerdict::Changed { .. } => (icon(IconName::Edit), "import-row"),
        ImportVerdict::Same => (().into_any(), "import-row is-same"),
        ImportVerdict::Refused { .. } => {
            let glyph = view! { <Glyph name=Signal::stored(GlyphName::Critical) size=12 /> };
            (glyph.into_any(), "import-row is-refused")
        }
    };
    let place = printable(&endpoint(&row.address, row.port)).into_owned();
    let user = printable(&row.user).into_owned();
    let name = printable(&row.name).into_owned();
    let through = row.jump.as_ref().map(|jump| format!("\u{2192} {}", printable(jump)));
    let verdict = row.verdict.clone();
    let words = move || match &verdict {
        ImportVerdict::Added => t_string!(i18n, hosts.import_added).to_string(),
        ImportVerdict::Changed { .. } => t_string!(i18n, hosts.import_changed).to_string(),
        ImportVerdict::Same => t_string!(i18n, hosts.import_same).to_string(),
        ImportVerdict::Refused { .. } => t_string!(i18n, hosts.import_refused).to_string(),
    };
    let more = move || {
        let line = |line: String| view! { <p class="import-more selectable">{line}</p> };
        reasons(i18n, &row).into_iter().map(line).collect_view()
    };
    view! {
        <li class=class>
            <span class="import-mark">{mark}</span>
            <span class="import-verdict">{words}</span>
            <span class="import-name cut">{name}</span>
            <span class="mono quiet cut">{format!("{user}@{place}")}</span>
            <span class="quiet cut">{through}</span>
            {more}
        </li>
    }
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
        let command = HostsImport {
            file: SSH_CONFIG.into(),
            format: Some(HostFormat::SshConfig),
            dry_run: true,
            shown: None,
        };
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
