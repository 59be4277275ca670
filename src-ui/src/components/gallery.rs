//! Every component in every state, on one page of development builds, to be looked at side by side.
//!
//! Its words are examples for those who build the window and so are not translated.

use leptos::prelude::*;
use protocol::{Fault, FaultCode};

use super::gallery_charts::GalleryCharts;
use super::level::Level;
use super::shelf::{Toast, ToastKind};
use super::*;
use crate::state::use_app;

#[component]
pub(crate) fn Gallery() -> impl IntoView {
    let app = use_app();
    let text = RwSignal::new(String::new());
    let bad = RwSignal::new("10.0.0.300".to_owned());
    let choice = RwSignal::new(1_u32);
    let words = |words: &'static str| Signal::stored(words.to_owned());
    let fault =
        Fault::new(FaultCode::SignInRefused, "api-3 did not take the key id_ed25519").on_host("api-3");
    let glyphs = [
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
    let glyphs = glyphs
        .map(|(name, words)| view! { <p class="gallery-line"><Glyph name=name /> <span>{words}</span></p> })
        .collect_view();
    let meters = [
        ("CPU", 34.0, Level::Normal, false, Some(71.0)),
        ("Memory", 83.0, Level::Warning, false, None),
        ("Disk", 96.0, Level::Critical, false, None),
        ("Old", 62.0, Level::Normal, true, None),
    ];
    let meters = meters
        .map(|(name, pct, level, old, peak)| {
            view! {
                <p class="gallery-line">
                    <span class="gallery-name">{name}</span>
                    <Meter label=words(name) pct=Signal::stored(Some(pct)) level=Signal::stored(level) old=Signal::stored(old) peak=Signal::stored(peak) />
                </p>
            }
        })
        .collect_view();
    let series: Vec<Option<f64>> =
        (0..40).map(|n| (!(22..27).contains(&n)).then(|| 10.0 + f64::from((n * 37) % 11))).collect();
    let complaint = StoredValue::new(fault.clone());
    let toast = |kind, title: &str, text: &str| Toast {
        kind,
        title: title.to_owned(),
        text: text.to_owned(),
        code: None,
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
        <main class="page gallery" data-testid="gallery" data-ready="true">
            <section>
                <h2>"Buttons: primary, plain, danger, ghost, off, busy, link"</h2>
                <p class="gallery-line">
                    <Button kind=ButtonKind::Primary>"Add host"</Button>
                    <Button icon=IconName::Restart>"Restart..."</Button>
                    <Button kind=ButtonKind::Danger>"Stop nginx"</Button>
                    <Button kind=ButtonKind::Ghost>"Clear"</Button>
                    <Button disabled=Signal::stored(true)>"Run..."</Button>
                    <Button busy=Signal::stored(true)>"Stop, 2 s"</Button>
                    <Button kind=ButtonKind::Link>"Connect"</Button>
                </p>
                <h2>"Fields: plain, error, search, segments"</h2>
                <Field label=words("Name") for_id="gallery-name" hint=Signal::stored(Some("As it is typed.".to_owned()))>
                    <TextInput value=text id="gallery-name" placeholder=words("web-5") />
                </Field>
                <Field label=words("Address") for_id="gallery-address" error=Signal::stored(Some("300 is over 255.".to_owned()))>
                    <TextInput value=bad id="gallery-address" mono=true invalid=Signal::stored(true) />
                </Field>
                <SearchInput value=text placeholder=words("Filter") aside=|| view! { <span class="dim">"22 of 412"</span> } />
                <Segmented
                    choices=vec![
                        Choice::new(1, "gallery-1", || "All".to_owned()).counted(|| "34".to_owned()),
                        Choice::new(2, "gallery-2", || "Listening".to_owned()),
                    ]
                    value=choice
                    on_change=Callback::new(move |chosen| choice.set(chosen))
                    label=words("Which")
                />
                <h2>"Badges, tags, keys"</h2>
                <p class="gallery-line">
                    <Badge count=Signal::stored(5) label=words("5 unread") />
                    <Badge count=Signal::stored(2) label=words("2 alerts") crit=true />
                    <Tag text=words("prod") />
                    <Tag kind=TagKind::Quiet text=words("stage") />
                    <Tag kind=TagKind::Crit text=words("2 failed") />
                    <KeyCap key="Ctrl K" />
                </p>
                <h2>"Meters and sparklines"</h2>
                {meters}
                <p class="gallery-line">
                    <Sparkline values=Signal::stored(series) label=words("example") />
                </p>
            </section>
            <section>
                <h2>"States: a shape and a word each"</h2>
                <div class="gallery-glyphs">{glyphs}</div>
                <h2>"Loading"</h2>
                <Skeleton rows=3 />
                <h2>"Empty"</h2>
                <Empty title=words("No hosts yet") text=words("14 found in ~/.ssh/config.")>
                    <Button kind=ButtonKind::Primary>"Add a host"</Button>
                    <Button>"This computer"</Button>
                </Empty>
                <h2>"Stale, partial"</h2>
                <StaleBar words=words("stale 40 s") why=words("No answer, try 3")>
                    <Button kind=ButtonKind::Link>"Try now"</Button>
                </StaleBar>
                <PartialBar words=words("37 sockets of other users: root is needed to see whose") />
                <h2>"Failed"</h2>
                <Failed fault=fault on_retry=Callback::new(|()| {})>
                    <Button>"Choose a key..."</Button>
                </Failed>
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
            </section>
            <GalleryCharts />
        </main>
    }
}
