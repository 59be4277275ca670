//! `musterctl`: the engine from a terminal, for people, pipes and scripts.
//!
//! Arguments in, one command of the engine, a table or one JSON document out. What is printed for a
//! person passes `printable`, because a host chose much of it.

mod args;
mod credentials;
mod helper;
mod hosts;
mod journal;
mod metrics;
mod operations;
mod output;
mod processes;
mod runs;
mod search;
mod secrets;
mod services;
mod sockets;
mod store;
mod system;
mod trust;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use engine::clock::Clock;
use engine::secrets::{Places, SecretStore};
use engine::{Desk, EngineOptions, Topic, this_computer};
use protocol::processes::ProcessQuery;
use protocol::search::FindQuery;
use protocol::services::ServiceQuery;
use protocol::sockets::SocketQuery;
use protocol::{Fault, FaultCode};
use tokio::time::MissedTickBehavior;

/// What is given back is wiped: it may have held a password on its way through a library.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

use args::{Args, HelperVerb, StoreVerb, VaultVerb, Verb, Watching};
use output::Printer;

fn main() -> ExitCode {
    this_computer::guard_memory();
    let args = Args::parse();
    let printer = Printer::new(args.json);
    let runtime = match engine::runtime() {
        Ok(runtime) => runtime,
        Err(why) => {
            return printer
                .fault(&Fault::new(FaultCode::Internal, format!("no runtime could be started: {why}")));
        }
    };
    let done = runtime.block_on(carry_out(args, &printer));
    // A question that is open in the terminal must not hold the end up.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => printer.fault(&fault),
    }
}

async fn carry_out(args: Args, printer: &Printer) -> Result<(), Fault> {
    let data_dir = match args.data_dir {
        Some(dir) => dir,
        None => this_computer::data_dir()?,
    };
    let secrets =
        Arc::new(Places::of(&data_dir, secrets::vault_passphrase(args.vault_passphrase_file.clone())));
    if let Verb::Store { verb: StoreVerb::Restore { file, passphrase_stdin } } = args.verb {
        return store::restore(&data_dir, &file, passphrase_stdin, secrets, printer).await;
    }
    let desk = Desk::open(EngineOptions {
        data_dir,
        clock: Clock::system(),
        secrets: secrets.clone(),
        operator: this_computer::operator(),
    })
    .await;
    let desk = match (desk, &args.verb) {
        // Where secrets are is no secret.
        (Err(fault), Verb::Vault { verb: VaultVerb::Status }) if fault.code == FaultCode::VaultLocked => {
            return credentials::show_state(&secrets.state(), printer);
        }
        (desk, _) => desk?,
    };
    if let Some(notice) = desk.notice() {
        printer.notice(notice);
    }
    // Before anything connects: a sign-in asks only where somebody listens.
    let asks = secrets::open_asks(&desk).await;
    let done = tokio::select! {
        done = act(&desk, args.verb, args.vault_passphrase_file.as_deref(), printer) => done,
        () = secrets::answer_questions(asks) => Ok(()),
        _ = tokio::signal::ctrl_c() => {
            Err(Fault::new(FaultCode::OutcomeUnknown, "stopped by Ctrl+C before the answer came"))
        }
    };
    desk.close().await;
    done
}

async fn act(desk: &Desk, verb: Verb, vault_file: Option<&Path>, printer: &Printer) -> Result<(), Fault> {
    match verb {
        Verb::Host { verb } => hosts::act(desk, verb, printer).await,
        Verb::Trust { verb } => trust::act(desk, verb, printer).await,
        Verb::Check { name } => hosts::check(desk, name, printer).await,
        Verb::System { name } => system::show(desk, name, printer).await,
        Verb::Metrics { name, watching } => {
            metrics::show(desk, name, watching.watch.then_some(watching.interval_ms), printer).await
        }
        Verb::Sockets { name, query, listening, unix, watching } => {
            let (text, watch) = (query.unwrap_or_default(), watching.watch);
            let query = SocketQuery { text, listening, unix, connect: true, watch };
            repeat(watching, async || sockets::show(desk, &name, &query, printer).await).await
        }
        Verb::Find { query, offline, limit } => {
            let query = FindQuery { text: query.join(" "), ask: !offline, limit, wait_ms: None };
            search::find(desk, query, printer).await
        }
        Verb::Services { name, query, failed, watching } => {
            let (text, watch) = (query.unwrap_or_default(), watching.watch);
            let query = ServiceQuery { text, failed, connect: true, watch };
            let mut news = if watch { Some(desk.news(Topic::Services).await?) } else { None };
            let changed = async || services::changed(&mut news).await;
            repeat_or_when(watching, async || services::show(desk, &name, &query, printer).await, changed)
                .await
        }
        Verb::Service { name, action, unit, confirm } => match action.act() {
            Some(action) => services::act(desk, name, action, unit, confirm, printer).await,
            None => services::impact(desk, name, unit, printer).await,
        },
        Verb::Run { name, sudo, confirm, command } => {
            runs::act(desk, name, sudo, confirm, &command, printer).await
        }
        Verb::Operations(operations) => operations::act(desk, *operations, printer).await,
        Verb::Journal { name, fields } => journal::show(desk, name, fields, printer).await,
        Verb::Helper { name, verb: HelperVerb::Status, .. } => helper::status(desk, name, printer).await,
        Verb::Helper { name, verb: HelperVerb::Remove, confirm } => {
            helper::remove(desk, name, confirm, printer).await
        }
        Verb::Processes { name, query, sort, limit, watching } => {
            let (text, sort, watch) = (query.unwrap_or_default(), sort.map(Into::into), watching.watch);
            let query = ProcessQuery { text, sort, limit, connect: true, watch, ..ProcessQuery::default() };
            repeat(watching, async || processes::show(desk, &name, &query, printer).await).await
        }
        Verb::Blame { name, at, seconds } => {
            let seconds = Duration::from_secs(seconds.into());
            processes::blame(desk, name, at.as_deref(), seconds, printer).await
        }
        Verb::Signal { name, pid, signal, started, confirm } => {
            processes::signal(desk, name, pid, &signal, started, confirm, printer).await
        }
        Verb::Lock => credentials::lock(desk, printer).await,
        Verb::Unlock => credentials::unlock(desk, vault_file, printer).await,
        Verb::Vault { verb } => credentials::act(desk, verb, vault_file, printer).await,
        Verb::Store { verb: StoreVerb::Check } => store::check(desk, printer).await,
        Verb::Store { verb: StoreVerb::Backup { file, passphrase_stdin } } => {
            store::back_up(desk, file, passphrase_stdin, printer).await
        }
        // Carried out before the store was opened.
        Verb::Store { verb: StoreVerb::Restore { .. } } => Ok(()),
    }
}

/// Looks once, or again and again at the interval until it is stopped or a look fails.
async fn repeat(watching: Watching, look: impl AsyncFnMut() -> Result<(), Fault>) -> Result<(), Fault> {
    repeat_or_when(watching, look, async || std::future::pending().await).await
}

/// The same, and at once when something changed.
async fn repeat_or_when(
    watching: Watching,
    mut look: impl AsyncFnMut() -> Result<(), Fault>,
    mut changed: impl AsyncFnMut(),
) -> Result<(), Fault> {
    let mut due = tokio::time::interval(Duration::from_millis(u64::from(watching.interval_ms)));
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            () = changed() => {}
        }
        look().await?;
        if !watching.watch {
            return Ok(());
        }
    }
}
