//! What the parsers of the host's own files must hold whatever they say.

use super::{cpu, cron, interfaces, logins, os_release, timers, zone};
use crate::fuzz::Target;

/// struct ifinfomsg of `eth0`, and struct ifaddrmsg of 10.0.0.2/24 there.
const LINK: &[u8] = b"\x00\x00\x01\x00\x02\x00\x00\x00\x43\x10\x01\x00\x00\x00\x00\x00\x09\x00\x03\x00eth0\x00\x00\x00\x00\x08\x00\x0d\x00\xe8\x03\x00\x00";
const ADDRESS: &[u8] = b"\x02\x18\x80\x00\x02\x00\x00\x00\x08\x00\x01\x00\x0a\x00\x00\x02\x08\x00\x02\x00\x0a\x00\x00\x02\x09\x00\x03\x00eth0\x00\x00\x00\x00";

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "os_release",
        seeds: &[b"NAME=\"x\"\nPRETTY_NAME=\"Debian \\\"GNU\\\" 12\"\nID=debian\nVERSION_ID='12'\n", b"/usr/share/zoneinfo/Asia/Shanghai", b"+0800"],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let os = os_release::parse_os_release(&text);
            assert!(os.id.is_none_or(|id| !id.is_empty() && !id.contains('\n')));
            let _ = (zone::parse_link(&text), cpu::parse_model(&text));
            assert!(zone::parse_offset(&text).is_none_or(|offset_s| offset_s.abs() < 100 * 3_600));
        },
    },
    Target {
        name: "crontab",
        seeds: &[
            b"SHELL=/bin/sh\nCRON_TZ = \"Asia/Tokyo\"\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n@reboot www-data /usr/bin/warm \"a = b\"\n*/5 * * * * -root x\n",
            b"7\t25\tcron.weekly\t\tnice run-parts /etc/cron.weekly\n@monthly 45 m x\n",
        ],
        run: |bytes| cron::check(&String::from_utf8_lossy(bytes)),
    },
    Target {
        name: "rtnetlink",
        seeds: &[LINK, ADDRESS],
        run: interfaces::check,
    },
    Target {
        name: "machine",
        seeds: &[
            b"processor\t: 0\nmodel name\t: Intel(R)  Xeon(R) CPU\n",
            b"CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n",
            b"0-3,5,8-4294967295",
            b"{ OnCalendar=*-*-* 06:00:00 ; next_elapse=Thu 1970-01-01 01:00:00 UTC }",
            b"cpu  1 2 3\ncpu0 1\nintr 1\nbtime 1700000000\n",
        ],
        run: |bytes| {
            let text = String::from_utf8_lossy(bytes);
            cpu::check(&text);
            timers::check(&text);
            let _ = super::parse_btime(&text);
        },
    },
    Target {
        name: "logins",
        seeds: &[
            b"Name=root\nTimestampMonotonic=5000000\nTTY=pts/1\nRemoteHost=10.0.0.9\nClass=user\n\nName=gdm\nClass=greeter\n",
            &[7; 384],
            &[7; 400],
        ],
        run: |bytes| {
            for wide in [false, true] {
                assert!(logins::parse_utmp(bytes, wide).iter().all(|(_, login)| !login.user.is_empty()));
            }
            let _ = logins::parse_sessions(&String::from_utf8_lossy(bytes), 100_000, 8_000_000);
        },
    },
];
