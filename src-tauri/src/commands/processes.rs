//! processes: the table, who used the most, and signals.

super::pass! {
    processes_query: ProcessesQuery;
    blame_show: BlameShow;
    signal_send: SignalSend;
}
