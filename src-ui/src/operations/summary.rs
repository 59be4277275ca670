//! The one sentence that the engine wrote beside an operation, taken apart.
//!
//! Entries of the log keep it in English for terminals. Where a number stands in it alone, it is
//! found again here, so that each language can say it in its own words; what is not known is the
//! engine's or the host's own message and stays as it is.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    Nothing,
    /// A command was ended by a signal.
    Signal(u32),
    /// A command came to an end that nobody saw.
    NoExitStatus,
    /// Muster itself ended before the answer.
    MusterEnded,
    /// It had an end, which is lost.
    EndLost,
    /// The helper was put on a host.
    Placed {
        bytes: u64,
        sha256: &'a str,
    },
    /// Somebody signed in, by a key of the agent.
    ByAgent,
    ByKeyFile(&'a str),
    ByPassword,
    Other(&'a str),
}

pub(crate) fn parse_summary(summary: &str) -> Said<'_> {
    let summary = summary.trim();
    if let Some(signal) = summary.strip_prefix("ended by signal ").and_then(|n| n.parse().ok()) {
        return Said::Signal(signal);
    }
    if let Some((bytes, sha256)) = summary.split_once(" bytes, sha256 ")
        && let Ok(bytes) = bytes.parse()
        && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        return Said::Placed { bytes, sha256 };
    }
    // Of a sign-in that was refused the host's words stand behind the path.
    if let Some(path) = summary.strip_prefix("by the key file ").filter(|path| !path.contains(": ")) {
        return Said::ByKeyFile(path);
    }
    match summary {
        "by a key of the agent" => Said::ByAgent,
        "by password" => Said::ByPassword,
        "" => Said::Nothing,
        "it ended without an exit status" => Said::NoExitStatus,
        "Muster ended before the answer came" | "Muster ended before the answer was written down" => {
            Said::MusterEnded
        }
        "what came of it was lost with a damaged file of the data" => Said::EndLost,
        other => Said::Other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engine_says_by_itself_is_known_and_the_rest_stays() {
        for (summary, said) in [
            ("", Said::Nothing),
            ("ended by signal 9", Said::Signal(9)),
            ("ended by signal x", Said::Other("ended by signal x")),
            ("it ended without an exit status", Said::NoExitStatus),
            ("Muster ended before the answer came\n", Said::MusterEnded),
            ("Muster ended before the answer was written down", Said::MusterEnded),
            ("what came of it was lost with a damaged file of the data", Said::EndLost),
            ("889568 bytes, sha256 c014", Said::Placed { bytes: 889_568, sha256: "c014" }),
            ("by a key of the agent", Said::ByAgent),
            ("by password", Said::ByPassword),
            ("by the key file /home/ann/key one", Said::ByKeyFile("/home/ann/key one")),
            ("by the key file /k: web refused it", Said::Other("by the key file /k: web refused it")),
            ("many bytes, sha256 c014", Said::Other("many bytes, sha256 c014")),
            ("web-1 has no unit 'x.service'", Said::Other("web-1 has no unit 'x.service'")),
        ] {
            assert_eq!(parse_summary(summary), said);
        }
    }
}
