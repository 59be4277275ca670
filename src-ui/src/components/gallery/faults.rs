//! Every fault that there is, as a person sees it.

use leptos::prelude::*;
use protocol::{Fault, FaultCode};

use crate::components::Failed;

/// What the fault is about, as the engine fills it in.
fn subject(code: FaultCode) -> Option<&'static str> {
    use FaultCode::*;
    Some(match code {
        BadInput => "port",
        KeyFileUnusable | KeyEncrypted => "/home/chen/.ssh/id_ed25519",
        UnitUnknown | UnitFailed => "nginx.service",
        ProcessGone | OperationUnknown => "4711",
        NameNotResolved | PortClosed | NoAnswer | NoRoute | NotSsh => "10.20.0.17:22",
        HelperNoexec | HelperNoSpace | HelperUnsafe => "/home/deploy/.cache/muster",
        HelperArch => "riscv64",
        StoreUnwritable => "/home/chen/.local/share/muster",
        BackupUnusable => "/home/chen/backup.muster",
        _ => return None,
    })
}

fn is_of_a_host(code: FaultCode) -> bool {
    use FaultCode::*;
    // Those of this computer have none.
    code.exit_status() != 8 && !matches!(code, BadInput | NotInThisVersion | OperationUnknown)
}

#[component]
pub(super) fn GalleryFaults() -> impl IntoView {
    let faults = FaultCode::ALL.iter().map(|code| {
        let mut fault = Fault::new(*code, "the words of the engine are here");
        if is_of_a_host(*code) {
            fault = fault.on_host("web-3");
        }
        if *code == FaultCode::HostInUse {
            fault = fault.because("db-1 and db-2");
        }
        if let Some(subject) = subject(*code) {
            fault = fault.about(subject);
        }
        view! { <Failed fault=fault /> }
    });
    view! {
        <main class="page gallery gallery-faults" data-testid="gallery-faults" data-ready="true" tabindex="0">
            {faults.collect_view()}
        </main>
    }
}
