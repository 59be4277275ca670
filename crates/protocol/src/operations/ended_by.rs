//! The fault that an operation ended with, as the log keeps it.

use serde::{Deserialize, Serialize};

use super::Operation;
use crate::fault::{Fault, FaultCode};

/// Of a fault what the window needs to say it in the language of its reader.
///
/// The rest of it has its place in the entry: its sentence is the summary, its last lines are the journal. Keys and
/// causes are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedBy {
    pub code: FaultCode,
    /// The jump host where it happened, on the way to the host of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// The unit, path, field or address it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

impl From<&Fault> for EndedBy {
    fn from(fault: &Fault) -> Self {
        Self { code: fault.code, hop: fault.detail.hop.clone(), subject: fault.detail.subject.clone() }
    }
}

impl Operation {
    /// The fault that it ended with, put together from what the entry has of it.
    pub fn fault(&self) -> Option<Fault> {
        let EndedBy { code, hop, subject } = self.ended_by.clone()?;
        let mut fault = Fault::new(code, self.summary.clone());
        fault.detail.host = self.host.as_ref().map(|host| host.name.clone());
        fault.detail.hop = hop;
        fault.detail.subject = subject;
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry as a version wrote it that kept no fault.
    const OLDER: &str = r#"{"id":7,"started_ms":1,"operator":"ann","host":{"id":"h","name":"db","address":"10.0.0.2","port":22},
        "kind":"command","target":"true","result":"refused","summary":"gate (10.0.0.1:22) refused the connection"}"#;

    fn older() -> Operation {
        serde_json::from_str(OLDER).unwrap()
    }

    #[test]
    fn an_entry_of_an_older_version_is_read_and_written_without_a_fault() {
        let entry = older();
        assert_eq!((entry.ended_by.as_ref(), entry.fault()), (None, None));
        assert!(!serde_json::to_string(&entry).unwrap().contains("ended_by"));
    }

    #[test]
    fn the_fault_comes_back_with_the_host_and_the_sentence_of_the_entry_and_with_nothing_else() {
        let ended = Fault::new(FaultCode::PortClosed, "gate (10.0.0.1:22) refused the connection")
            .on_host("db")
            .about("10.0.0.1:22")
            .at_hop("gate");
        let said = ended.clone().because("a cause").with_lines(vec!["a line".into()]);
        let entry = Operation { ended_by: Some((&said).into()), ..older() };
        let text = serde_json::to_string(&entry).unwrap();
        assert!(!text.contains("a cause") && !text.contains("a line"), "{text}");
        let read: Operation = serde_json::from_str(&text).unwrap();
        assert_eq!(read.fault(), Some(ended));
    }

    #[test]
    fn a_fault_that_a_later_version_adds_leaves_the_entry_readable() {
        let mut later: serde_json::Value = serde_json::from_str(OLDER).unwrap();
        later["ended_by"] = serde_json::json!({ "code": "from_the_future", "more": 1 });
        let fault = serde_json::from_value::<Operation>(later).unwrap().fault().unwrap();
        assert_eq!((fault.code, fault.message), (FaultCode::Unknown, older().summary));
    }
}
