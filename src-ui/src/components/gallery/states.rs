//! What a page shows beside or instead of its data: states, faults, notices, numbers as shapes.

use leptos::prelude::*;
use protocol::{Fault, FaultCode};

use super::words;
use crate::components::level::Level;
use crate::components::shelf::{Toast, ToastKind};
use crate::components::{
    Badge, Button, ButtonKind, Empty, Failed, Glyph, GlyphName, Icon, IconName, KeyCap, Meter, PartialBar,
    Skeleton, Sparkline, StaleBar, Tag, TagKind, ToastCard,
};
use crate::state::use_app;

const GLYPHS: [(GlyphName, &str); 14] = [
    (GlyphName::Live, "live"),
    (GlyphName::Connecting, "connecting"),
    (GlyphName::Stale, "stale 40 s"),
    (GlyphName::Idle, "not connected"),
    (GlyphName::Unreachable, "port closed"),
    (GlyphName::KeyChanged, "host key changed"),
    (GlyphName::SignIn, "sign-in refused"),
    (GlyphName::Helper, "helper blocked"),
    (GlyphName::Warning, "warning"),
    (GlyphName::Critical, "critical"),
    (GlyphName::Done, "done"),
    (GlyphName::Failed, "failed"),
    (GlyphName::Partial, "3 of 4"),
    (GlyphName::Hint, "hint"),
];

const ICONS: [(IconName, &str); 20] = [
    (IconName::Hosts, "hosts"),
    (IconName::Operations, "operations"),
    (IconName::Settings, "settings"),
    (IconName::Search, "search"),
    (IconName::Restart, "restart"),
    (IconName::Terminal, "terminal"),
    (IconName::Copy, "copy"),
    (IconName::Freeze, "freeze"),
    (IconName::Lock, "lock"),
    (IconName::Import, "import"),
    (IconName::Export, "export"),
    (IconName::Unit, "unit"),
    (IconName::Plus, "plus"),
    (IconName::Cross, "cross"),
    (IconName::Check, "check"),
    (IconName::Down, "down"),
    (IconName::Right, "right"),
    (IconName::More, "more"),
    (IconName::Columns, "columns"),
    (IconName::Edit, "edit"),
];

/// What a host may say where sudo is refused: it must be read to its end.
const LONG: &str = "37 sockets of other users: root is needed to see whose. sudo was refused: Sorry, user \
                    deploy may not run sudo on web-3. Choose in the host's form how root is reached, or let \
                    /etc/sudoers.d/muster on that host allow it.";

#[component]
pub(super) fn GalleryStates() -> impl IntoView {
    view! {
        <main class="page gallery" data-testid="gallery" data-ready="true">
            <section>
                <Shapes />
                <Numbers />
            </section>
            <section>
                <Bars />
                <Faults />
                <Notices />
            </section>
        </main>
    }
}

#[component]
fn Shapes() -> impl IntoView {
    let glyphs = GLYPHS
        .map(|(name, words)| view! { <p class="gallery-line"><Glyph name /> <span>{words}</span></p> })
        .collect_view();
    let sizes = [10, 12, 14]
        .map(|size| view! { <Glyph name=GlyphName::Warning size label=words("warning") /> })
        .collect_view();
    let icons = ICONS
        .map(|(name, words)| view! { <p class="gallery-line"><Icon name /> <span>{words}</span></p> })
        .collect_view();
    view! {
        <h2>"States: a shape and a word each; in counts, in rows, in heads of pages"</h2>
        <div class="gallery-glyphs">{glyphs}</div>
        <p class="gallery-line">{sizes}</p>
        <h2>"Icons: on controls, never for a state"</h2>
        <div class="gallery-glyphs">{icons}</div>
        <h2>"Tags: fact, quiet, judgement"</h2>
        <p class="gallery-line">
            <Tag text=words("prod") />
            <Tag kind=TagKind::Quiet text=words("stage") />
            <Tag kind=TagKind::Crit text=words("2 failed") />
        </p>
        <h2>"Badges: some, many, critical; nothing for none"</h2>
        <p class="gallery-line">
            <Badge count=Signal::stored(5) label=words("5 unread") />
            <Badge count=Signal::stored(1_000) label=words("1000 unread") />
            <Badge count=Signal::stored(2) label=words("2 alerts") crit=true />
            <Badge count=Signal::stored(0) label=words("nothing unread") />
        </p>
        <h2>"Keys"</h2>
        <p class="gallery-line">
            <KeyCap key="Ctrl" /> <KeyCap key="K" /> <KeyCap key="Esc" />
        </p>
    }
}

#[component]
fn Numbers() -> impl IntoView {
    let meters = [
        ("CPU", Some(34.0), Level::Normal, false, Some(71.0)),
        ("Memory", Some(83.0), Level::Warning, false, None),
        ("Disk", Some(96.0), Level::Critical, false, None),
        ("None", Some(0.0), Level::Normal, false, None),
        ("Old", Some(62.0), Level::Normal, true, None),
        ("Unknown", None, Level::Normal, false, None),
    ];
    let meters = meters
        .map(|(name, pct, level, old, peak)| {
            view! {
                <p class="gallery-line">
                    <span class="gallery-name">{name}</span>
                    <Meter
                        label=words(name)
                        pct=Signal::stored(pct)
                        level=Signal::stored(level)
                        old=Signal::stored(old)
                        peak=Signal::stored(peak)
                    />
                </p>
            }
        })
        .collect_view();
    let known = |n: i32| Some(10.0 + f64::from((n * 37) % 11));
    let lines: [(&str, Vec<Option<f64>>); 4] = [
        ("Gap", (0..40).map(|n| if (22..27).contains(&n) { None } else { known(n) }).collect()),
        ("Begun", (0..12).map(known).collect()),
        ("Lost", (0..40).map(|n| if n > 33 { None } else { known(n) }).collect()),
        ("Unknown", vec![None; 40]),
    ];
    let lines = lines
        .map(|(name, values)| {
            view! {
                <p class="gallery-line">
                    <span class="gallery-name">{name}</span>
                    <Sparkline values=Signal::stored(values) label=words(name) />
                </p>
            }
        })
        .into_iter()
        .collect_view();
    view! {
        <h2>"Meters: normal with its peak, warning, critical, none, not from now, not known"</h2>
        {meters}
        <h2>"Sparklines: with a gap, just begun, the last values lost, nothing known"</h2>
        {lines}
    }
}

#[component]
fn Bars() -> impl IntoView {
    view! {
        <h2>"Loading"</h2>
        <Skeleton rows=3 />
        <h2>"Empty: with what to do, and where there is nothing to do"</h2>
        <Empty title=words("No hosts yet") text=words("14 found in ~/.ssh/config.")>
            <Button kind=ButtonKind::Primary>"Add a host"</Button>
            <Button>"This computer"</Button>
        </Empty>
        <Empty title=words("No process matches") />
        <h2>"Stale: with a reason and a way, with a long one, and without"</h2>
        <StaleBar words=words("stale 40 s") why=words("No answer, try 3")>
            <Button kind=ButtonKind::Link>"Try now"</Button>
        </StaleBar>
        <StaleBar words=words("as of 14:31") why=words(LONG) />
        <StaleBar words=words("as of 14:31") />
        <h2>"Partial: short with a way, and a refusal in full"</h2>
        <PartialBar words=words("37 sockets of other users: root is needed to see whose")>
            <Button kind=ButtonKind::Link>"Set up sudo"</Button>
        </PartialBar>
        <PartialBar words=words(LONG) />
    }
}

#[component]
fn Faults() -> impl IntoView {
    let fault = || Fault::new(FaultCode::SignInRefused, "api-3 did not take the key").on_host("api-3");
    let detailed = Fault::new(FaultCode::UnitFailed, "nginx.service failed")
        .on_host("web-3")
        .about("nginx.service")
        .because("Job for nginx.service failed because the control process exited with error code.")
        .with_lines(vec![
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)".to_owned(),
            "nginx.service: Failed with result 'exit-code'.".to_owned(),
        ]);
    view! {
        <h2>"Failed: with ways on, with what the system said, and bare as in a dialog"</h2>
        <Failed fault=fault() on_retry=Callback::new(|()| {})>
            <Button>"Choose a key..."</Button>
        </Failed>
        <Failed fault=detailed />
        <Failed fault=fault() bare=true />
    }
}

#[component]
fn Notices() -> impl IntoView {
    let app = use_app();
    let complaint = StoredValue::new(
        Fault::new(FaultCode::SignInRefused, "api-3 did not take the key id_ed25519").on_host("api-3"),
    );
    let toast = |kind, title: &str, text: &str| Toast {
        kind,
        title: title.to_owned(),
        text: text.to_owned(),
        code: None,
        way: None,
    };
    let toasts = [
        toast(ToastKind::Done, "12 rows copied", ""),
        toast(ToastKind::Done, "34 hosts written", "/home/chen/muster-hosts.csv"),
        toast(ToastKind::Alert, "Not copied: the desktop did not take the text", ""),
        toast(ToastKind::Alert, "Sign-in refused by api-3", "api-3 did not take the key id_ed25519."),
    ];
    let toasts = toasts
        .map(|toast| view! { <ToastCard toast on_close=Callback::new(|()| {}) /> })
        .into_iter()
        .collect_view();
    view! {
        <h2>"Notices in the corner: ended well, with a detail, an alert, a fault; and how they come"</h2>
        <div class="gallery-toasts">{toasts}</div>
        <p class="gallery-line">
            <Button
                testid="gallery-tell"
                on_click=Callback::new(move |()| {
                    let count = app.now_ms.get_untracked() % 100_000;
                    app.tell(|_| format!("{count} rows copied"));
                })
            >
                "It ended well"
            </Button>
            <Button
                testid="gallery-complain"
                on_click=Callback::new(move |()| app.complain(complaint.get_value()))
            >
                "A fault"
            </Button>
        </p>
    }
}
