//! `musterctl`: the engine from a terminal, for people, pipes and scripts.
//!
//! Arguments in, one command of the engine, a table or one JSON document out. What is printed for a
//! person passes `printable`, because a host chose much of it.

mod args;
mod helper;
mod hosts;
mod journal;
mod metrics;
mod operations;
mod output;
mod processes;
mod runs;
mod secrets;
mod services;
mod sockets;
mod system;
mod trust;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use engine::clock::Clock;
use engine::secrets::Keyring;
use engine::{Desk, EngineOptions, this_computer};
use protocol::{Fault, FaultCode};

use args::{Args, HelperVerb, Verb};
use output::Printer;

fn main() -> ExitCode {
    this_computer::forbid_core_dumps();
    let args = Args::parse();
    let printer = Printer::new(args.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => {
            return printer
                .fault(&Fault::new(FaultCode::Internal, format!("no runtime could be started: {why}")));
        }
    };
    match runtime.block_on(carry_out(args, &printer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => printer.fault(&fault),
    }
}

async fn carry_out(args: Args, printer: &Printer) -> Result<(), Fault> {
    if let Some(name) = args.verb.of_a_later_version() {
        return Err(
            Fault::new(FaultCode::NotInThisVersion, format!("'{name}' is not in this version")).about(name)
        );
    }
    let data_dir = match args.data_dir {
        Some(dir) => dir,
        None => this_computer::data_dir()?,
    };
    let desk = Desk::open(EngineOptions {
        data_dir,
        clock: Clock::system(),
        secrets: Arc::new(Keyring::new()),
        operator: this_computer::operator(),
    })
    .await?;
    if let Some(notice) = desk.notice() {
        printer.notice(notice);
    }
    let done = tokio::select! {
        done = act(&desk, args.verb, printer) => done,
        _ = tokio::signal::ctrl_c() => {
            Err(Fault::new(FaultCode::OutcomeUnknown, "stopped by Ctrl+C before the answer came"))
        }
    };
    desk.close().await;
    done
}

async fn act(desk: &Desk, verb: Verb, printer: &Printer) -> Result<(), Fault> {
    match verb {
        Verb::Host { verb } => hosts::act(desk, verb, printer).await,
        Verb::Trust { verb } => trust::act(desk, verb, printer).await,
        Verb::Check { name } => hosts::check(desk, name, printer).await,
        Verb::System { name } => system::show(desk, name, printer).await,
        Verb::Metrics { name, watch, interval_ms } => {
            metrics::show(desk, name, watch.then_some(interval_ms), printer).await
        }
        Verb::Sockets { name, query, listening, unix } => {
            sockets::show(desk, name, query, listening, unix, printer).await
        }
        Verb::Services { name, query, failed } => services::show(desk, name, query, failed, printer).await,
        Verb::Service { name, action, unit, confirm } => {
            services::act(desk, name, action.into(), unit, confirm, printer).await
        }
        Verb::Run { name, sudo, confirm, command } => {
            runs::act(desk, name, sudo, confirm, &command, printer).await
        }
        Verb::Operations(operations) => operations::act(desk, operations, printer).await,
        Verb::Journal { name, fields } => journal::show(desk, name, fields, printer).await,
        Verb::Helper { name, verb: HelperVerb::Status, .. } => helper::status(desk, name, printer).await,
        Verb::Helper { name, verb: HelperVerb::Remove, confirm } => {
            helper::remove(desk, name, confirm, printer).await
        }
        Verb::Processes { name, query, sort, limit } => {
            processes::show(desk, name, query, sort.map(Into::into), limit, printer).await
        }
        Verb::Signal { name, pid, signal, started, confirm } => {
            processes::signal(desk, name, pid, &signal, started, confirm, printer).await
        }
        Verb::Store { .. } => Ok(()),
    }
}
