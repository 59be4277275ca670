//! Inventories, beside `ansible-inventory` where that is installed.

use std::process::Command;

use super::*;

fn hosts_of(name: &str, text: &str) -> Vec<Found> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    read(&file, text, &mut Notes::default()).unwrap()
}

const INI: &str = r#"
gate ansible_host=10.0.0.1 ansible_user="bob" # the way in
[web]
web[01:03].example.org ansible_port=2222
lone:2200
[db]
db-[a:c] ansible_ssh_common_args='-J bob@gate:2200'
[prod:children]
web
db
[prod:vars]
ansible_user = deploy
[all:vars]
ansible_port=22022
ansible_user=nobody
"#;

#[test]
fn an_inventory_in_ini_gives_its_hosts_with_the_variables_of_their_groups() {
    let found = hosts_of("hosts", INI);
    let names: Vec<&str> = found.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "gate",
            "web01.example.org",
            "web02.example.org",
            "web03.example.org",
            "lone",
            "db-a",
            "db-b",
            "db-c"
        ]
    );
    let named = |name: &str| found.iter().find(|host| host.name == name).unwrap();
    let gate = named("gate");
    assert_eq!(
        (gate.address.as_deref(), gate.user.as_deref(), gate.port),
        (Some("10.0.0.1"), Some("bob"), Some(22022))
    );
    assert!(gate.groups.is_none());
    let web = named("web02.example.org");
    assert_eq!(
        (web.user.as_deref(), web.port),
        (Some("deploy"), Some(2222)),
        "a group is nearer than all, a host nearer than its groups"
    );
    assert_eq!(web.groups.as_deref(), Some(["prod".to_owned(), "web".to_owned()].as_slice()));
    assert_eq!(named("lone").port, Some(2200));
    assert_eq!(named("db-b").jump.as_deref(), Some("bob@gate:2200"));
}

#[test]
fn secrets_and_templates_are_told_and_left_out() {
    let found = hosts_of(
        "hosts",
        "web ansible_password=pl4nted ansible_become_pass=pl4nted ansible_host='{{ x }}'\n",
    );
    assert!(found[0].address.is_none() && found[0].warnings.len() == 2, "{found:?}");
    assert!(!format!("{found:?}").contains("pl4nted"));
    let yaml = hosts_of("hosts.yml", "all:\n  hosts:\n    web:\n      ansible_ssh_pass: pl4nted\n");
    assert_eq!(yaml[0].warnings[0], ImportWarning::Password);
    assert!(!format!("{yaml:?}").contains("pl4nted"));
}

#[test]
fn ranges_are_bounded_and_odd_ones_refused() {
    assert_eq!(expand("n[0:4:2]x[a:b]").unwrap(), ["n0xa", "n0xb", "n2xa", "n2xb", "n4xa", "n4xb"]);
    assert_eq!(expand("web[08:10]").unwrap(), ["web08", "web09", "web10"]);
    for odd in ["a[1:99999999999]", "a[0:9999][0:9999]", "a[3:1]", "a[1", "a[1:2:0]", "a[:]", "a[x:1]"] {
        assert!(expand(odd).is_err(), "{odd}");
    }
}

#[test]
fn groups_in_a_circle_and_groups_too_deep_end() {
    let found = hosts_of("hosts", "[a:children]\nb\n[b:children]\na\n[b]\nweb\n");
    assert_eq!(found[0].groups.as_ref().unwrap().len(), 2);
    let mut deep = String::from("all:\n");
    for level in 0..60 {
        deep += &format!("{}children:\n{}g{level}:\n", " ".repeat(2 * level + 1), " ".repeat(2 * level + 2));
    }
    assert!(inventory_yaml::parse(&deep, &mut Notes::default()).is_err());
    for odd in ["- a\n", "all: 3\n", "&a [*a]\n", "a: &x\n  hosts: *x\n", "\u{1}"] {
        let _ = inventory_yaml::parse(odd, &mut Notes::default());
    }
}

#[test]
fn any_text_is_read_without_a_panic() {
    use proptest::prelude::*;
    proptest!(|(text in "((\\[|\\]|:children|:vars|=|'|\"|#|:|[a-c0-2]| |\t){0,10}\n){0,8}")| {
        let _ = inventory_ini::parse(&text, &mut Notes::default());
        let _ = inventory_yaml::parse(&text, &mut Notes::default());
    });
}

struct Random(u64);

impl Random {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.number(from.len())]
    }

    fn number(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

const GROUPS: [&str; 5] = ["web", "db", "prod", "staging", "edge"];

fn variable(random: &mut Random) -> (&'static str, &'static str) {
    match random.number(3) {
        0 => ("ansible_user", ["root", "deploy", "bob"][random.number(3)]),
        1 => ("ansible_port", ["22", "2222", "2200"][random.number(3)]),
        _ => ("ansible_host", ["10.0.0.1", "10.0.0.2", "real.example.org"][random.number(3)]),
    }
}

fn random_ini(random: &mut Random) -> String {
    let mut text = String::new();
    for group in GROUPS {
        text += &format!("[{group}]\n");
        for _ in 0..random.number(3) {
            let name = random.pick(&["web-1", "web[1:3]", "db-[a:b]", "lone", "n[08:10]", "gate:2200"]);
            text += name;
            for _ in 0..random.number(3) {
                let (name, value) = variable(random);
                text += &format!(" {name}={value}");
            }
            text.push('\n');
        }
        if random.number(2) == 0 {
            let (name, value) = variable(random);
            text += &format!("[{group}:vars]\n{name} = {value}\n");
        }
    }
    // Each group only above those before it: ansible refuses circles.
    for above in 1..GROUPS.len() {
        if random.number(2) == 0 {
            text += &format!("[{}:children]\n{}\n", GROUPS[above], GROUPS[random.number(above)]);
        }
    }
    if random.number(2) == 0 {
        let (name, value) = variable(random);
        text += &format!("[all:vars]\n{name}={value}\n");
    }
    text
}

/// The same groups in YAML, from what was read of the INI.
fn as_yaml(inventory: &Inventory) -> String {
    let mut text = String::from("all:\n  children:\n");
    let vars = |vars: &Vars, indent: &str| -> String {
        vars.iter().map(|(name, value)| format!("{indent}{name}: {value}\n")).collect()
    };
    for (name, group) in &inventory.groups {
        if name == ALL {
            continue;
        }
        text += &format!("    {name}:\n      hosts:\n");
        for host in &group.hosts {
            text += &format!("        {host}:\n{}", vars(&inventory.hosts[host], "          "));
        }
        text += &format!("      vars:\n{}      children:\n", vars(&group.vars, "        "));
        for child in &group.children {
            text += &format!("        {child}:\n");
        }
    }
    text += "  vars:\n";
    text += &inventory.groups.get(ALL).map_or(String::new(), |group| vars(&group.vars, "    "));
    text
}

#[test]
fn every_host_means_what_it_means_to_ansible() {
    if Command::new("ansible-inventory").arg("--version").output().is_err() {
        eprintln!("skipped: ansible-inventory is not installed");
        return;
    }
    let seed = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3_u64);
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut compared = 0;
    // Each run of ansible-inventory takes a second: a few inventories with many hosts.
    for round in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        for (kind, names) in
            [("group_vars", &["all", "web", "prod"][..]), ("host_vars", &["web-1", "lone"][..])]
        {
            std::fs::create_dir(folder.path().join(kind)).unwrap();
            for name in names {
                if random.number(3) == 0 {
                    continue;
                }
                let (variable, value) = variable(&mut random);
                std::fs::write(
                    folder.path().join(kind).join(format!("{name}.yml")),
                    format!("---\n{variable}: {value}\n"),
                )
                .unwrap();
            }
        }
        let ini = random_ini(&mut random);
        let yaml = as_yaml(&inventory_ini::parse(&ini, &mut Notes::default()).unwrap());
        for (name, text) in [("hosts.ini", &ini), ("hosts.yml", &yaml)] {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            let mut command = Command::new("ansible-inventory");
            command
                .arg("-i")
                .arg(&file)
                .arg("--list")
                .env("HOME", folder.path())
                .env("LANG", "C.UTF-8")
                .env("LC_ALL", "C.UTF-8");
            let out = command.output().unwrap();
            assert!(out.status.success(), "{text}\n{}", String::from_utf8_lossy(&out.stderr));
            let theirs: Value = serde_json::from_slice(&out.stdout).unwrap();
            let ours = read(&file, text, &mut Notes::default()).unwrap();
            let vars = theirs["_meta"]["hostvars"].as_object().unwrap();
            for host in &ours {
                let empty = serde_json::Map::new();
                let vars = vars.get(&host.name).and_then(Value::as_object).unwrap_or(&empty);
                let said = |name: &str| {
                    vars.get(name)
                        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                };
                let context =
                    format!("{} of {name}, seed {seed}, round {round}:\n{text}\n{vars:?}", host.name);
                assert_eq!(host.address, said("ansible_host"), "address of {context}");
                assert_eq!(host.user, said("ansible_user"), "user of {context}");
                assert_eq!(host.port.map(|port| port.to_string()), said("ansible_port"), "port of {context}");
                let member = |group: &str| members(&theirs, group).contains(&host.name);
                let groups: Vec<String> =
                    GROUPS.iter().filter(|group| member(group)).map(|group| (*group).to_owned()).collect();
                let mut own = host.groups.clone().unwrap_or_default();
                own.sort();
                let mut groups = groups;
                groups.sort();
                assert_eq!(own, groups, "groups of {context}");
                compared += 1;
            }
        }
    }
    println!("{compared} hosts compared");
    assert!(compared > 40, "{compared}");
}

/// The hosts of a group, those of its children too.
fn members(list: &Value, group: &str) -> BTreeSet<String> {
    let group = &list[group];
    let words = |part: &str| -> Vec<String> {
        group[part]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect()
    };
    let mut all: BTreeSet<String> = words("hosts").into_iter().collect();
    for child in words("children") {
        all.extend(members(list, &child));
    }
    all
}
