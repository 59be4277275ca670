//! credentials: secrets on their way to the OS keyring, and what is known of them without them.

use serde::{Deserialize, Serialize};

use crate::Fault;

/// Which secret of a host is meant; each is an item of its own in the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretKind {
    Password,
    Passphrase,
    /// What sudo(8) asks for on the host; never taken from the sign-in password.
    Sudo,
}

/// A secret that goes with a command. It is never printed and never comes back.
#[derive(Clone, Serialize, Deserialize)]
// So a text that stands in the wrong place is no name of a variant, which an error would repeat.
#[serde(untagged)]
pub enum Secret {
    Text(String),
    /// What was typed into the app's window: the app has it, the page that is drawn does not.
    Typed(Typed),
}

/// What a fault is about where the app does not know what was typed as a whole.
pub const TYPED_SUBJECT: &str = "typed";

/// A text that was typed into a field of the window, by the field's number and by how many edits made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    pub field: u64,
    pub edits: u32,
}

impl Secret {
    /// The text; who asks has put it in the place of what was typed.
    ///
    /// # Errors
    /// `BadInput` for what was typed into a window that this program does not have.
    pub fn into_text(self) -> Result<String, Fault> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Typed(_) => {
                Err(Fault::bad_input("secret", "a secret was named that was not typed here: give its text"))
            }
        }
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Typed> for Secret {
    fn from(typed: Typed) -> Self {
        Self::Typed(typed)
    }
}

/// Whether the place for secrets can be used now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyringState {
    /// This computer's keyring is there.
    Ready,
    Unavailable {
        cause: String,
    },
    /// Secrets are in the encrypted file instead; closed until its passphrase is given.
    Vault {
        open: bool,
    },
}

/// What came of moving secrets from one place to the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretsMoved {
    pub moved: u32,
    /// Why some stayed where they were, if some did.
    pub stays: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_text_or_what_was_typed_and_an_error_does_not_repeat_it() {
        let text: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(text.into_text().unwrap(), "hunter2");
        let typed = Typed { field: 9_007_199_254_740_991, edits: 3 };
        let sent = serde_json::to_string(&Secret::from(typed)).unwrap();
        assert!(
            matches!(serde_json::from_str(&sent).unwrap(), Secret::Typed(same) if same == typed),
            "{sent}"
        );
        assert!(serde_json::from_str::<Secret>(&sent).unwrap().into_text().is_err());
        for wrong in ["{\"text\": \"hunter2\"}", "[\"hunter2\"]", "{\"field\": \"hunter2\", \"edits\": 1}"] {
            let why = serde_json::from_str::<Secret>(wrong).err().unwrap();
            assert!(!why.to_string().contains("hunter2"), "{why}");
        }
    }
}
