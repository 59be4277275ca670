//! The dialog that shows a host's key and takes the person's word for it.
//!
//! A new key is accepted by a button of its own. A changed key has no such button: the old one
//! must be forgotten first, and then the new one is compared as if it were the first.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::{TrustAccept, TrustForget, TrustShow};
use protocol::sockets::endpoint;
use protocol::text::printable;
use protocol::trust::{HostKey, KeyRole, TrustOffer, TrustedKey, Verdict, art};

use super::source_words;
use crate::components::load::Load;
use crate::components::{Button, ButtonKind, Dialog, Failed, Glyph, GlyphName, Skeleton};
use crate::ipc;
use crate::state::use_app;
use crate::text::{I18n, t_string, use_i18n};

#[component]
pub(crate) fn TrustDialog(
    host: String,
    /// Connected to once the key is accepted.
    asked: String,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let (host, asked) = (StoredValue::new(host), StoredValue::new(asked));
    let offer = RwSignal::new(Load::<TrustOffer>::Loading);
    let busy = RwSignal::new(false);
    let forgotten = RwSignal::new(false);
    let fault = RwSignal::new(None::<Fault>);

    let ask = move || {
        offer.set(Load::Loading);
        spawn_local(async move {
            let answer = match ipc::call(TrustShow { host: host.get_value() }).await {
                Ok(answer) => Load::Ready(answer),
                Err(fault) => Load::Failed(fault),
            };
            offer.try_set(answer);
        });
    };
    ask();
    let accept = move |once: bool| {
        let Some(fingerprint) =
            offer.with_untracked(|offer| offer.value().map(|o| o.shown.fingerprint.clone()))
        else {
            return;
        };
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let host = host.get_value();
            let result = ipc::call(TrustAccept { host, fingerprint, once }).await;
            busy.try_set(false);
            match result {
                Ok(_) => {
                    app.dialog.set(None);
                    asked.with_value(|asked| app.connect(asked));
                }
                Err(why) => drop(fault.try_set(Some(why))),
            }
        });
    };
    let forget = move || {
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let result = ipc::call(TrustForget { host: host.get_value() }).await;
            busy.try_set(false);
            match result {
                Ok(_) => {
                    forgotten.try_set(true);
                    ask();
                }
                Err(why) => drop(fault.try_set(Some(why))),
            }
        });
    };
    let verdict = Memo::new(move |_| offer.with(|offer| offer.value().map(|offer| offer.verdict)));
    let name = move || printable(&host.get_value()).into_owned();
    let title = Signal::derive(move || match verdict.get() {
        Some(Verdict::Changed) => t_string!(i18n, trust.title_changed, name = name()),
        Some(Verdict::Revoked) => t_string!(i18n, trust.title_revoked, name = name()),
        Some(Verdict::New) => t_string!(i18n, trust.title_new, name = name()),
        Some(Verdict::Known) | None => t_string!(i18n, trust.title_known, name = name()),
    });
    let foot = move || {
        let act = verdict.get().and_then(|verdict| match verdict {
            Verdict::New => Some(
                view! {
                    <Button testid="trust-once" busy on_click=Callback::new(move |()| accept(true))>
                        {move || t_string!(i18n, trust.accept_once)}
                    </Button>
                    <Button
                        kind=ButtonKind::Primary
                        testid="trust-accept"
                        busy
                        on_click=Callback::new(move |()| accept(false))
                    >
                        {move || t_string!(i18n, trust.accept)}
                    </Button>
                }
                .into_any(),
            ),
            Verdict::Changed => Some(
                view! {
                    <Button
                        kind=ButtonKind::Danger
                        testid="trust-forget"
                        busy
                        on_click=Callback::new(move |()| forget())
                    >
                        {move || t_string!(i18n, trust.forget)}
                    </Button>
                }
                .into_any(),
            ),
            Verdict::Known | Verdict::Revoked => None,
        });
        view! {
            <span class="grow"></span>
            <Button testid="trust-cancel" disabled=busy on_click=Callback::new(move |()| app.dialog.set(None))>
                {move || {
                    if verdict.get() == Some(Verdict::Known) {
                        t_string!(i18n, app.close)
                    } else {
                        t_string!(i18n, app.cancel)
                    }
                }}
            </Button>
            {act}
        }
    };
    let body = move || {
        offer.with(|offer| match offer {
            Load::Loading => view! {
                <p class="quiet">{move || t_string!(i18n, trust.asking, name = name())}</p>
                <Skeleton rows=3 />
            }
            .into_any(),
            Load::Failed(why) => {
                view! { <Failed fault=why.clone() bare=true on_retry=Callback::new(move |()| ask()) /> }
                    .into_any()
            }
            Load::Ready(offer) => view! { <Offer offer=offer.clone() forgotten /> }.into_any(),
        })
    };
    view! {
        <Dialog title on_close=Callback::new(move |()| app.dialog.set(None)) held=busy wide=true testid="trust" foot>
            {body}
            {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
        </Dialog>
    }
}

#[component]
fn Offer(offer: TrustOffer, forgotten: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let TrustOffer { host, address, port, shown, known, verdict, certified_by, shared_with, notes } = offer;
    let name = printable(&host).into_owned();
    let place = printable(&endpoint(&address, port)).into_owned();
    let certified = certified_by.is_some();
    let shared = StoredValue::new(printable(&shared_with.join(", ")).into_owned());
    let notes = notes
        .into_iter()
        .map(|note| view! { <p class="field-hint is-warn selectable">{printable(&note).into_owned()}</p> })
        .collect_view();
    // Where a key that is shown again is known from; the others only where they are compared.
    let sources = known
        .iter()
        .filter(|known| known.key.openssh == shown.openssh || known.role == KeyRole::Revoked && verdict == Verdict::Revoked)
        .chain(certified_by.as_ref())
        .map(|known| {
            let known = known.clone();
            view! { <p class="field-hint" data-testid="trust-source">{move || source_words(i18n, &known)}</p> }
        })
        .collect_view();
    let known: Vec<TrustedKey> = known.into_iter().filter(|known| known.role == KeyRole::Host).collect();
    let lead = move || match verdict {
        Verdict::New if forgotten.get() => t_string!(i18n, trust.forgotten).to_string(),
        Verdict::New => t_string!(i18n, trust.new_text, name = name.clone()),
        Verdict::Known if certified => t_string!(i18n, trust.certified_text).to_string(),
        Verdict::Known => t_string!(i18n, trust.known_text).to_string(),
        Verdict::Changed => t_string!(i18n, trust.changed_text).to_string(),
        Verdict::Revoked => t_string!(i18n, trust.revoked_text).to_string(),
    };
    let count = known.len() as u64;
    let is_changed = verdict == Verdict::Changed;
    let old = is_changed.then(|| {
        view! {
            <section class="key is-old">
                <h3 class="key-title">{move || t_string!(i18n, trust.known, count = count)}</h3>
                {known.into_iter().map(|known| view! { <KnownKey known /> }).collect_view()}
            </section>
        }
    });
    view! {
        {is_changed
            .then(|| {
                view! {
                    <p class="trust-lead is-crit">
                        <Glyph name=GlyphName::KeyChanged size=14 />
                        <span>{place.clone()}</span>
                    </p>
                }
            })}
        <p class="quiet" data-testid="trust-text">{lead}</p>
        <div class=if is_changed { "keys-compared is-changed" } else { "keys-compared" }>
            {old}
            <section class="key">
                <h3 class="key-title">{move || t_string!(i18n, trust.shown)}</h3>
                <KeyFacts i18n key_shown=shown testid="trust-fingerprint" />
                {sources}
                {(!is_changed)
                    .then(|| {
                        view! {
                            <dl class="key-facts">
                                <dt>{move || t_string!(i18n, trust.address)}</dt>
                                <dd class="mono selectable">{place}</dd>
                            </dl>
                        }
                    })}
            </section>
        </div>
        {is_changed.then(|| view! { <p class="quiet">{move || t_string!(i18n, trust.changed_next)}</p> })}
        <Show when=move || shared.with_value(|shared| !shared.is_empty())>
            <p class="quiet" data-testid="trust-shared">
                {move || t_string!(i18n, trust.shared, names = shared.get_value())}
            </p>
        </Show>
        {notes}
    }
}

#[component]
fn KnownKey(known: TrustedKey) -> impl IntoView {
    let i18n = use_i18n();
    let words = {
        let known = known.clone();
        move || source_words(i18n, &known)
    };
    view! {
        <KeyFacts i18n key_shown=known.key testid="trust-known-fingerprint" />
        <p class="field-hint">{words}</p>
    }
}

#[component]
fn KeyFacts(i18n: I18n, key_shown: HostKey, testid: &'static str) -> impl IntoView {
    // Text of its own making: nothing of a host but the bits of its key are in it.
    let picture = art(&key_shown).join("\n");
    let HostKey { algorithm, fingerprint, .. } = key_shown;
    view! {
        <dl class="key-facts">
            <dt>{move || t_string!(i18n, trust.algorithm)}</dt>
            <dd class="mono selectable">{printable(&algorithm).into_owned()}</dd>
        </dl>
        <p class="block mono selectable fingerprint" data-testid=testid>{printable(&fingerprint).into_owned()}</p>
        <pre class="key-art" aria-hidden="true">{picture}</pre>
    }
}
