//! Looking at a host: system, metrics, sockets, services.

super::pass! {
    snapshot_show: SnapshotShow;
    metrics_recent: MetricsRecent;
    system_read: SystemRead;
    metrics_read: MetricsRead;
    sockets_query: SocketsQuery;
    services_query: ServicesQuery;
    sockets_watch: SocketsWatch;
    services_watch: ServicesWatch;
}
