//! runs: a command given by a person, and what came of it on a host.

use serde::{Deserialize, Serialize};

/// What a command did. Output is kept head and tail; the sizes are those of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunReport {
    /// The text given to `sh -c`.
    pub command: String,
    /// `None` if a signal ended it, or if it is not known.
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: Output,
    pub stderr: Output,
    pub took_ms: u64,
}

/// Text that a command printed, with the middle left out if there was too much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Output {
    pub head: String,
    /// Empty unless something was left out between head and tail.
    pub tail: String,
    pub bytes: u64,
    pub left_out_bytes: u64,
}

impl Output {
    /// Head and tail as one text, with the gap counted.
    pub fn text(&self) -> String {
        if self.left_out_bytes == 0 {
            return self.head.clone();
        }
        format!("{}\n... {} bytes left out ...\n{}", self.head, self.left_out_bytes, self.tail)
    }
}

/// The words that make sh(1) run a command. One that begins like an option is none; others stay without the
/// mark that says so, as rules of sudoers(5) have them.
pub fn shell_args(command: &str) -> Vec<&str> {
    if command.starts_with(['-', '+']) { vec!["-c", "--", command] } else { vec!["-c", command] }
}

/// Quotes words for sh(1), so that each comes out of the shell as it went in.
pub fn quote_words<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote_word(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Quotes one word for any shell of the Bourne family.
pub fn quote_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Quotes words for a login shell that may be of any family, csh(1) and fish(1) too. The one looks for its history
/// inside single quotes and the other for a backslash, so that these stand outside of them.
///
/// A line feed can be given to no csh. It stays, for the others take it: who lets a word have one sees to that.
pub fn quote_words_for_any_shell<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote_word_for_any_shell(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quote_word_for_any_shell(word: &str) -> String {
    if word.is_empty() {
        return "''".to_owned();
    }
    let mut quoted = String::with_capacity(word.len() + 2);
    for part in word.split_inclusive(['\'', '\\', '!']) {
        let (text, special) = match part.strip_suffix(['\'', '\\', '!']) {
            Some(text) => (text, part.chars().next_back()),
            None => (part, None),
        };
        if !text.is_empty() {
            quoted.push('\'');
            quoted.push_str(text);
            quoted.push('\'');
        }
        if let Some(special) = special {
            quoted.extend(['\\', special]);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Shells of the Bourne family; those that are not on this machine are left out.
    const SHELLS: [&[&str]; 8] = [
        &["sh"],
        &["dash"],
        &["bash"],
        &["bash", "--posix"],
        &["ksh"],
        &["mksh"],
        &["zsh"],
        &["busybox", "sh"],
    ];

    fn through(shell: &[&str], script: &str) -> Option<Vec<String>> {
        let (program, words) = shell.split_first()?;
        let out = std::process::Command::new(program).args(words).arg("-c").arg(script).output().ok()?;
        let text = String::from_utf8(out.stdout).unwrap();
        Some(text.split_terminator('\0').map(str::to_owned).collect())
    }

    // 64 x 400 words, each through every shell that is there.
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn words_come_out_of_every_shell_as_they_went_in(
            words in prop::collection::vec("[^\0]{0,12}|[-'\"\\\\`$!*?\\[\\]{}()<>|&;#~%=\t\n\r ]{0,12}", 400)
        ) {
            let script = format!("printf '%s\\0' {}", quote_words(&words));
            let mut shells = 0;
            for shell in SHELLS {
                if let Some(back) = through(shell, &script) {
                    prop_assert_eq!(&back, &words, "{:?}", shell);
                    shells += 1;
                }
            }
            prop_assert!(shells > 0, "no shell is there");
        }
    }
}
