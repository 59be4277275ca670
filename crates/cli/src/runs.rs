//! run: a custom command.

use std::io::Write;

use engine::Desk;
use protocol::Fault;
use protocol::ipc::CommandRun;
use protocol::runs::quote_words;
use protocol::text::printable_lines;

use crate::output::{Printer, judge};
use crate::services::{ask_name, wants_name};

pub(crate) async fn act(
    desk: &Desk,
    name: String,
    sudo: bool,
    confirm: Option<String>,
    words: &[String],
    printer: &Printer,
) -> Result<(), Fault> {
    let command = match words {
        [one] => one.clone(),
        several => quote_words(several),
    };
    let ask = |typed_name| CommandRun { host: name.clone(), command: command.clone(), sudo, typed_name };
    let operation = match desk.call(ask(confirm.clone())).await {
        Err(fault) if wants_name(&fault, confirm.as_deref()) => {
            let typed = ask_name(&format!("run '{command}' on {name}"))?;
            desk.call(ask(Some(typed))).await?
        }
        answer => answer?,
    };
    if !printer.is_json() {
        // The command's own errors go where errors go; the terminal is guarded all the same.
        let _ = write!(std::io::stderr(), "{}", printable_lines(&operation.errors));
    }
    printer.show(&operation, |operation| {
        let text = printable_lines(&operation.output).into_owned();
        if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" }
    })?;
    judge(&operation)
}
