//! scripts: the only shell text that is run on a host, all of it fixed.
//!
//! What varies is given as quoted words after the script. The login shell may be of any kind (csh,
//! fish) and may print anything before and after: it is only asked to replace itself by `/bin/sh`,
//! the scripts hold nothing that such a shell would act on inside single quotes (no quote, no line
//! feed, no exclamation mark), and every line that counts starts with a mark chosen at random.

use protocol::runs::quote_words_for_any_shell;

/// The setting of a script that runs as the user who signed in.
const SETTING: &str = "\
    LC_ALL=C; export LC_ALL; umask 077; PATH=$PATH:/usr/bin:/bin:/usr/sbin:/sbin; ";

/// Words common to all scripts. `sum` reads stdin and leaves its sha256 in `h`, `none` if the host
/// has no tool for it.
const WORDS: &str = "\
    m=$1; say() { printf \"%s %s\\n\" \"$m\" \"$*\"; }; \
    sum() { if command -v sha256sum >/dev/null 2>&1; then h=$(sha256sum); \
    elif command -v openssl >/dev/null 2>&1; then h=$(openssl dgst -sha256 -r); else h=none; fi; \
    h=${h%% *}; }; \
    echo; ";

/// `safe FOLDER` is true if nobody but this user and root can change what lies in it or lead its path
/// elsewhere: no part of the path that is there is a link, belongs to somebody else, or may be
/// written to by others. A sticky folder may: what is in it is its owner's alone. So may the group
/// that has the user's own name and, by that custom, nobody else in it, unless an access list
/// names more. Else `x` tells what is wrong.
const SAFE: &str = "\
    safe() { q=$1; x=; i=$(id -u); set -f; \
    while [ -z \"$x\" ]; do set -- $(ls -ldn \"$q\" 2>/dev/null); \
    case ${1:-} in \"\") ;; l*) x=\"link $q\";; \
    d*) case $3 in 0|$i) ;; *) x=\"owner $q\";; esac; \
    case $1 in ?????????[tT]*) ;; ????????w*|?????w????+*) x=\"open $q\";; \
    ?????w*) if [ \"$(id -gn)\" = \"$(id -un)\" ] && [ \"$4\" = \"$(id -g)\" ]; then :; \
    else x=\"open $q\"; fi;; esac;; \
    *) x=\"file $q\";; esac; \
    if [ \"$q\" = / ]; then break; fi; q=${q%/*}; q=${q:-/}; done; set +f; [ -z \"$x\" ]; }; ";

/// Starts what descriptor 3 shows, or the path `f` where there is no /proc. Some shells would close
/// the descriptor if it were not named once more.
const GO: &str = "\
    go() { if [ -x /proc/self/fd/3 ]; then exec /proc/self/fd/3 \"$@\" 3<&3; fi; exec \"$f\" \"$@\"; }; ";

/// Arguments: mark, folder or empty, version, sha256 for x86_64, sha256 for aarch64, and for `RESUME` the
/// question that the helper answers first, or empty.
///
/// Says `os`, `arch` and `dir`, or `unsafe WHAT PATH`; leaves the path in `f` and its sha256 in `s`,
/// empty if there is no helper for this host. In a given folder that others may write to, a folder of
/// this user's own is taken.
const FIND: &str = "\
    d=$2; say os \"$(uname -s)\"; a=$(uname -m); say arch \"$a\"; \
    case $a in x86_64|amd64) s=$4;; aarch64|arm64) s=$5;; *) s=;; esac; \
    if [ -z \"$d\" ]; then if [ -d \"$HOME\" ]; then d=$(cd \"$HOME\" && pwd -P); \
    d=${d%/}/.cache/muster; else say nohome \"$HOME\"; exit 0; fi; \
    elif [ -d \"$d\" ]; then case $(ls -ldn \"$d/.\") in \
    ?????w*|????????w*) d=${d%/}/muster-$(id -u);; esac; fi; \
    say dir \"$d\"; f=${d%/}/muster-helper-$3-$(printf %.12s \"$s\"); \
    safe \"$d\" || say unsafe $x; \
    right() { if [ -n \"$x\" ] || [ -z \"$s\" ] || [ -L \"$f\" ]; then return 1; fi; \
    [ -f \"$f\" ] && [ -O \"$f\" ] && [ -x \"$f\" ]; }; ";

/// After `FIND`: says `have SIZE SHA256` if the file is there.
const PROBE: &str = "\
    if right; then sum <\"$f\"; say have $(wc -c <\"$f\") $h; fi; \
    say end";

/// After `FIND`: starts the file if it is there and right, else says `absent`.
const RESUME: &str = "\
    o=$6; right || { say absent; exit 0; }; \
    exec 3<\"$f\"; sum <&3; \
    [ \"$h\" = \"$s\" ] || { say absent; exit 0; }; \
    say have \"$f\"; ";

/// Arguments: mark, folder, name of the file, sha256, size, mark of the temporary file, `own` if the
/// folder is one that only Muster uses. The bytes are on stdin.
///
/// Says `no REASON DETAIL` and leaves nothing behind, or `placed`. The file appears under its name
/// whole or not at all; it is not synced, for its sha256 is asked again before each start. The path is
/// looked at again once the folder is there: from then on nobody else can change it.
const UPLOAD: &str = "\
    d=$2; t=$d/.$3.$6; n=$d/$3; s=$4; z=$5; w=$7; \
    no() { rm -f \"$t\"; say no \"$@\"; exit 0; }; \
    safe \"$d\" || { say no $x; exit 0; }; \
    e=$(mkdir -p \"$d\" 2>&1) || no folder \"$e\"; \
    safe \"$d\" || { say no $x; exit 0; }; \
    if [ \"$w\" = own ]; then [ -O \"$d\" ] || { say no owner \"$d\"; exit 0; }; \
    e=$(chmod 700 \"$d\" 2>&1) || no folder \"$e\"; fi; \
    e=$( { set -C; cat >\"$t\"; } 2>&1) || no write \"$e\"; \
    [ \"$(wc -c <\"$t\")\" -eq \"$z\" ] || no size \"$(wc -c <\"$t\")\"; \
    e=$(chmod 700 \"$t\" 2>&1) || no write \"$e\"; exec 3<\"$t\"; \
    sum <&3; [ \"$h\" = \"$s\" ] || [ \"$h\" = none ] || no sum \"$h\"; \
    f=$t; e=$(go --version 2>&1 </dev/null); r=$?; exec 3<&-; \
    if [ $r -eq 126 ]; then if [ -x \"$t\" ]; then no blocked \"$e\"; else no noexec \"$e\"; fi; fi; \
    [ $r -eq 0 ] || no run \"$r $e\"; \
    e=$(mv -f \"$t\" \"$n\" 2>&1) || no write \"$e\"; \
    for o in \"$d\"/muster-helper-*; do [ \"$o\" = \"$n\" ] || rm -f \"$o\"; done; \
    for o in \"$d\"/.muster-helper-*; do \
    [ -n \"$(find \"$o\" -mmin +60 2>/dev/null)\" ] && rm -f \"$o\"; done; \
    say placed";

/// Arguments: mark, type of the key, key in base64, comment.
///
/// Adds the key to those of the user who signed in unless it is there, and says `added` or `there`, or
/// `no REASON PATH` before anything was changed. A last line without its line feed gets one first, or two
/// keys would become none. What others could write to is closed, or sshd takes no key from it.
const AUTHORIZE: &str = "\
    k=\"$2 $3\"; d=$HOME/.ssh; f=$d/authorized_keys; \
    no() { say no \"$@\"; exit 0; }; \
    [ -d \"$HOME\" ] || no home \"$HOME\"; \
    if [ -e \"$d\" ]; then [ -d \"$d\" ] && [ -O \"$d\" ] || no owner \"$d\"; \
    else e=$(mkdir -m 700 \"$d\" 2>&1) || no write \"$e\"; fi; \
    if [ -e \"$f\" ]; then [ -f \"$f\" ] && [ -O \"$f\" ] || no owner \"$f\"; fi; \
    if [ -f \"$f\" ] && grep -qF \"$k\" \"$f\"; then say there; else \
    if [ -s \"$f\" ] && [ -n \"$(tail -c 1 \"$f\")\" ]; then e=$( { echo >>\"$f\"; } 2>&1) || no write \"$e\"; fi; \
    e=$( { printf \"%s %s\\n\" \"$k\" \"$4\" >>\"$f\"; } 2>&1) || no write \"$e\"; \
    grep -qF \"$k\" \"$f\" || no write \"$f\"; say added; fi; \
    for p in \"$d\" \"$f\"; do case $(ls -ld \"$p\") in \
    ?????w*|????????w*) chmod go-w \"$p\" && say closed \"$p\";; esac; done; \
    if command -v restorecon >/dev/null 2>&1; then restorecon -F \"$d\" \"$f\" >/dev/null 2>&1; fi; \
    case $(ls -ld \"$HOME\") in ?????w*|????????w*) say open \"$HOME\";; esac; \
    say end";

/// Arguments: mark, path, sha256, the question that the helper answers first or empty.
///
/// Reads the hash from a descriptor and starts what that descriptor shows, so that a file swapped
/// in between is not run.
const START: &str = "\
    f=$2; s=$3; o=$4; \
    safe \"${f%/*}\" || { say unsafe $x; exit 65; }; \
    [ -r \"$f\" ] || { say gone; exit 65; }; \
    exec 3<\"$f\"; sum <&3; \
    [ \"$h\" = \"$s\" ] || [ \"$h\" = none ] || { say changed; exit 65; }; \
    [ -x \"$f\" ] || { say noexec; exit 65; }; ";

/// After `RESUME` or `START`.
const RUN: &str = "say starting; if [ -n \"$o\" ]; then go serve \"$o\"; fi; go";

/// Arguments: mark, folder or empty.
///
/// `each` calls a function for every folder, `d`, where a helper may lie; `mine` is true for a file,
/// `f`, that only this user's own uploads can be; `running` calls a function for each process, `p`,
/// whose program, `e`, lies in the folder. A link, and what another user owns, is never ours; nor is what a
/// container of this host runs, from a path that is the same there: it has other PIDs or another root.
const FOLDERS: &str = "\
    g=$2; c=$(cd \"$HOME\" 2>/dev/null && pwd -P); c=${c%/}/.cache/muster; \
    v=$(readlink /proc/self/ns/pid 2>/dev/null); \
    each() { if [ -n \"$g\" ]; then for d in \"$g\" \"${g%/}/muster-$(id -u)\"; do \
    if [ -d \"$d\" ]; then whose; \"$1\"; fi; done; fi; \
    d=$c; if [ \"$d\" = \"$g\" ]; then return 0; fi; if [ -d \"$d\" ]; then whose; \"$1\"; fi; }; \
    whose() { w=ours; [ -O \"$d\" ] || w=foreign; if [ -L \"$d\" ]; then w=link; fi; \
    r=$(cd \"$d\" 2>/dev/null && pwd -P); }; \
    mine() { if [ -L \"$f\" ]; then return 1; fi; [ -f \"$f\" ] && [ -O \"$f\" ]; }; \
    running() { if [ -z \"$r\" ]; then return 0; fi; \
    for p in /proc/[0-9]*; do { read -r n <\"$p/comm\"; } 2>/dev/null || continue; \
    case $n in 3|muster-helper*) ;; *) continue;; esac; \
    e=$(readlink \"$p/exe\" 2>/dev/null) || continue; \
    [ \"$(readlink \"$p/ns/pid\" 2>/dev/null)\" = \"$v\" ] && [ \"$p/root\" -ef / ] || continue; p=${p#/proc/}; \
    case $e in \"$r\"/muster-helper-*|\"$r\"/.muster-helper-*) \"$1\";; esac; done; }; ";

/// After `FOLDERS`: says `file BYTES SECONDS SHA256 PATH`, `folder WHOSE OTHERS PATH` and `process PID
/// PATH`, then `end`.
const STATUS: &str = "\
    process() { say process \"$p\" \"$e\"; }; \
    show() { k=0; for f in \"$d\"/muster-helper-* \"$d\"/.muster-helper-*; do mine || continue; \
    k=$((k + 1)); h=none; [ -r \"$f\" ] && sum <\"$f\"; t=$(stat -c %Y \"$f\" 2>/dev/null) || t=-; \
    say file $(wc -c <\"$f\") \"$t\" \"$h\" \"$f\"; done; \
    say folder $w $(($(ls -A \"$d\" 2>/dev/null | wc -l) - k)) \"$d\"; running process; }; \
    each show; say end";

/// After `FOLDERS`: says `foreign WHOSE PATH` and touches nothing, or ends the processes and removes
/// the files, then the folder if it is this user's alone and empty. Says `ended PID`, `removed BYTES
/// PATH`, `gone PATH`, `kept PATH`, `stays WHAT`, then `end`.
const REMOVE: &str = "\
    judge() { if [ $w = ours ]; then return 0; fi; \
    for f in \"$d\"/muster-helper-* \"$d\"/.muster-helper-*; do \
    if mine; then say foreign $w \"$d\"; exit 0; fi; done; }; \
    list() { i=\"$i $p\"; }; \
    own() { case $(ls -ldn \"$1/.\" 2>/dev/null) in drwx------*) [ -O \"$1\" ];; *) false;; esac; }; \
    clear() { if [ $w = ours ]; then :; else return 0; fi; \
    i=; running list; a=$i; for x in $i; do kill -TERM $x 2>/dev/null; done; t=0; \
    while [ -n \"$i\" ] && [ $t -lt 40 ]; do sleep 0.1 2>/dev/null || sleep 1; t=$((t + 1)); \
    i=; running list; if [ $t -eq 20 ]; then for x in $i; do kill -KILL $x 2>/dev/null; done; fi; done; \
    for x in $a; do say ended $x; done; for x in $i; do say stays process $x; done; \
    for f in \"$d\"/muster-helper-* \"$d\"/.muster-helper-*; do mine || continue; \
    z=$(wc -c <\"$f\" 2>/dev/null); e=$(rm -f \"$f\" 2>&1); \
    if [ -e \"$f\" ]; then say stays \"$f: $e\"; else say removed ${z:-0} \"$f\"; fi; done; \
    if own \"$d\" && rmdir \"$d\" 2>/dev/null; then say gone \"$d\"; else say kept \"$d\"; fi; \
    if [ \"$d\" = \"$c\" ] && own \"${c%/*}\"; then rmdir \"${c%/*}\" 2>/dev/null; fi; }; \
    each judge; each clear; say end";

/// Arguments: mark, size, sha256, the line after which the bytes come, a word for the folder. It runs
/// as root, as sudo(8) started it; `w` is the PATH that sudo gave.
///
/// Says `ready` and drops every line until the one that it waits for, so that nothing that was meant
/// for sudo is ever taken for a part of the program. Then the bytes go into a folder that it makes
/// for itself where only root can, are hashed and started from one descriptor, and are gone from the
/// disk before they run. Says `noplace`, `nosize`, `nosum` or `noproc`, and leaves nothing.
const ROOT: &str = "\
    say ready; l=; while read -r l; do if [ \"$l\" = \"$4\" ]; then break; fi; done; \
    if [ \"$l\" = \"$4\" ]; then :; else exit 66; fi; \
    f=; gone() { if [ -n \"$f\" ]; then rm -f \"$f\"; rmdir \"${f%/*}\"; fi; f=; }; \
    trap gone EXIT; trap \"exit 66\" HUP INT TERM PIPE; \
    for c in /run /var/lib /root; do \
    [ -d \"$c\" ] && safe \"$c\" && mkdir -m 700 \"$c/$5\" 2>/dev/null || continue; \
    f=$c/$5/muster-helper; : >\"$f\"; chmod 700 \"$f\"; \
    if (\"$f\") 2>/dev/null; then break; fi; gone; done; \
    [ -n \"$f\" ] || { say noplace; exit 66; }; \
    head -c \"$2\" >\"$f\"; n=$(wc -c <\"$f\"); \
    [ \"$n\" -eq \"$2\" ] || { gone; say nosize $n; exit 66; }; \
    exec 3<\"$f\"; sum <&3; [ \"$h\" = \"$3\" ] || [ \"$h\" = none ] || { gone; say nosum $h; exit 66; }; \
    gone; trap - EXIT HUP INT TERM PIPE; [ -x /proc/self/fd/3 ] || { say noproc; exit 66; }; \
    say starting; \
    exec /usr/bin/env -i PATH=\"$w\" HOME=/root USER=root LOGNAME=root SHELL=/bin/sh \
    SUDO_USER=\"$SUDO_USER\" SUDO_UID=\"$SUDO_UID\" SUDO_GID=\"$SUDO_GID\" /proc/self/fd/3 3<&3";

/// The setting of a script that runs as root: nothing of the user's is looked at.
const ROOT_SETTING: &str = "\
    w=$PATH; PATH=/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export PATH LC_ALL; umask 077; cd /; ";

/// What sudo(8) is started with. It is named by its path and finds nothing in its environment, so that
/// neither a folder of the user's in PATH nor a function or an alias that the login shell knows by
/// the name of sudo comes before it. The shell replaces itself, since bash calls a function even by a
/// name such as `/usr/bin/env`, but not behind `exec`.
const SUDO_SETTING: &str = "exec /usr/bin/env -i LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin";

/// `sudo` is the path of sudo(8); `options` and `prompt` are words that need no quotes.
///
/// The prompt goes by sudo's environment and not by `-p`: with `-p` sudo puts it in the place of
/// every question, so that a password would be given to whoever asks for a code or a PIN.
pub(super) fn as_root(sudo: &str, options: &str, prompt: Option<&str>, arguments: &[&str]) -> String {
    let prompt = prompt.map(|prompt| format!(" SUDO_PROMPT={prompt}")).unwrap_or_default();
    format!(
        "{SUDO_SETTING}{prompt} {sudo} {options} -- /bin/sh -c '{}' muster {}",
        [ROOT_SETTING, WORDS, SAFE, ROOT].concat(),
        words(arguments)
    )
}

/// Arguments: mark, words of what is read, properties of units; for the journal also its fields, the
/// number of its lines and what journalctl is asked.
///
/// Says `begin`, prints the files and what tools say, each line behind the path it belongs to and a
/// colon, and says `end`. No line can be taken for one of another file, whatever a process of the
/// host put into its name. Nothing is written, and nothing is run but tools of the system that read.
const PULL: &str = "\
    TZ=UTC; export TZ; cd /; say begin; \
    u() { grep -asH \"\" \"$@\" </dev/null; }; t() { sed \"s|^|tools/$1:|\"; }; \
    u /proc/uptime /proc/stat; \
    for w in $2; do case $w in \
    base) id -u | t uid; id -un | t user; uname -m | t arch; uname -s | t os; \
    { getconf CLK_TCK; getconf PAGESIZE; } 2>/dev/null | t getconf; \
    u /proc/sys/kernel/hostname /proc/sys/kernel/osrelease /proc/sys/kernel/random/boot_id \
    /etc/machine-id /etc/os-release /usr/lib/os-release /etc/passwd;; \
    system) u /proc/cpuinfo /proc/meminfo /proc/1/comm /proc/1/cgroup /proc/self/mountinfo \
    /etc/timezone /etc/crontab /etc/cron.d/*;; \
    metrics) u /proc/meminfo /proc/loadavg /proc/diskstats /proc/self/net/dev /proc/self/mountinfo \
    /proc/pressure/*; df -lkP 2>/dev/null | t df; df -liP 2>/dev/null | t df-inodes; \
    systemctl list-units --failed --no-legend --plain --no-pager 2>/dev/null | t failed;; \
    tasks) u /proc/[0-9]*/stat;; \
    processes) u /proc/[0-9]*/status; u /proc/[0-9]*/cmdline; u /proc/[0-9]*/cgroup; \
    u /proc/cpuinfo;; \
    sockets) u /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; u /proc/[0-9]*/stat; \
    u /proc/[0-9]*/cgroup; \
    find /proc/[0-9]*/fd -maxdepth 1 -lname \"socket:*\" -printf \"%p:%l\\n\" 2>/dev/null;; \
    unix) u /proc/net/unix;; \
    journal) if command -v journalctl >/dev/null 2>&1 && { [ -S /run/systemd/journal/socket ] || \
    [ -d /run/log/journal ] || [ -d /var/log/journal ]; }; then f=--output-fields=$4; n=$5; shift 5; \
    j() { exec 3>&1; e=$({ { journalctl --no-pager --output=json --all $f \"$@\" </dev/null; \
    echo $? >&2; } | head -n \"$n\" | head -c 12000000 | t journal >&3; } 2>&1); \
    echo; echo \"tools/journal:\"; }; j \"$@\"; \
    case $e in *output-fields*) f=; j \"$@\";; esac; \
    printf \"%s\\n\" \"$e\" | t journal-end; fi;; \
    services) if [ -d /run/systemd/system ]; then systemctl list-units --all --plain --no-legend --no-pager --full \
    --type=service,socket,timer,mount 2>/dev/null | t list-units; \
    systemctl list-unit-files --no-legend --no-pager --full --type=service,socket,timer,mount \
    2>/dev/null | t list-unit-files; \
    systemctl show --no-pager -p \"$3\" \"*.service\" \"*.socket\" \"*.timer\" \"*.mount\" \
    2>/dev/null | t show; else \
    u /proc/1/comm /run/openrc/softlevel /etc/init.d/* /run/*.pid /run/*/*.pid /var/run/*.pid \
    /run/openrc/daemons/*/* /run/openrc/options/*/child_pid; u /proc/[0-9]*/stat; \
    for f in /etc/rc?.d/S* /etc/rc.d/rc?.d/S* /etc/runlevels/*/* /run/openrc/started/* \
    /run/openrc/starting/* /run/openrc/stopping/* /run/openrc/inactive/* /run/openrc/wasinactive/* \
    /run/openrc/failed/* /run/openrc/scheduled/*; do \
    if [ -e \"$f\" ]; then printf \"%s:\\n\" \"$f\"; fi; done; fi; \
    for f in /run/supervisor.sock /run/supervisor/supervisor.sock /run/supervisord.sock \
    /run/supervisor/supervisord.sock; do if [ -S \"$f\" ]; then \
    supervisorctl status 2>&1 </dev/null | t supervisor; break; fi; done;; \
    esac; done; say end";

pub(super) fn pull(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, PULL], arguments)
}

pub(super) fn authorize(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, AUTHORIZE], arguments)
}

pub(super) fn status(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, FOLDERS, STATUS], arguments)
}

pub(super) fn remove(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, FOLDERS, REMOVE], arguments)
}

pub(super) fn probe(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, SAFE, FIND, PROBE], arguments)
}

pub(super) fn resume(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, SAFE, GO, FIND, RESUME, RUN], arguments)
}

pub(super) fn upload(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, SAFE, GO, UPLOAD], arguments)
}

pub(super) fn start(arguments: &[&str]) -> String {
    command(&[SETTING, WORDS, SAFE, GO, START, RUN], arguments)
}

pub(super) fn command(parts: &[&str], arguments: &[&str]) -> String {
    format!("exec /bin/sh -c '{}' muster {}", parts.concat(), words(arguments))
}

/// The arguments of a script. None has a line feed: they are of one line of a host or a file, or are checked.
fn words(arguments: &[&str]) -> String {
    debug_assert!(arguments.iter().all(|argument| !argument.contains('\n')), "no csh takes a line feed");
    quote_words_for_any_shell(arguments)
}

/// A mark that no output of a host holds by chance.
pub(super) fn mark() -> String {
    format!("muster-{}", uuid::Uuid::now_v7().simple())
}

/// What a script said: the lines with its mark, without it.
pub(super) fn parse_said<'a>(output: &'a str, mark: &str) -> Vec<(&'a str, &'a str)> {
    output
        .lines()
        .filter_map(|line| line.split_once(mark))
        .map(|(_, said)| said.trim())
        .map(|said| said.split_once(' ').unwrap_or((said, "")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_login_shell_finds_anything_to_act_on_inside_the_quotes() {
        for script in [
            SETTING,
            WORDS,
            ROOT_SETTING,
            ROOT,
            PULL,
            SAFE,
            GO,
            FIND,
            PROBE,
            RESUME,
            UPLOAD,
            START,
            RUN,
            FOLDERS,
            STATUS,
            REMOVE,
        ] {
            assert!(!script.contains(['\'', '\n', '!']), "{script}");
            assert_eq!(
                script.matches('\\').count(),
                script.matches("\\n\"").count(),
                "fish reads other backslashes: {script}"
            );
        }
    }

    #[test]
    fn what_a_login_shell_prints_around_the_lines_is_left_out() {
        let output = "Welcome!\nquota: 5%\nX-1 dir /a b/c\nno mark\nnoise X-1 end\r\nbye";
        assert_eq!(parse_said(output, "X-1"), [("dir", "/a b/c"), ("end", "")]);
    }
}
