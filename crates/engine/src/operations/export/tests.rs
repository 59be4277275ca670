use protocol::operations::{HostThen, OperationKind, OperationResult, Privilege};

use super::*;
use crate::clock::Clock;
use crate::operations::{Finish, OperationDraft};
use crate::store::Store;

const HOSTILE: [&str; 12] = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "  =1",
    "＝1",
    "plain, \"quoted\"\r\nand more",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u{1b}]52;c;eA==\u{7}\u{202e}gnp.exe",
    "\n<!-- -->]]>&amp;'",
];

async fn log_of(dir: &Path) -> Operations {
    let store = Store::open(dir).await.unwrap().store;
    let log = Operations::open(store, Clock::standing_at(1_700_000_000_000), "ann".into()).await.unwrap();
    let host = HostThen {
        id: "id".into(),
        name: "web\u{202e}1".into(),
        address: "10.0.0.1".into(),
        port: 22,
        ..HostThen::default()
    };
    for text in HOSTILE {
        let draft = OperationDraft::new(OperationKind::Command, Some(host.clone()), text)
            .running(text, Privilege::Sudo);
        let finish = Finish {
            output: text.into(),
            errors: text.into(),
            journal: vec![text.into()],
            exit_code: Some(-1),
            ..Finish::new(OperationResult::Failed).saying(text)
        };
        let id = log.record(draft, finish).await.unwrap().id;
        if !text.trim().is_empty() {
            log.comment(id, text.into()).await.unwrap();
        }
    }
    log
}

async fn export(log: &Operations, dir: &Path, format: ExportFormat) -> String {
    let target = dir.join(format!("out.{}", format.extension()));
    let report = log.export(target.clone(), format, OperationFilter::default(), |_| true).await.unwrap();
    let text = std::fs::read_to_string(&target).unwrap();
    assert_eq!(
        (report.written, report.bytes, report.permille),
        (HOSTILE.len() as u64, text.len() as u64, 1_000)
    );
    text
}

/// A reader of RFC 4180 that shares no line with the writer.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(c) = chars.next() {
        match (c, is_quoted) {
            ('"', true) if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            ('"', _) => is_quoted = !is_quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(chars.next(), Some('\n'), "a line ends with CR and LF");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (c, _) => cell.push(c),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !is_quoted, "the last line ends too");
    rows
}

#[tokio::test]
async fn no_cell_of_a_spreadsheet_is_a_formula_and_the_data_is_otherwise_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let rows = parse_csv(&export(&log_of(dir.path()).await, dir.path(), ExportFormat::Csv).await);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    let target = rows[0].iter().position(|name| name == "target").unwrap();
    for (row, text) in rows[1..].iter().zip(HOSTILE.iter().rev()) {
        for cell in row {
            let first = cell.trim_start().chars().next();
            assert!(!first.is_some_and(|c| "=+-@＝＋－＠".contains(c)), "{cell:?}");
            assert!(!cell.starts_with(['\t', '\r', '\n']), "{cell:?}");
        }
        assert_eq!(row[target].strip_prefix('\'').unwrap_or(&row[target]), *text);
    }
}

#[tokio::test]
async fn json_lines_are_the_entries_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_of(dir.path()).await;
    let text = export(&log, dir.path(), ExportFormat::Json).await;
    let read: Vec<Operation> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, log.page(OperationFilter::default()).await.unwrap().operations);
}

#[tokio::test]
async fn a_printed_page_has_no_markup_of_a_host_and_runs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let text = export(&log_of(dir.path()).await, dir.path(), ExportFormat::Html).await;
    assert!(text.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'"));
    for tag in ["<script", "<img", "<!-- -->", "onerror=alert(1)>"] {
        assert!(!text.contains(tag), "{tag}");
    }
    assert!(text.contains("&lt;script&gt;") && text.contains("\\x1b]52"));
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
    let open = text.matches("<article>").count();
    assert_eq!((open, text.matches("</article>").count()), (HOSTILE.len(), HOSTILE.len()));
}

#[tokio::test]
async fn a_printed_page_is_in_the_words_that_it_is_given_and_they_are_text_too() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_of(dir.path()).await;
    let words = |language: &str| ExportWords {
        language: language.into(),
        words: [
            ("operations", "操作"),
            ("kind_command", "命令<b>"),
            ("result_failed", "失败"),
            ("on", "位于"),
        ]
        .map(|(name, word)| (name.to_owned(), word.to_owned()))
        .into(),
    };
    for (language, tag) in [("zh-CN", "zh-CN"), ("\"><script>", "en")] {
        let target = dir.path().join(format!("{tag}.html"));
        let form = Form { format: ExportFormat::Html, words: words(language) };
        log.export(target.clone(), form, OperationFilter::default(), |_| true).await.unwrap();
        let text = std::fs::read_to_string(target).unwrap();
        assert!(text.starts_with(&format!("<!doctype html><html lang=\"{tag}\">")), "{}", &text[..80]);
        assert!(text.contains("<h1>操作</h1>") && text.contains("命令&lt;b&gt;") && text.contains("失败"));
        assert!(!text.contains("命令<b>") && !text.contains("<script"));
    }
}

#[tokio::test]
async fn an_export_that_is_called_off_or_has_no_place_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let log = log_of(dir.path()).await;
    let draft = OperationDraft::new(OperationKind::Command, None, "x");
    log.record_all(vec![(draft, Finish::new(OperationResult::Done)); 2_000]).await.unwrap();
    let export = async |target: PathBuf, pages: u32| {
        let mut left = pages;
        log.export(target, ExportFormat::Csv, OperationFilter::default(), |report| {
            assert!(report.permille > 0 && report.written > 0);
            left = left.saturating_sub(1);
            left > 0
        })
        .await
    };
    let target = out.path().join("log.csv");
    let fault = export(target.clone(), 2).await.unwrap_err();
    assert!(fault.message.contains("called off after 1000 entries"), "{}", fault.message);
    {
        // The one who asked goes away.
        let going = log.export(target.clone(), ExportFormat::Csv, OperationFilter::default(), |_| true);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), going).await;
    }
    let left =
        || std::fs::read_dir(out.path()).unwrap().flatten().map(|file| file.file_name()).collect::<Vec<_>>();
    while left().iter().any(|name| name.to_string_lossy().ends_with(".part")) {
        tokio::task::yield_now().await;
    }
    if !target.exists() {
        std::fs::write(&target, "mine").unwrap();
    }
    let before = std::fs::read(&target).unwrap();
    assert_eq!(export(target.clone(), 99).await.unwrap_err().code, FaultCode::BadInput);
    assert_eq!(std::fs::read(&target).unwrap(), before, "what is there is not overwritten");
    for bad in ["relative.csv", "/", "/nowhere/at/all.csv"] {
        assert_eq!(export(bad.into(), 99).await.unwrap_err().code, FaultCode::BadInput, "{bad}");
    }
    assert_eq!(left().len(), 1, "{:?}", left());
}
