//! `musterctl`: the engine from a terminal, for pipes, scripts and tests.
//!
//! It takes arguments in, gives one command to the engine or to the app that has the data open, and
//! prints a table or JSON. It decides nothing that the engine decides. What is printed for people
//! passes through `printable`; an error is one line on stderr, and the exit status says its kind.

mod args;
mod format;
mod hosts;
mod later;
mod metrics;
mod operations;
mod output;
mod prompt;
mod runs;
mod services;
mod sockets;
mod system;
mod table;
mod trust;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use engine::clock::Clock;
use engine::secrets::Keyring;
use engine::{Desk, EngineOptions, this_computer};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use args::{Cli, Command};
use output::{Output, Stop};

/// After an interrupt, this long for the log to say what became of what was under way.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// A keyring that still waits at its prompt does not hold up the end of the program.
const LINGER: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    this_computer::forbid_core_dumps();
    let filter = EnvFilter::try_from_env("MUSTER_LOG").unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(status) => return status,
    };
    let mut output = Output::new(cli.json);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(why) => return output.end(Err(Stop::Output(why))),
    };
    let done = runtime.block_on(run(cli, &mut output));
    runtime.shutdown_timeout(LINGER);
    output.end(done)
}

async fn run(cli: Cli, output: &mut Output) -> Result<(), Stop> {
    if let Some(words) = later::words(&cli.command) {
        return Err(later::fault(words).into());
    }
    let data_dir = match cli.data_dir {
        Some(dir) => dir,
        None => this_computer::data_dir()?,
    };
    let options = EngineOptions {
        data_dir,
        clock: Clock::system(),
        secrets: Arc::new(Keyring::new()),
        operator: this_computer::operator(),
    };
    let desk = Desk::open(options).await?;
    let done = {
        let work = carry_out(&desk, cli.command, output);
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => done,
            status = interrupted() => {
                // What is under way is told in the log as it is known then.
                desk.close().await;
                let _ = tokio::time::timeout(LAST_WORDS, work).await;
                Err(Stop::Interrupted(status))
            }
        }
    };
    desk.close().await;
    done
}

async fn carry_out(desk: &Desk, command: Command, output: &mut Output) -> Result<(), Stop> {
    match command {
        Command::Host { command } => hosts::host(desk, command, output).await,
        Command::Check { name } => hosts::check(desk, name, output).await,
        Command::Trust { command } => trust::trust(desk, command, output).await,
        Command::System { name } => system::system(desk, name, output).await,
        Command::Metrics(args) => metrics::metrics(desk, args, output).await,
        Command::Sockets(args) => sockets::sockets(desk, args, output).await,
        Command::Services(args) => services::services(desk, args, output).await,
        Command::Service(args) => services::service(desk, args, output).await,
        Command::Run(args) => runs::run(desk, args, output).await,
        Command::Operations(args) => operations::operations(desk, args, output).await,
        later @ (Command::Processes(_)
        | Command::Signal(_)
        | Command::Journal(_)
        | Command::Helper(_)
        | Command::Store(_)) => Err(later::fault(later::words(&later).unwrap_or_default()).into()),
    }
}

/// The exit status of the signal that asked this program to end.
async fn interrupted() -> u8 {
    let wait = async |kind: SignalKind| match signal(kind) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => 130,
        () = wait(SignalKind::terminate()) => 143,
        () = wait(SignalKind::hangup()) => 129,
    }
}
