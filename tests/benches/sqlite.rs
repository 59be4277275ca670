//! The same entries in SQLite: WAL and `synchronous=FULL`, so that a write is on the disk when it is
//! acknowledged, an index for each filter, and FTS5 by trigrams, which find a part of a word as the
//! log does. Trigrams know nothing of two Chinese characters; these are found by LIKE.

use std::time::Instant;

use rusqlite::{Connection, params};

use crate::figures::{line, ms};
use crate::log::{CHINESE, COMMON, Entry, HOST, PAGE, RARE, Random, folder_mib, told};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE operations (
        id INTEGER PRIMARY KEY, host TEXT, target TEXT, command TEXT, output TEXT, failed INTEGER,
        unread INTEGER
    );
    CREATE INDEX by_host ON operations (host, id);
    CREATE INDEX by_unread ON operations (failed, id) WHERE unread;
    CREATE VIRTUAL TABLE words USING fts5 (
        host, target, command, output, content = 'operations', content_rowid = 'id', tokenize = 'trigram'
    );
    CREATE TRIGGER added AFTER INSERT ON operations BEGIN
        INSERT INTO words (rowid, host, target, command, output)
        VALUES (new.id, new.host, new.target, new.command, new.output);
    END;";
const INSERT: &str =
    "INSERT INTO operations (host, target, command, output, failed, unread) VALUES (?, ?, ?, ?, ?, ?)";
const BATCH: u64 = 1_000;
const UNREAD: u64 = 2_000;
const APPENDS: u64 = 300;
const PAGES: usize = 20;

/// Prints the figures of SQLite.
pub(crate) fn sqlite(entries: u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.sqlite");
    println!("-- SQLite {} with FTS5", rusqlite::version());
    let mut database = Connection::open(&path).unwrap();
    database.execute_batch(SCHEMA).unwrap();
    let mut random = Random::seeded();
    let mut insert = |database: &Connection, number: u64| {
        let one = Entry::make(&mut random, number);
        let unread = number + UNREAD >= entries;
        let mut insert = database.prepare_cached(INSERT).unwrap();
        insert.execute(params![one.host, one.target, one.command, one.output, one.failed, unread]).unwrap();
    };
    let began = Instant::now();
    for batch in 0..entries.div_ceil(BATCH) {
        let writing = database.transaction().unwrap();
        (batch * BATCH..entries.min((batch + 1) * BATCH)).for_each(|number| insert(&writing, number));
        writing.commit().unwrap();
    }
    let per_s = entries as f64 / began.elapsed().as_secs_f64();
    line(&format!("kept in writes of {BATCH}, entries a second"), &format!("{per_s:.0}"));
    let mut times = Vec::new();
    for number in entries..entries + APPENDS {
        let began = Instant::now();
        insert(&database, number);
        times.push(began.elapsed());
    }
    told("one more, on the disk when it is acknowledged", times);
    drop(database);
    line("on the disk", &format!("{} MiB", folder_mib(dir.path())));
    let began = Instant::now();
    let database = Connection::open(&path).unwrap();
    let count = |question: &str| database.query_row(question, [], |row| row.get::<_, i64>(0)).unwrap();
    count("SELECT max(id) FROM operations");
    line("from nothing to an open log", &format!("{:.1} ms", ms(began.elapsed())));
    let began = Instant::now();
    let unread = count("SELECT count(*) FROM operations WHERE unread");
    line(&format!("the badge, {unread} unread"), &format!("{:.0} us", ms(began.elapsed()) * 1e3));
    let page = format!("ORDER BY id DESC LIMIT {PAGE}");
    let with = |word: &str| {
        format!(
            "SELECT o.* FROM words JOIN operations o ON o.id = words.rowid WHERE words MATCH '\"{word}\"' \
             ORDER BY words.rowid DESC LIMIT {PAGE}"
        )
    };
    for (what, question) in [
        ("the newest page", format!("SELECT * FROM operations {page}")),
        ("a page of one host", format!("SELECT * FROM operations WHERE host = '{HOST}' {page}")),
        (
            "a page of what failed and is unread",
            format!("SELECT * FROM operations WHERE unread AND failed = 1 {page}"),
        ),
        ("a page of a word of few entries", with(RARE)),
        ("a page of a word of many entries", with(COMMON)),
        (
            "a page of a Chinese word",
            format!("SELECT * FROM operations WHERE output LIKE '%{CHINESE}%' {page}"),
        ),
        ("a page of a word that is nowhere", with("nowherezzz")),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..PAGES {
            let began = Instant::now();
            let mut rows = database.prepare(&question).unwrap();
            found = rows.query_map([], |row| row.get::<_, String>(4)).unwrap().map(Result::unwrap).count();
            times.push(began.elapsed());
        }
        let first = ms(times[0]);
        told(&format!("{what}, {found} found, first {first:.1} ms"), times);
    }
}
