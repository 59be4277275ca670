//! processes: the table, who used the most, and signals.

super::pass! {
    processes_query: ProcessesQuery;
    processes_watch: ProcessesWatch;
    blame_show: BlameShow;
}

super::act! {
    signal_send: SignalSend;
}
