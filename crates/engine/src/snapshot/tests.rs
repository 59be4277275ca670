use protocol::sockets::{Protocol, Socket, SocketState};

use super::*;

async fn snapshots(dir: &tempfile::TempDir) -> Snapshots {
    Snapshots::new(Store::open(dir.path()).await.unwrap().store)
}

#[tokio::test]
async fn each_noun_is_kept_with_its_own_time_and_comes_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    {
        let kept = snapshots(&dir).await;
        assert_eq!(kept.show("a").await.unwrap(), Snapshot::default(), "nothing is known at first");
        assert_eq!(kept.glance("a").await.unwrap(), None);
        kept.keep_system("a", 5, System { host_name: "web".into(), ..System::default() }).await.unwrap();
        kept.keep_metrics("a", 6, Metrics { uptime_s: 60, ..Metrics::default() }).await.unwrap();
        kept.keep_metrics("a", 7, Metrics { uptime_s: 61, ..Metrics::default() }).await.unwrap();
    }
    let kept = snapshots(&dir).await;
    let snapshot = kept.show("a").await.unwrap();
    assert_eq!(snapshot.system.unwrap().received_ms, 5);
    let metrics = snapshot.metrics.unwrap();
    assert_eq!((metrics.received_ms, metrics.value.uptime_s), (7, 61));
    assert_eq!((snapshot.sockets, snapshot.services), (None, None));
    assert_eq!(kept.glance("a").await.unwrap().unwrap().at_ms, 7);
    let glances = kept.glances(&["b".into(), "a".into()]).await.unwrap();
    assert_eq!((glances[0].is_none(), glances[1].is_some()), (true, true));
    kept.forget("a").await.unwrap();
    kept.forget("a").await.unwrap();
    assert_eq!(kept.show("a").await.unwrap(), Snapshot::default());
}

#[tokio::test]
async fn a_huge_socket_table_keeps_its_listeners_and_counts_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let kept = snapshots(&dir).await;
    let socket = |state| Socket { protocol: Protocol::Tcp, state, ..Socket::default() };
    let mut sockets = vec![socket(SocketState::Estab); 7_000];
    sockets.push(socket(SocketState::Listen));
    kept.keep_sockets("a", 1, SocketTable { sockets, left_out: 5, ..SocketTable::default() }).await.unwrap();
    let table = kept.show("a").await.unwrap().sockets.unwrap().value;
    assert_eq!((table.sockets.len(), table.left_out), (5_000, 5 + 2_001));
    assert_eq!(table.sockets.iter().filter(|socket| socket.is_listening()).count(), 1);
}

#[tokio::test]
async fn of_many_processes_the_largest_are_kept_and_the_rest_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let kept = snapshots(&dir).await;
    let processes = (1..=1_000)
        .map(|pid| Process {
            pid,
            rss_bytes: u64::from(pid),
            cpu_pct: Some(f64::from(1_001 - pid)),
            ..Process::default()
        })
        .collect();
    let table = ProcessTable { processes, left_out: 3, ..ProcessTable::default() };
    kept.keep_processes("a", 1, table).await.unwrap();
    let table = kept.show("a").await.unwrap().processes.unwrap().value;
    let pids: Vec<u32> = table.processes.iter().map(|process| process.pid).collect();
    assert_eq!(pids, (1..=100).chain(901..=1_000).collect::<Vec<_>>());
    assert_eq!(table.left_out, 3 + 800);
}

#[tokio::test]
async fn a_damaged_file_counts_as_none_and_the_next_sample_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let kept = snapshots(&dir).await;
    kept.keep_metrics("a", 6, Metrics::default()).await.unwrap();
    let path = dir.path().join("snapshots/a/metrics.json");
    for text in ["", "{", "{\"format\":1}", "{\"format\":250,\"received_ms\":1,\"value\":{}}"] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(kept.show("a").await.unwrap().metrics, None, "{text}");
    }
    kept.keep_metrics("a", 8, Metrics::default()).await.unwrap();
    assert_eq!(kept.show("a").await.unwrap().metrics.unwrap().received_ms, 8);
}

#[tokio::test]
async fn keepers_at_the_same_time_leave_one_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let kept = snapshots(&dir).await;
    let keepers = (0..20).map(|at| {
        let kept = kept.clone();
        async move { kept.keep_metrics("a", at, Metrics::default()).await }
    });
    for done in futures::future::join_all(keepers).await {
        done.unwrap();
    }
    assert!(kept.show("a").await.unwrap().metrics.is_some());
    let files: Vec<_> = std::fs::read_dir(dir.path().join("snapshots/a")).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test]
async fn an_id_cannot_lead_out_of_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let kept = snapshots(&dir).await;
    for id in ["", "..", "a/b", "../x", "a\0"] {
        assert!(kept.forget(id).await.is_err(), "{id:?}");
        assert!(kept.keep_metrics(id, 1, Metrics::default()).await.is_err(), "{id:?}");
    }
}
