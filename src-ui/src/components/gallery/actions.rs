//! The dialogs of the gallery: each part of the kit that asks, holds or acts, with nothing behind it.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use protocol::operations::{Operation, OperationResult};
use protocol::{Fault, FaultCode};

use super::{made, words};
use crate::components::{
    ActionDialog, ActionLine, ActionRecord, Button, ButtonKind, Dialog, Field, Modal, RowNote, SeveralDialog,
    Tag, TextInput, begin,
};
use crate::operations::course::Course;
use crate::state::{now_ms, use_app};

/// So long what is done here seems to take.
const TAKES: Duration = Duration::from_millis(700);

/// A dialog of the gallery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GalleryDialog {
    Form,
    Long,
    Held,
    Bare,
    Action,
    Guarded,
    UnderWay,
    Ended,
    Refused,
    Several,
}

impl GalleryDialog {
    pub(super) const ALL: [(Self, &'static str, &'static str); 10] = [
        (Self::Form, "gallery-open-form", "A form"),
        (Self::Long, "gallery-open-long", "Wide and long"),
        (Self::Held, "gallery-open-held", "Held"),
        (Self::Bare, "gallery-open-bare", "Without a head"),
        (Self::Action, "gallery-open-action", "An action"),
        (Self::Guarded, "gallery-open-guarded", "On a guarded host"),
        (Self::UnderWay, "gallery-open-under-way", "Under way"),
        (Self::Ended, "gallery-open-ended", "Ended"),
        (Self::Refused, "gallery-open-refused", "Refused"),
        (Self::Several, "gallery-open-several", "Several"),
    ];
}

/// One of them, over the page.
#[component]
pub(crate) fn GalleryOverlay(which: GalleryDialog) -> impl IntoView {
    match which {
        GalleryDialog::Form => view! { <Form /> }.into_any(),
        GalleryDialog::Long => view! { <Long /> }.into_any(),
        GalleryDialog::Held => view! { <Held /> }.into_any(),
        GalleryDialog::Bare => view! { <Bare /> }.into_any(),
        GalleryDialog::Action => view! { <Action is_guarded=false course=Course::Asking /> }.into_any(),
        GalleryDialog::Guarded => view! { <Action is_guarded=true course=Course::Asking /> }.into_any(),
        GalleryDialog::UnderWay => {
            view! { <Action is_guarded=false course=Course::UnderWay { since_ms: now_ms() } /> }.into_any()
        }
        GalleryDialog::Ended => view! { <Action is_guarded=false course=ended() /> }.into_any(),
        GalleryDialog::Refused => {
            view! { <Action is_guarded=false course=Course::Refused(refused()) /> }.into_any()
        }
        GalleryDialog::Several => view! { <Several /> }.into_any(),
    }
}

fn close() -> Callback<()> {
    let app = use_app();
    Callback::new(move |()| app.dialog.set(None))
}

fn ended() -> Course {
    let operation = Arc::new(made::operation(OperationResult::Done, Some(0)));
    Course::Ended { operation, at_ms: now_ms() }
}

fn refused() -> Fault {
    Fault::new(FaultCode::SudoRefused, "sudo was refused")
        .on_host("web-3")
        .because("Sorry, user deploy may not run sudo on web-3.")
}

/// What came of an operation, in one line; that of the unknown could not be written down either.
pub(super) fn records((result, exit_code): (OperationResult, Option<i32>)) -> impl IntoView {
    let mut operation = made::operation(result, exit_code);
    if result == OperationResult::OutcomeUnknown {
        operation.unlogged = Some("No space left on device".to_owned());
    }
    record(Arc::new(operation))
}

fn record(operation: Arc<Operation>) -> AnyView {
    let ending = match operation.result {
        OperationResult::Done => "It ended well, exit status 0",
        OperationResult::Failed => "It failed, exit status 1",
        _ => "How it ended is not known: the link was lost",
    };
    view! {
        <ActionRecord
            operation
            words=words(ending)
            beside=Signal::stored(Some("340 ms".to_owned()))
            testid="gallery-record"
        >
            <pre class="block mono selectable">"Filesystem  Size  Used Avail Use% Mounted on"</pre>
        </ActionRecord>
    }
    .into_any()
}

#[component]
fn Form() -> impl IntoView {
    let name = RwSignal::new("web 3".to_owned());
    let close = close();
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button testid="gallery-cancel" on_click=close>"Cancel"</Button>
            <Button kind=ButtonKind::Primary>"Save"</Button>
        }
    };
    view! {
        <Dialog
            title=words("Name the host")
            beside=|| view! { <Tag text=words("prod") /> }
            on_close=close
            testid="gallery-dialog"
            foot=ViewFn::from(foot)
        >
            <p class="quiet">"The first field takes the keyboard; Tab stays inside."</p>
            <Field
                label=words("Name")
                for_id="gallery-dialog-name"
                error=Signal::stored(Some("A name has no spaces.".to_owned()))
            >
                <TextInput value=name id="gallery-dialog-name" invalid=Signal::stored(true) />
            </Field>
        </Dialog>
    }
}

/// Its title breaks, and its body scrolls between head and foot.
#[component]
fn Long() -> impl IntoView {
    let close = close();
    let lines = (1..60)
        .map(|line| view! { <p class="quiet">{format!("Line {line} of what must be read before.")}</p> })
        .collect_view();
    let foot = move || {
        view! {
            <span class="quiet">"Said at the foot"</span>
            <span class="grow"></span>
            <Button kind=ButtonKind::Primary on_click=close>"Done"</Button>
        }
    };
    view! {
        <Dialog
            title=words("Remove a host whose name is as long as names are in the clouds of today: ip-10-20-30-40.eu-central-1.compute.internal?")
            on_close=close
            wide=true
            testid="gallery-dialog"
            foot=ViewFn::from(foot)
        >
            {lines}
        </Dialog>
    }
}

/// Something is under way whose end must be seen.
#[component]
fn Held() -> impl IntoView {
    let held = RwSignal::new(true);
    view! {
        <Dialog title=words("Restoring the data") on_close=close() held testid="gallery-dialog">
            <p class="quiet">"Neither Esc nor the cross closes it."</p>
            <p class="gallery-line">
                <Button testid="gallery-let-go" on_click=Callback::new(move |()| held.set(false))>
                    "It has ended"
                </Button>
            </p>
        </Dialog>
    }
}

#[component]
fn Bare() -> impl IntoView {
    let close = close();
    view! {
        <Modal label=words("Without a head") testid="gallery-dialog" on_close=close>
            <div class="dialog-body">
                <p>"It holds the keyboard as any dialog does."</p>
                <p class="gallery-line">
                    <Button kind=ButtonKind::Primary on_click=close>"Close"</Button>
                </p>
            </div>
        </Modal>
    }
}

#[component]
fn Action(is_guarded: bool, course: Course) -> impl IntoView {
    let target = made::target("web-3", is_guarded);
    let course = RwSignal::new(course);
    let act = move |()| {
        begin(course, async {
            gloo_timers::future::sleep(TAKES).await;
            Ok(made::operation(OperationResult::Done, Some(0)))
        });
    };
    view! {
        <ActionDialog title=words("Run df -h / on web-3?") target course testid="gallery-dialog">
            <p class="quiet">"What will be done, in full: nothing."</p>
            <ActionLine
                target
                course
                kind=ButtonKind::Primary
                words=words("Run")
                doing=Callback::new(|elapsed: String| format!("Running, {elapsed}"))
                possible=true
                over=Callback::new(|_: Arc<Operation>| "Has run".to_owned())
                do_testid="gallery-do"
                cancel_testid="gallery-cancel"
                refused_testid="gallery-refused"
                on_act=Callback::new(act)
                record=Callback::new(record)
            >
                <span class="dim cut">"as deploy"</span>
            </ActionLine>
        </ActionDialog>
    }
}

/// One after the other: the second is refused.
#[component]
fn Several() -> impl IntoView {
    let names = ["nginx.service", "php8.2-fpm.service", "haproxy.service", "redis-server.service"];
    let notes = ["active (running)", "active (running)", "failed", "what hangs on it is not known"];
    let note = |words: &str| RowNote { words: words.to_owned(), is_doubtful: words.ends_with("not known") };
    let ask = |at: usize| async move {
        gloo_timers::future::sleep(TAKES).await;
        match at {
            1 => Err(Fault::new(FaultCode::UnitUnknown, "no such unit").about("php8.2-fpm.service")),
            _ => Ok(made::operation(OperationResult::Done, Some(0))),
        }
    };
    view! {
        <SeveralDialog
            title=words("Restart 4 services on web-3?")
            target=made::target("web-3", true)
            names=names.map(str::to_owned).into()
            notes=Signal::stored(notes.map(note).to_vec())
            kind=ButtonKind::Primary
            words=words("Restart them")
            testid="gallery-dialog"
            do_testid="gallery-do"
            confirm=move || ask
        >
            <p class="quiet">"What can be chosen before it begins is here."</p>
        </SeveralDialog>
    }
}
