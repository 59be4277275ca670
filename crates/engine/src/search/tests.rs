use protocol::hosts::HostDraft;
use protocol::ipc::{HostSave, SearchFind};
use protocol::metrics::Disk;
use protocol::processes::Process;
use protocol::services::Service;
use protocol::sockets::{Matched, Protocol, Socket, SocketState};

use super::*;
use crate::engine::Engine;
use crate::rig;
use crate::secrets::Memory;

struct Ground {
    engine: Engine,
    _dir: tempfile::TempDir,
}

impl Ground {
    /// Two hosts that were read before, and one that never was. None has a link.
    async fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = rig::options(dir.path(), Arc::new(Memory::new()));
        let ground = Ground { engine: Engine::open(options).await.unwrap(), _dir: dir };
        for (name, group) in [("web-1", "Web"), ("db-1", "Database"), ("spare", "Web")] {
            let draft = HostDraft {
                name: name.into(),
                address: format!("{name}.lan"),
                user: "root".into(),
                groups: vec![group.into()],
                ..HostDraft::default()
            };
            let host = ground
                .engine
                .call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None })
                .await
                .unwrap();
            if name != "spare" {
                ground.read(&host.id, name).await;
            }
        }
        ground
    }

    async fn read(&self, id: &str, name: &str) {
        let snapshots = &self.engine.parts.snapshots;
        let listen = Socket {
            protocol: Protocol::Tcp,
            state: SocketState::Listen,
            local_address: "0.0.0.0".into(),
            local_port: 8080,
            inode: 11,
            program: (name == "web-1").then(|| "java".into()),
            pid: (name == "web-1").then_some(7),
            unit: (name == "web-1").then(|| "shop.service".into()),
            ..Socket::default()
        };
        let open = Socket {
            state: SocketState::Estab,
            local_port: 8080,
            peer_address: "10.0.0.5".into(),
            peer_port: 40_000,
            inode: 12,
            ..listen.clone()
        };
        let over = Socket {
            state: SocketState::TimeWait,
            peer_address: "10.0.0.50".into(),
            inode: 0,
            program: None,
            pid: None,
            unit: None,
            ..open.clone()
        };
        let owner_hidden = u32::from(name != "web-1") * 2;
        let sockets =
            SocketTable { sockets: vec![listen, open, over], owner_hidden, ..SocketTable::default() };
        snapshots.keep_sockets(id, 100, sockets).await.unwrap();
        let java = Process {
            pid: 7,
            name: "java".into(),
            command: "/usr/bin/java -jar cron.jar".into(),
            user: Some("shop".into()),
            start_ticks: 70,
            ..Process::default()
        };
        let processes = ProcessTable {
            processes: vec![java],
            others_hidden: name == "db-1",
            unreadable: 3,
            ..ProcessTable::default()
        };
        snapshots.keep_processes(id, 200, processes).await.unwrap();
        let unit = |name: &str, active: &str| Service {
            name: name.into(),
            active_state: active.into(),
            ..Service::default()
        };
        let services = ServiceTable {
            services: vec![unit("shop.service", "failed"), unit("cron.service", "active")],
            ..ServiceTable::default()
        };
        snapshots.keep_services(id, 300, services).await.unwrap();
        let disk =
            |mount: &str, use_pct| Disk { mount: mount.into(), use_pct: Some(use_pct), ..Disk::default() };
        let metrics = Metrics { disks: vec![disk("/", 40.0), disk("/srv", 93.0)], ..Metrics::default() };
        snapshots.keep_metrics(id, 400, metrics).await.unwrap();
        let system =
            System { kernel: "6.1.0-37-amd64".into(), os: Some("Debian".into()), ..System::default() };
        snapshots.keep_system(id, 500, system).await.unwrap();
    }

    async fn find(&self, text: &str) -> FindAnswer {
        let query = FindQuery { text: text.into(), ask: true, ..FindQuery::default() };
        self.engine.call(SearchFind { query }).await.unwrap()
    }

    async fn hosts_of(&self, text: &str) -> Vec<String> {
        self.find(text).await.rows.into_iter().map(|row| row.host).collect()
    }
}

#[tokio::test]
async fn a_port_is_found_on_every_host_that_was_read_and_the_others_are_named() {
    let ground = Ground::make().await;
    let found = ground.find("port:8080").await;
    assert_eq!((found.hosts, found.live, found.answered, found.from_snapshot), (3, 0, 0, 2));
    assert_eq!(found.unknown, ["spare"], "a host that was never read is not silently left out");
    assert_eq!(found.owner_hidden, 0, "a row whose owner is not known is a row all the same");
    assert_eq!(found.rows.iter().map(|row| row.host.as_str()).collect::<Vec<_>>(), ["db-1", "web-1"]);
    let row = &found.rows[1];
    assert_eq!((row.live, row.at_ms), (false, 100));
    let Found::Socket { local, clients, program, inode, .. } = &row.found else { panic!("{:?}", row.found) };
    assert_eq!((local.as_str(), program.as_deref(), *inode), ("0.0.0.0:8080", Some("java"), 11));
    assert_eq!(*clients, Some(1), "one in TIME-WAIT is no client any more");
    assert_eq!(row.matched, [Matched { column: "local".into(), at: vec![8, 9, 10, 11] }]);
}

#[tokio::test]
async fn words_narrow_each_other() {
    let ground = Ground::make().await;
    assert_eq!(ground.hosts_of("port:8080 proc:java").await, ["web-1"]);
    assert_eq!(ground.hosts_of("port:8080 host:db").await, ["db-1"]);
    assert_eq!(ground.hosts_of("port:8080 unit:shop").await, ["web-1"]);
    assert!(ground.hosts_of("port:8081").await.is_empty());
    assert!(ground.hosts_of("port:80").await.is_empty(), "80 is not 8080");
}

#[tokio::test]
async fn an_address_finds_connections_too_and_is_meant_as_a_whole() {
    let ground = Ground::make().await;
    let peers = async |text: &str| -> Vec<String> {
        let rows = ground.find(text).await.rows;
        let peer = |row: &FindRow| match &row.found {
            Found::Socket { peer, .. } => peer.clone().unwrap_or_else(|| "*".into()),
            other => panic!("{other:?}"),
        };
        rows.iter().filter(|row| row.host == "web-1").map(peer).collect()
    };
    assert_eq!(peers("addr:10.0.0.5").await, ["10.0.0.5:40000"]);
    assert_eq!(peers("addr:10.0.0.5:40000").await, ["10.0.0.5:40000"]);
    assert!(peers("addr:10.0.0.5:40001").await.is_empty());
    assert_eq!(peers("addr:10.0.0.0/24").await, ["10.0.0.5:40000", "10.0.0.50:40000"]);
    assert_eq!(peers("addr:10.0.*").await.len(), 2);
    let found = ground.find("addr:10.0.0.5 host:web-1").await;
    let mark = Matched { column: "peer".into(), at: (0..8).collect() };
    assert!(found.rows[0].matched.contains(&mark), "{:?}", found.rows[0].matched);
}

#[tokio::test]
async fn sockets_that_are_left_out_because_their_owner_is_hidden_are_counted() {
    let ground = Ground::make().await;
    let found = ground.find("port:8080 proc:java").await;
    assert_eq!((found.rows.len(), found.owner_hidden), (1, 1), "the one of db-1 may be java's");
    assert_eq!(ground.find("port:8081 proc:java").await.owner_hidden, 0, "no other port is meant");
    assert_eq!(ground.find("port:8080 unit:shop").await.owner_hidden, 1);
    let connected = ground.find("addr:10.0.0.0/24 proc:java").await;
    assert_eq!(connected.owner_hidden, 1, "what nobody holds any more is not hidden");
}

#[tokio::test]
async fn unix_sockets_are_asked_of_live_hosts_alone() {
    let ground = Ground::make().await;
    let found = ground.find("addr:docker.sock").await;
    assert_eq!((found.rows.len(), found.from_snapshot), (0, 0));
    assert_eq!(found.unknown, ["db-1", "spare", "web-1"], "no snapshot has them, and that is said");
}

#[tokio::test]
async fn a_process_is_found_by_its_program_and_not_by_its_arguments() {
    let ground = Ground::make().await;
    assert_eq!(ground.hosts_of("proc:JAVA").await, ["db-1", "web-1"]);
    assert!(ground.hosts_of("proc:cron").await.is_empty());
    assert_eq!(ground.hosts_of("user:shop host:web").await, ["web-1"]);
    let found = ground.find("proc:java").await;
    assert_eq!((found.others_hidden, found.unreadable), (1, 6), "what may not be seen is said");
    assert!(matches!(&found.rows[0].found, Found::Process { pid: 7, start_ticks: 70, .. }));
}

#[tokio::test]
async fn a_question_of_full_width_or_with_spaces_is_the_same_question() {
    let ground = Ground::make().await;
    for text in ["port：８０８０", "port: 8080", "ｐｏｒｔ：8080\u{3000}"] {
        assert_eq!(ground.hosts_of(text).await, ["db-1", "web-1"], "{text}");
    }
    assert_eq!(ground.find("disk > 90").await.rows.len(), 2);
}

#[tokio::test]
async fn units_disks_and_kernels_are_found() {
    let ground = Ground::make().await;
    let failed = ground.find("unit:failed").await;
    assert!(failed.rows.iter().all(|row| matches!(&row.found, Found::Unit { failed: true, .. })));
    assert_eq!(failed.rows.len(), 2);
    assert_eq!(ground.hosts_of("unit:cron host:web-1").await, ["web-1"]);
    let full = ground.find("disk>90").await;
    assert!(matches!(&full.rows[0].found, Found::Disk { mount, .. } if mount == "/srv"));
    assert_eq!(full.rows.len(), 2);
    assert_eq!(ground.hosts_of("kernel:6.1").await.len(), 2);
    assert!(ground.hosts_of("kernel:5.10").await.is_empty());
}

#[tokio::test]
async fn a_host_is_found_by_name_address_and_group_even_if_nothing_was_read() {
    let ground = Ground::make().await;
    assert_eq!(ground.hosts_of("web").await, ["web-1", "spare"], "the group counts too");
    assert_eq!(ground.hosts_of("").await.len(), 3);
    let found = ground.find("host:web").await;
    assert!(found.unknown.is_empty());
    let rows: Vec<(&str, i64)> = found.rows.iter().map(|row| (row.host.as_str(), row.at_ms)).collect();
    assert_eq!(rows, [("web-1", 500), ("spare", 0)], "what was read stands before what never was");
    assert_eq!(found.from_snapshot, 1);
}

#[tokio::test]
async fn no_host_gets_a_session_because_of_a_search() {
    let ground = Ground::make().await;
    ground.find("proc:java").await;
    ground.find("").await;
    for host in ground.engine.parts.hosts.list().await.unwrap() {
        assert!(ground.engine.parts.sessions.find(&host.id).is_none(), "{}", host.name);
    }
}

#[tokio::test]
async fn what_is_over_the_limit_is_counted() {
    let ground = Ground::make().await;
    let query = FindQuery { text: "port:8080".into(), limit: Some(1), ..FindQuery::default() };
    let found = ground.engine.call(SearchFind { query }).await.unwrap();
    assert_eq!((found.rows.len(), found.found), (1, 2));
}
