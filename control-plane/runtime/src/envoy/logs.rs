//! Envoy's logs: appended to, and bounded in size and number.
//!
//! ```text
//! DIR/envoy/access.log   a line a request
//! DIR/envoy/envoy.log    what Envoy has to say
//! DIR/envoy/output.log   what its libraries print beside that
//! DIR/envoy/*.log.1 …    older ones, .1 the youngest
//! ```
//!
//! A log that has become large gets another name, and Envoy, which goes on writing
//! into it meanwhile, is asked to open its files anew (SIGUSR1), as soon as it can take
//! that signal: an Envoy that still compiles the filter would end by it. So no line is
//! lost between the two, whoever has started that Envoy.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

/// How often is looked whether a log has become large.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// The logs of one Envoy.
pub(super) struct Logs {
    /// A line a request.
    pub(super) access: PathBuf,
    /// What Envoy has to say.
    pub(super) envoy: PathBuf,
    /// Standard output and error.
    output: PathBuf,
    /// A log of this size gets another name.
    bytes: u64,
    /// How many files of each log there are, the one that is written among them.
    files: u32,
    /// Where the lines of this start begin, in the latter two.
    marks: [u64; 2],
}

// === impl Logs ===

impl Logs {
    pub(super) fn new(folder: &Path, bytes: u64, files: u32) -> Self {
        Self {
            access: folder.join("access.log"),
            envoy: folder.join("envoy.log"),
            output: folder.join("output.log"),
            bytes,
            files,
            marks: [0, 0],
        }
    }

    /// Makes ready for another start, and gives the file for what is printed. Nobody
    /// opens that one anew, so it is looked at now only; nothing that clients do is
    /// printed.
    pub(super) fn begin(&mut self) -> anyhow::Result<File> {
        let open = || {
            self.rotate(&self.output)?;
            File::options().create(true).append(true).open(&self.output)
        };
        let output =
            open().with_context(|| format!("{} cannot be written", self.output.display()))?;
        self.marks = [&self.envoy, &self.output]
            .map(|log| fs::metadata(log).map_or(0, |metadata| metadata.len()));
        Ok(output)
    }

    /// Renames what has become large; says whether anything has, which is to be
    /// opened anew then.
    pub(super) fn rotate_large(&self) -> bool {
        let rotated = [&self.access, &self.envoy].map(|log| {
            self.rotate(log).unwrap_or_else(|error| {
                tracing::error!(%error, log = %log.display(), "a log of Envoy cannot be renamed and grows on");
                false
            })
        });
        rotated.contains(&true)
    }

    fn rotate(&self, log: &Path) -> io::Result<bool> {
        match fs::metadata(log) {
            Ok(metadata) if metadata.len() >= self.bytes => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        // The oldest one is overwritten by the one before it.
        for number in (1..self.files.saturating_sub(1)).rev() {
            match fs::rename(older(log, number), older(log, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.files > 1 {
            fs::rename(log, older(log, 1))?;
        } else {
            fs::remove_file(log)?;
        }
        Ok(true)
    }

    /// Returns the last line of this start that tells of trouble.
    pub(super) fn last_complaint(&self) -> String {
        let text: String = [&self.envoy, &self.output]
            .into_iter()
            .zip(self.marks)
            .map(|(log, mark)| read_from(log, mark).unwrap_or_default())
            .collect();
        let complaint = |line: &&str| line.contains("[critical]") || line.contains("[error]");
        text.lines()
            .rev()
            .find(complaint)
            .or_else(|| text.lines().rev().find(|line| !line.trim().is_empty()))
            .unwrap_or("it has logged nothing")
            .trim()
            .to_owned()
    }
}

/// Returns what stands in a file behind this place, as far as somebody would read it.
fn read_from(file: &Path, mark: u64) -> io::Result<String> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(mark))?;
    let mut bytes = Vec::new();
    file.take(1 << 20).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn older(log: &Path, number: u32) -> PathBuf {
    let mut name = log.as_os_str().to_os_string();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_log_that_has_become_large_gets_another_name_and_the_oldest_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let logs = Logs::new(folder.path(), 10, 3);
        assert!(!logs.rotate_large(), "there is none yet");
        for text in ["first 0123456789", "second 123456789", "third 0123456789"] {
            fs::write(&logs.access, text).unwrap();
            assert!(logs.rotate_large());
            fs::write(&logs.access, "small").unwrap();
            assert!(!logs.rotate_large());
        }
        assert_eq!(
            names(folder.path()),
            ["access.log", "access.log.1", "access.log.2"]
        );
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("access.log.1"), "third 0123456789");
        assert_eq!(read("access.log.2"), "second 123456789");
    }

    #[test]
    fn a_start_appends_to_what_was_printed_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut logs = Logs::new(folder.path(), 1_000, 2);
        for text in ["one [error]\n", "two\n"] {
            logs.begin().unwrap().write_all(text.as_bytes()).unwrap();
        }
        let kept = fs::read_to_string(folder.path().join("output.log")).unwrap();
        assert_eq!(kept, "one [error]\ntwo\n");
        // What was wrong the last time is not what is wrong now.
        assert_eq!(logs.last_complaint(), "two");
    }
}
