//! What the parsers of the host's own files must hold whatever they say.

use super::{cpu, cron, logins, os_release, zone};
use crate::fuzz::Target;

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
