//! One page to be printed, or read in a browser. It has no script, asks for nothing, and forbids both.

use protocol::operations::{ExportWords, Operation};
use protocol::text::printable_lines;

use super::utc;

const STYLE: &str = "body{font:13px/1.4 system-ui,'Noto Sans CJK SC',sans-serif;margin:24px;color:#1a1a1a}\
h1{font-size:18px}article{border-top:1px solid #bbb;padding:8px 0;break-inside:avoid-page}\
h2{font-size:14px;margin:0 0 4px}p{margin:2px 0}.bad{color:#a11}.quiet{color:#555}\
pre{font:12px/1.35 ui-monospace,monospace;background:#f4f4f4;padding:6px;white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0}\
@media print{body{margin:0}pre{background:none;border:1px solid #ddd}}";

pub(super) const TAIL: &str = "</main></body></html>\n";

pub(super) fn head(words: &ExportWords) -> String {
    let is_tag = |tag: &&str| !tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let language = Some(words.language.as_str()).filter(is_tag).unwrap_or("en");
    let title = text(words.word("operations", "Operations"));
    format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\"><meta name=\"referrer\" content=\"no-referrer\">\
         <title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1><main>\n"
    )
}

/// Text that stays text, and shows what would act on its order.
fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for c in printable_lines(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

pub(super) fn row(entry: &Operation, words: &ExportWords) -> String {
    let word = |name: &str, english: &str| text(words.word(name, english));
    let class = if entry.result.is_bad() { " class=\"bad\"" } else { "" };
    let on = entry.host.as_ref().map_or_else(String::new, |host| {
        format!(" {} {} ({}:{})", word("on", "on"), text(&host.name), text(&host.address), host.port)
    });
    let mut page = format!(
        "<article><h2>{} · {} {}{on}</h2><p class=\"quiet\">{} {} · {}{}{}</p><p{class}>{}{}{}</p>",
        entry.id,
        word(&format!("kind_{}", entry.kind.name()), entry.kind.name()),
        text(&entry.target),
        text(utc(entry.started_ms).replace(['T', 'Z'], " ").trim_end()),
        word("utc", "UTC"),
        text(&entry.operator),
        entry.privilege.map_or_else(String::new, |privilege| format!(" · {}", privilege.words())),
        entry.took_ms.map_or_else(String::new, |ms| format!(" · {:.1} s", ms as f64 / 1_000.0)),
        word(&format!("result_{}", entry.result.name()), entry.result.words()),
        entry
            .exit_code
            .map_or_else(String::new, |code| format!(", {} {code}", word("exit_code", "exit code"))),
        if entry.summary.is_empty() { String::new() } else { format!(": {}", text(&entry.summary)) },
    );
    if let (Some(before), Some(after)) = (&entry.before, &entry.after) {
        page += &format!("<p>{} &rarr; {}</p>", text(&before.state()), text(&after.state()));
    }
    for (name, english, block) in [
        ("command", "Command", &entry.command),
        ("output", "Output", &entry.output),
        ("errors", "Errors", &entry.errors),
        ("journal", "Journal", &entry.journal.join("\n")),
    ] {
        if !block.is_empty() {
            page += &format!("<p class=\"quiet\">{}</p><pre>{}</pre>", word(name, english), text(block));
        }
    }
    for comment in &entry.comments {
        page += &format!("<p>{}, {}: {}</p>", text(&comment.by), utc(comment.at_ms), text(&comment.text));
    }
    page + "</article>\n"
}
