//! prompts: the conversation of keyboard-interactive (RFC 4256), in which the host asks whatever it wants.

use protocol::link::{Prompt, QuestionKind};
use russh::client::KeyboardInteractiveAuthResponse as Interactive;
use russh::{MethodKind, MethodSet};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::{PROOF_LIMIT, Proof, Refusal, Signing, lost, slow};
use crate::ssh::Asked;
use crate::ssh::gate::words;

/// Requests of one conversation; PAM has few.
const REQUESTS_LIMIT: usize = 12;
/// Lines above the prompts of one request.
const LINES_LIMIT: usize = 40;
/// Prompts of one request.
const PROMPTS_LIMIT: usize = 8;

impl Signing<'_> {
    /// A conversation. A hidden prompt for the password gets the saved one, once; everything else is
    /// asked of a person. `is_first` if nothing was proved before: one hidden prompt alone is then the
    /// password's.
    pub(super) async fn by_prompts(&mut self, is_first: bool) -> Result<Proof, Refusal> {
        let mut answered = false;
        let asked = self.handle.authenticate_keyboard_interactive_start(&self.target.user, None);
        let mut step = timeout(PROOF_LIMIT, asked)
            .await
            .map_err(|_| slow(self.place, "for its questions"))?
            .map_err(|why| lost(self.target, &why))?;
        for _ in 0..REQUESTS_LIMIT {
            let answers = match step {
                Interactive::Success => return Ok(Proof::Enough),
                Interactive::Failure { remaining_methods, partial_success: true } => {
                    return Ok(Proof::More(remaining_methods));
                }
                Interactive::Failure { remaining_methods, .. } => {
                    let tried = match (answered, self.password_sent && is_first) {
                        (_, true) => "did not take the password",
                        (true, false) => "did not take the answers",
                        (false, false) => "asked for no password",
                    };
                    return Err(Refusal::Refused {
                        tried: tried.into(),
                        left: remaining_methods,
                        partial: false,
                    });
                }
                // PAM ends a good conversation with a request of no prompts.
                Interactive::InfoRequest { prompts, .. } if prompts.is_empty() => Vec::new(),
                Interactive::InfoRequest { name, instructions, prompts } => {
                    answered = true;
                    let mut above = [lines(&name), lines(&instructions)].concat();
                    let last_asks = |prompt: russh::client::Prompt| {
                        // Of several lines, as for a choice of ways, the last one asks.
                        let mut text = lines(&prompt.prompt);
                        let asks = text.pop().unwrap_or_default();
                        above.append(&mut text);
                        Prompt { text: asks, echo: prompt.echo }
                    };
                    let prompts: Vec<Prompt> = prompts.into_iter().map(last_asks).collect();
                    above.truncate(LINES_LIMIT);
                    let instructions = above.join("\n");
                    self.answers(instructions, prompts, is_first).await?
                }
            };
            self.secret_sent |= !answers.is_empty();
            let answers = answers.iter().map(|answer| answer.expose_secret().to_owned()).collect();
            let told = self.handle.authenticate_keyboard_interactive_respond(answers);
            step = timeout(PROOF_LIMIT, told)
                .await
                .map_err(|_| slow(self.place, "the answers"))?
                .map_err(|why| lost(self.target, &why))?;
        }
        Err(Refusal::Refused {
            tried: format!("asked more than {REQUESTS_LIMIT} times"),
            left: MethodSet::from([MethodKind::KeyboardInteractive].as_slice()),
            partial: false,
        })
    }

    async fn answers(
        &mut self,
        instructions: String,
        prompts: Vec<Prompt>,
        is_first: bool,
    ) -> Result<Vec<SecretString>, Refusal> {
        let too_many = prompts.len() > PROMPTS_LIMIT;
        let alone = is_first && prompts.len() == 1;
        let mut answers: Vec<Option<SecretString>> = Vec::with_capacity(prompts.len());
        for prompt in &prompts {
            let wants = !prompt.echo && !too_many && (alone || names_password(&prompt.text));
            let saved = if wants { self.saved_password() } else { None };
            self.password_sent |= saved.is_some();
            answers.push(saved);
        }
        let open: Vec<Prompt> = prompts
            .into_iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.is_none())
            .map(|(prompt, _)| prompt)
            .collect();
        if open.is_empty() {
            return Ok(answers.into_iter().flatten().collect());
        }
        let person = match &self.target.person {
            Some(person) if !too_many => person,
            _ => {
                self.unasked = !too_many;
                // Nothing was sent yet, so the saved password was not either.
                return Err(Refusal::Refused {
                    tried: "asks for more than a password".into(),
                    left: MethodSet::from([MethodKind::KeyboardInteractive].as_slice()),
                    partial: false,
                });
            }
        };
        let asked = Asked { kind: QuestionKind::Prompts, instructions, prompts: open };
        let mut given = self.while_connected(person.ask(asked)).await?.into_iter();
        let nothing = || SecretString::from("");
        Ok(answers
            .into_iter()
            .map(|answer| answer.or_else(|| given.next()).unwrap_or_else(nothing))
            .collect())
    }
}

/// The lines of a host's text, each safe to show; what is empty is left out.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(words).filter(|line| !line.is_empty()).collect()
}

/// True for a prompt that asks for the password and not for a code.
fn names_password(text: &str) -> bool {
    let text = text.to_lowercase();
    ["password", "密码", "口令"].iter().any(|word| text.contains(word)) && !text.contains("one-time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_from_a_password() {
        for text in ["Password: ", "root@web's password:", "(current) UNIX password: ", "密码："] {
            assert!(names_password(text), "{text}");
        }
        for text in ["Verification code: ", "One-time password (OATH) for `ann': ", "PIN", "OTP:"] {
            assert!(!names_password(text), "{text}");
        }
    }
}
