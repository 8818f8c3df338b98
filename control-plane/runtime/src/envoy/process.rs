//! The process itself: a child of ours, or one that an earlier control plane left.

use std::fs;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, test_kill_process};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long an Envoy may take to stop before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often is looked at a process that cannot be waited for.
const POLL: Duration = Duration::from_millis(50);

/// A running Envoy.
pub(super) enum Process {
    Child(Child),
    /// Started by an earlier control plane, and whether it has ended.
    Adopted(Pid, watch::Receiver<bool>),
}

// === impl Process ===

impl Process {
    /// One that an earlier control plane has started.
    pub(super) fn adopt(pid: Pid) -> Self {
        Self::Adopted(pid, watch_end(pid))
    }

    /// Its process id; `None` when it has ended.
    pub(super) fn pid(&self) -> Option<Pid> {
        match self {
            Self::Child(child) => child.id().and_then(pid_from),
            Self::Adopted(pid, ended) => (!*ended.borrow()).then_some(*pid),
        }
    }

    /// Waits until it has ended, and says how.
    pub(super) async fn ended(&mut self) -> String {
        match self {
            Self::Child(child) => match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            Self::Adopted(_, ended) => {
                let _ = ended.wait_for(|ended| *ended).await;
                "it was not started by this process, which cannot say more".to_owned()
            }
        }
    }

    /// Returns how it has ended, if it has.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<Option<String>> {
        Ok(match self {
            Self::Child(child) => child.try_wait()?.map(|status| status.to_string()),
            Self::Adopted(_, ended) => ended.borrow().then(|| "it has ended".to_owned()),
        })
    }

    /// Stops it: it is asked first, and killed when it takes too long.
    pub(super) async fn stop(&mut self) {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(STOP_TIMEOUT, self.ended()).await.is_err() {
            if let Some(pid) = self.pid() {
                let _ = kill_process(pid, Signal::KILL);
            }
            self.ended().await;
        }
    }

    /// Has it open its logs anew; says whether it could be asked. An Envoy that is
    /// still starting, or stops, has no handler for the signal and would end by it.
    pub(super) fn reopen_logs(&self) -> bool {
        match self.pid() {
            Some(pid) if catches(pid, Signal::USR1) => {
                let _ = kill_process(pid, Signal::USR1);
                true
            }
            Some(_) => false,
            // It writes no log any more.
            None => true,
        }
    }
}

/// Returns whether a process has a handler for a signal.
fn catches(pid: Pid, signal: Signal) -> bool {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    fs::read_to_string(path).is_ok_and(|status| has_handler(&status, signal.as_raw()))
}

/// Returns what `/proc/PID/status` says: `SigCgt` has a bit for each signal, the lowest one for 1.
fn has_handler(status: &str, signal: i32) -> bool {
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal)
        .ok()
        .and_then(|signal| 1_u64.checked_shl(signal.checked_sub(1)?));
    matches!((caught, bit), (Some(caught), Some(bit)) if caught & bit != 0)
}

/// Watches a process that is no child of ours, on a thread of its own: the wait for it
/// blocks, and nothing else may be held up by it at the end.
fn watch_end(pid: Pid) -> watch::Receiver<bool> {
    let (ended, watched) = watch::channel(false);
    std::thread::spawn(move || {
        wait_for_end(pid);
        let _ = ended.send(true);
    });
    watched
}

fn wait_for_end(pid: Pid) {
    let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else {
        // There is no such process any more, or this kernel has no such descriptors.
        while is_alive(pid) {
            std::thread::sleep(POLL);
        }
        return;
    };
    // It can be read when the process has ended.
    let mut end = [PollFd::new(&descriptor, PollFlags::IN)];
    while poll(&mut end, None) == Err(Errno::INTR) {}
}

/// One that has ended, and of which nobody has taken note, is not.
fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid).is_ok()
        && fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).is_ok_and(|stat| {
            // Behind the name, which may hold anything.
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| !rest.starts_with('Z'))
        })
}

/// Returns what a process was started with, its own name left out.
pub(super) fn arguments(pid: Pid) -> Vec<Vec<u8>> {
    let path = format!("/proc/{}/cmdline", pid.as_raw_nonzero());
    let line = fs::read(path).unwrap_or_default();
    let line = line.strip_suffix(&[0]).unwrap_or(&line);
    line.split(|byte| *byte == 0)
        .skip(1)
        .map(<[u8]>::to_vec)
        .collect()
}

/// Returns whether a process was started with these variables.
pub(super) fn has_environment(pid: Pid, wanted: &[(String, String)]) -> bool {
    let path = format!("/proc/{}/environ", pid.as_raw_nonzero());
    let environment = fs::read(path).unwrap_or_default();
    wanted.iter().all(|(name, value)| {
        let entry = format!("{name}={value}");
        environment
            .split(|byte| *byte == 0)
            .any(|have| have == entry.as_bytes())
    })
}

pub(super) fn pid_from(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    use super::*;

    #[tokio::test]
    async fn the_end_of_an_adopted_process_is_noticed_at_once() {
        let mut other = tokio::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        let pid = pid_from(other.id().unwrap()).unwrap();
        let mut adopted = Process::adopt(pid);
        assert!(
            timeout(Duration::from_millis(200), adopted.ended())
                .await
                .is_err()
        );
        assert_eq!(arguments(pid), [b"600".to_vec()]);
        other.start_kill().unwrap();
        let killed = Instant::now();
        // Also while nobody has taken note of its end: it is a zombie then.
        timeout(Duration::from_secs(5), adopted.ended())
            .await
            .unwrap();
        let noticed = killed.elapsed();
        assert!(noticed < Duration::from_secs(1), "{noticed:?}");
        other.wait().await.unwrap();
        assert!(adopted.has_ended().unwrap().is_some());
    }

    #[tokio::test]
    async fn a_process_without_a_handler_is_not_ended_by_the_signal_for_its_logs() {
        // As an Envoy that begins: at first it has none.
        let script = "read go; trap 'echo opened' USR1; echo ready; while :; do sleep 0.05; done";
        let mut other = tokio::process::Command::new("sh")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(other.stdout.take().unwrap()).lines();
        let mut input = other.stdin.take().unwrap();
        let mut process = Process::Child(other);
        assert!(!process.reopen_logs());
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(process.has_ended().unwrap(), None);
        input.write_all(b"go\n").await.unwrap();
        assert_eq!(said.next_line().await.unwrap().unwrap(), "ready");
        assert!(process.reopen_logs());
        assert_eq!(said.next_line().await.unwrap().unwrap(), "opened");
        process.stop().await;
        assert!(process.reopen_logs(), "one that has ended has no log");
    }

    #[test]
    fn which_signals_are_caught_is_read_from_the_mask() {
        let status =
            |mask: &str| format!("Name:\tSigCgt:\nSigIgn:\t0\nSigCgt:\t{mask}\nCapInh:\t0\n");
        assert!(has_handler(&status("0000000000000200"), 10));
        assert!(!has_handler(&status("fffffffffffffdff"), 10));
        assert!(has_handler(&status("8000000000000000"), 64));
        for (status, signal) in [(status("x"), 10), (String::new(), 10), (status("1"), 0)] {
            assert!(!has_handler(&status, signal));
        }
    }
}
