//! runs: a command on a host, its output, and its exit status.

use engine::Desk;
use protocol::FaultCode;
use protocol::ipc::CommandRun;
use protocol::runs::quote_words;

use crate::args::RunArgs;
use crate::output::{Output, Stop};
use crate::prompt::typed_name;
use crate::services::judge;

pub(crate) async fn run(desk: &Desk, args: RunArgs, output: &mut Output) -> Result<(), Stop> {
    let RunArgs { name, sudo, guard, command } = args;
    let text = shell_text(&command);
    let run = |typed_name: Option<String>| {
        desk.call(CommandRun { host: name.clone(), command: text.clone(), sudo, typed_name })
    };
    let typed = guard.confirm.clone();
    let operation = match run(typed.clone()).await {
        Err(fault) if fault.code == FaultCode::GuardNotMet && typed.is_none() => match typed_name(&name) {
            Some(typed) => run(Some(typed)).await?,
            None => return Err(fault.into()),
        },
        done => done?,
    };
    if output.json {
        output.document(&operation)?;
    } else {
        output.lines(&operation.output)?;
        output.error_lines(&operation.errors)?;
    }
    judge(&operation, &name, &format!("'{text}'"), FaultCode::CommandFailed, Vec::new())
}

/// One argument is a line for the host's shell. Several come out of that shell as they went in.
fn shell_text(words: &[String]) -> String {
    match words {
        [line] => line.clone(),
        words => quote_words(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_argument_is_a_line_and_several_are_words() {
        let text =
            |words: &[&str]| shell_text(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(text(&["false"]), "false");
        assert_eq!(text(&["echo $HOME | wc -c"]), "echo $HOME | wc -c");
        assert_eq!(text(&["echo", "two  words", "$HOME"]), "echo 'two  words' '$HOME'");
    }
}
