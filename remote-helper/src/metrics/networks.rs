//! Traffic of network interfaces from `/proc/net/dev` (proc_pid_net(5)).

use std::time::Duration;

use protocol::metrics::NetworkRates;

use super::rate;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    interface: String,
    in_bytes: u64,
    in_packets: u64,
    in_errors: u64,
    in_drops: u64,
    out_bytes: u64,
    out_packets: u64,
    out_errors: u64,
    out_drops: u64,
}

/// Parses the table, without loopback.
pub(super) fn parse_net_dev(text: &str) -> Vec<Counters> {
    text.lines().filter_map(parse_line).filter(|counters| counters.interface != "lo").collect()
}

fn parse_line(line: &str) -> Option<Counters> {
    // An alias such as `eth0:1` has a colon itself; the numbers begin after the last.
    let (name, rest) = line.rsplit_once(':')?;
    let numbers: Vec<u64> = rest.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
    let &[
        in_bytes,
        in_packets,
        in_errors,
        in_drops,
        _,
        _,
        _,
        _,
        out_bytes,
        out_packets,
        out_errors,
        out_drops,
        ..,
    ] = numbers.as_slice()
    else {
        return None;
    };
    let interface = name.trim().to_owned();
    Some(Counters {
        interface,
        in_bytes,
        in_packets,
        in_errors,
        in_drops,
        out_bytes,
        out_packets,
        out_errors,
        out_drops,
    })
}

/// Rates of the interfaces that were there both times and whose counters only grew.
pub(super) fn rates(last: &[Counters], now: &[Counters], over: Duration) -> Vec<NetworkRates> {
    now.iter()
        .filter_map(|now| {
            let last = last.iter().find(|last| last.interface == now.interface)?;
            let rate = |last: u64, now: u64| rate(last, now, over);
            Some(NetworkRates {
                interface: now.interface.clone(),
                in_bytes_per_s: rate(last.in_bytes, now.in_bytes)?,
                out_bytes_per_s: rate(last.out_bytes, now.out_bytes)?,
                in_packets_per_s: rate(last.in_packets, now.in_packets)?,
                out_packets_per_s: rate(last.out_packets, now.out_packets)?,
                errors_per_s: rate(last.in_errors, now.in_errors)? + rate(last.out_errors, now.out_errors)?,
                drops_per_s: rate(last.in_drops, now.in_drops)? + rate(last.out_drops, now.out_drops)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEV: &str = "Inter-|   Receive                                                |  Transmit\n\
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0\n\
  eth0:1000 10 1 2 0 0 0 0 3000 30 3 4 0 0 0 0\n";

    #[test]
    fn a_number_that_touches_the_colon_is_read_and_loopback_is_left_out() {
        let rows = parse_net_dev(DEV);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].interface.as_str(), rows[0].in_bytes, rows[0].out_drops), ("eth0", 1000, 4));
    }

    #[test]
    fn rates_are_per_second_and_a_reset_gives_none() {
        let last = parse_net_dev(DEV);
        let now = parse_net_dev(&DEV.replace("1000 10 1 2", "3000 14 3 2"));
        let one = &rates(&last, &now, Duration::from_secs(2))[0];
        assert_eq!((one.in_bytes_per_s, one.in_packets_per_s, one.errors_per_s), (1000.0, 2.0, 1.0));
        assert!(rates(&now, &last, Duration::from_secs(2)).is_empty());
    }
}
