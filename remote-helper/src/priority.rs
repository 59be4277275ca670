//! priority: the helper gives way to everything else on the host, and what it starts does not.
//!
//! Niceness and the priority of I/O belong to a thread; new threads and children inherit them, and
//! an ordinary user who gave some of it away does not get it back. So one thread stays as the helper
//! was started, and begins the threads that run what a person asked for. Which process the kernel
//! ends first when memory is out belongs to the whole process: that is put back in each child.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use rustix::fs::{Mode, OFlags, open};

/// Added to the niceness: other work goes first, and the helper still answers on a busy host.
const NICER: i32 = 10;
/// The helper is the first to go when memory is out (`oom_score_adj` of proc(5)).
const FIRST_TO_GO: &[u8] = b"1000";
const OOM_SCORE_ADJ: &std::ffi::CStr = c"/proc/self/oom_score_adj";
/// Deep enough for the JSON reader; 2 MB for each thread would be address space that some hosts limit.
pub(crate) const STACK_BYTES: usize = 512 << 10;

/// What the helper was started with.
struct Before {
    starter: SyncSender<Start>,
    /// `None` if it could not be read; then it was not changed either.
    oom_score_adj: Option<Vec<u8>>,
}

struct Start {
    name: &'static str,
    body: Box<dyn FnOnce() + Send>,
    begun: SyncSender<io::Result<()>>,
}

static BEFORE: OnceLock<Before> = OnceLock::new();

/// Makes this thread, and all that it starts from now on, give way. What a host does not allow is
/// left as it is: the helper works either way.
pub(crate) fn give_way() {
    let (starter, starts) = sync_channel::<Start>(0);
    let starting = thread::Builder::new().name("starter".into()).stack_size(64 << 10).spawn(move || {
        for Start { name, body, begun } in starts {
            // Whoever asked waits for this word.
            let _ = begun.send(start(name, body));
        }
    });
    if starting.is_err() {
        return;
    }
    let oom_score_adj = std::fs::read("/proc/self/oom_score_adj").ok();
    if oom_score_adj.is_some() {
        let _ = write_oom_score_adj(FIRST_TO_GO);
    }
    let _ = rustix::process::nice(NICER);
    set_io_priority_low();
    // A second call would only make it nicer still.
    let _ = BEFORE.set(Before { starter, oom_score_adj });
}

/// Starts a thread that gives way no more than the helper itself was told to by whoever started it.
pub(crate) fn start_as_before(name: &'static str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let Some(before) = BEFORE.get() else { return start(name, Box::new(body)) };
    let (begun, answer) = sync_channel(1);
    let gone = || io::Error::other("the thread that starts others has ended");
    before.starter.send(Start { name, body: Box::new(body), begun }).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

/// Lets a child be no sooner ended than what started the helper would be, when memory is out.
pub(crate) fn as_before(command: &mut Command) -> &mut Command {
    let Some(score) = BEFORE.get().and_then(|before| before.oom_score_adj.as_ref()) else { return command };
    #[expect(unsafe_code, reason = "between fork and exec it only opens, writes and closes, without memory")]
    // SAFETY: the closure makes system calls alone, all of them safe after fork(2) in a process with
    // threads; the bytes it writes were made before.
    unsafe {
        command.pre_exec(|| {
            // A child that cannot have it back is still what was asked for.
            let _ = write_oom_score_adj(score);
            Ok(())
        })
    }
}

fn start(name: &str, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(body).map(drop)
}

fn write_oom_score_adj(score: &[u8]) -> io::Result<()> {
    let file = open(OOM_SCORE_ADJ, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, score)?;
    Ok(())
}

/// The lowest of the class that every process has: the idle class may wait for ever on a busy disk.
fn set_io_priority_low() {
    const WHO_PROCESS: libc::c_int = 1;
    const BEST_EFFORT_LOWEST: libc::c_int = (2 << 13) | 7;
    #[expect(unsafe_code, reason = "no crate in use wraps ioprio_set(2)")]
    // SAFETY: three integers go in, no memory is shared; 0 is the calling thread.
    let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, BEST_EFFORT_LOWEST) };
}
