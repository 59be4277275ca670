//! What an import would do, decided without a store.

use protocol::hosts::{CsvProblem, InventoryProblem};

use super::*;

fn ground() -> Ground {
    Ground { home: "/home/ann".into(), user: "ann".into() }
}

fn found(name: &str, jump: Option<&str>) -> Found {
    Found {
        address: Some(format!("{name}.example.org")),
        jump: jump.map(str::to_owned),
        ..Found::named(name)
    }
}

fn saved(name: &str, tags: &[&str]) -> Host {
    let mut host = crate::hosts::Hosts::local();
    host.id = format!("id of {name}");
    host.name = name.into();
    host.address = format!("{name}.example.org");
    host.port = 22;
    host.user = "ann".into();
    host.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    host
}

fn verdicts(planned: &[Planned]) -> Vec<(&str, &'static str)> {
    planned
        .iter()
        .map(|plan| {
            let verdict = match plan.row.verdict {
                ImportVerdict::Added => "added",
                ImportVerdict::Changed { .. } => "changed",
                ImportVerdict::Same => "same",
                ImportVerdict::Refused { .. } => "refused",
            };
            (plan.row.name.as_str(), verdict)
        })
        .collect()
}

fn jump_of<'p>(planned: &'p [Planned], name: &str) -> Option<&'p str> {
    planned.iter().find(|plan| plan.row.name == name).unwrap().row.jump.as_deref()
}

#[test]
fn a_chain_of_jumps_becomes_hosts_that_go_through_each_other() {
    let planned = plan(
        vec![
            found("web", Some("bob@outer.example.org:2200,inner")),
            found("inner", None),
            found("db", Some("ssh://inner")),
        ],
        &[],
        &ground(),
    );
    assert_eq!(
        verdicts(&planned),
        [("bob@outer.example.org:2200", "added"), ("web", "added"), ("inner", "added"), ("db", "added")]
    );
    assert_eq!(jump_of(&planned, "web"), Some("inner"));
    assert_eq!(jump_of(&planned, "inner"), Some("bob@outer.example.org:2200"));
    assert_eq!(jump_of(&planned, "db"), Some("inner"));
    let outer = &planned[0].save.as_ref().unwrap().1;
    assert_eq!(
        (outer.address.as_str(), outer.port, outer.user.as_str()),
        ("outer.example.org", Some(2200), "bob")
    );
}

#[test]
fn a_host_behind_one_that_is_refused_is_refused_too() {
    let mut gate = found("gate", None);
    gate.address = Some("-oProxyCommand=x".into());
    let planned = plan(
        vec![gate, found("web", Some("gate")), found("far", Some("web")), found("odd", Some("a@:x"))],
        &[],
        &ground(),
    );
    assert!(verdicts(&planned).iter().all(|(_, verdict)| *verdict == "refused"), "{:?}", verdicts(&planned));
    let planned = plan(vec![found("web", Some("gate"))], &[saved("gate", &[])], &ground());
    assert_eq!(verdicts(&planned), [("web", "added")], "one that is saved already will do");
}

#[test]
fn hosts_that_go_through_each_other_in_a_circle_are_refused() {
    let planned = plan(
        vec![found("a", Some("b")), found("b", Some("c")), found("c", Some("a")), found("d", None)],
        &[],
        &ground(),
    );
    assert_eq!(verdicts(&planned), [("a", "refused"), ("b", "refused"), ("c", "refused"), ("d", "added")]);
}

#[test]
fn what_a_file_does_not_say_stays_as_it_is() {
    let mut host = found("web", None);
    host.port = Some(2222);
    let before = Host { groups: vec!["shop".into()], ..saved("web", &["blue"]) };
    let planned = plan(vec![host.clone()], std::slice::from_ref(&before), &ground());
    let (id, draft) = planned[0].save.as_ref().unwrap();
    assert_eq!(id.as_deref(), Some("id of web"));
    assert_eq!(
        (draft.port, draft.groups.len(), draft.tags.len(), draft.user.as_str()),
        (Some(2222), 1, 1, "ann")
    );
    let ImportVerdict::Changed { fields } = &planned[0].row.verdict else { panic!("{:?}", planned[0].row) };
    assert_eq!(
        (fields[0].field, fields[0].before.as_str(), fields[0].after.as_str()),
        (HostField::Port, "22", "2222")
    );
    host.port = None;
    assert_eq!(verdicts(&plan(vec![host], &[before], &ground())), [("web", "same")]);
}

#[test]
fn the_same_place_under_another_name_is_not_added_and_a_guard_is_kept() {
    let mut alias = found("alias", None);
    alias.address = Some("WEB.example.org".into());
    let mut web = found("web", None);
    web.tags = Some(Vec::new());
    let planned = plan(vec![alias, web, found("Web", None)], &[saved("web", &["prod"])], &ground());
    assert_eq!(verdicts(&planned), [("alias", "same"), ("web", "refused"), ("Web", "refused")]);
    assert_eq!(planned[0].row.warnings, [ImportWarning::SavedAs { name: "web".into() }]);
}

#[test]
fn another_file_or_other_saved_hosts_have_another_digest() {
    let of = |found: Vec<Found>, saved: &[Host], notes: &Notes| {
        digest(&plan(found, saved, &ground()), notes).unwrap()
    };
    let none = Notes::default();
    let shown = of(vec![found("web", None)], &[], &none);
    assert_eq!(shown, of(vec![found("web", None)], &[], &none));
    let mut hidden = found("web", None);
    hidden.groups = Some(vec!["shop".into()]);
    let mut told = Notes::default();
    told.say(ImportNote::NoHost);
    for other in [
        of(vec![hidden], &[], &none),
        of(vec![found("web", None)], &[saved("web", &["blue"])], &none),
        of(vec![found("web", None)], &[], &told),
    ] {
        assert_ne!(shown, other);
    }
}

#[test]
fn a_name_that_is_a_step_in_a_path_is_refused_with_its_field() {
    for planned in plan(vec![found(".", None), found("..", None)], &[], &ground()) {
        let ImportVerdict::Refused { why: ImportRefusal::Field { field, .. } } = &planned.row.verdict else {
            panic!("{:?}", planned.row)
        };
        assert_eq!(field, "name");
    }
}

#[test]
fn the_format_is_told_by_the_name_or_the_content() {
    for (name, text, format) in [
        ("hosts.csv", "", HostFormat::Csv),
        ("x.yml", "", HostFormat::Ansible),
        ("x", " [ {\"name\": \"a\"} ]\n", HostFormat::Json),
        ("x", "# a\n[web]\nhost1\n", HostFormat::Ansible),
        ("config", "Host a\n", HostFormat::SshConfig),
        ("x", "", HostFormat::SshConfig),
    ] {
        assert_eq!(guess(Path::new(name), text), format, "{name} {text}");
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x");
    for bytes in [&b"a\0b"[..], &vec![b'x'; 17 << 20]] {
        std::fs::write(&file, bytes).unwrap();
        assert!(read(&file, None, &ground(), &mut Notes::default()).is_err());
    }
    assert!(read(dir.path(), None, &ground(), &mut Notes::default()).is_err());
}

#[test]
fn a_file_of_which_no_host_is_taken_over_is_refused_with_a_reason_and_not_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x");
    let read_as = |format| read(&file, Some(format), &ground(), &mut Notes::default()).unwrap_err();
    let shown = file.display().to_string();
    let unread = |why| FileRefusal::Unread { file: shown.clone(), why };
    assert_eq!(read_as(HostFormat::Csv), unread(FileProblem::Missing));
    let csv = |why| FileRefusal::NotCsv { why };
    let at = |line, why| FileRefusal::NotInventory { line: Some(line), why };
    let not_range = InventoryProblem::NotRange { range: "1".into() };
    for (format, text, refusal) in [
        (HostFormat::Csv, "a\0b", unread(FileProblem::NotText)),
        (HostFormat::Csv, "", csv(CsvProblem::Empty)),
        (HostFormat::Csv, "name,user\na,b\n", csv(CsvProblem::NoColumn { column: "address".into() })),
        (HostFormat::Csv, "name,address\n\"open,1\n", csv(CsvProblem::OpenQuote)),
        (HostFormat::Json, "3", FileRefusal::NotHosts),
        (HostFormat::Ansible, "---\n- web\n", FileRefusal::NotYaml { why: FileProblem::NotMapping }),
        (HostFormat::Ansible, "[a:odd]\n", FileRefusal::Section { line: 1, section: "odd".into() }),
        (HostFormat::Ansible, "web\ndb 'x\n", at(2, InventoryProblem::OpenQuote)),
        (HostFormat::Ansible, "web x\n", at(1, InventoryProblem::NoVariable)),
        (HostFormat::Ansible, "\nweb[1\n", at(2, InventoryProblem::OpenRange)),
        (HostFormat::Ansible, "web[1]\n", at(1, not_range)),
        (HostFormat::Ansible, "web[3:1]\n", at(1, InventoryProblem::RangeSize { range: "3:1".into() })),
        (
            HostFormat::Ansible,
            "all:\n  hosts: {}\nodd: 3\n",
            FileRefusal::NotInventory { line: None, why: InventoryProblem::NotGroup { name: "odd".into() } },
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(read_as(format), refusal, "{text:?}");
    }
    std::fs::write(&file, "[\n {\"name\": }]").unwrap();
    let refusal = read_as(HostFormat::Json);
    assert!(matches!(refusal, FileRefusal::NotJson { line: 2, column: 11, .. }), "{refusal:?}");
    let many = (0..=MOST_HOSTS).map(|n| format!("h{n},10.0.0.1\n"));
    std::fs::write(&file, many.fold("name,address\n".to_owned(), |text, line| text + &line)).unwrap();
    let refusal = FileRefusal::TooManyHosts { file: shown, hosts: MOST_HOSTS + 1, most: MOST_HOSTS };
    assert_eq!(read_as(HostFormat::Csv), refusal);
}
