//! The configuration file: flags that are given once and for all (`--config`, TOML).
//!
//! ```text
//! FILE ──> keys and values ──> those that neither flag nor variable gives ──> as flags ──> clap
//! ```
//!
//! clap stays the one parser: what stands in the file is put behind the command line as if it
//! had been typed there, so that it is checked and refused as flags are. A file serves every
//! command; what a command does not know is for the others.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use cubegate_domain::nearest;
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::args::Cli;

/// Who else may read a file that holds secrets.
const OTHERS: u32 = 0o007;

/// Why there is no command line.
pub(crate) enum Failure {
    /// It is wrong, or somebody asked for help.
    Usage(Box<clap::Error>, Option<String>),
    /// The file is.
    File(anyhow::Error),
}

/// What a file says.
struct File {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// One line of it.
struct Entry {
    key: String,
    values: Vec<Value>,
    /// Whether they stood in brackets.
    listed: bool,
    line: usize,
}

/// A value, as text for clap.
struct Value {
    text: String,
    /// What it is, if it is no text and no number.
    switch: Option<bool>,
}

/// Parses a command line, and the file that it or `CUBEGATE_CONFIG` names.
pub(crate) fn parse(line: Vec<OsString>) -> Result<Cli, Failure> {
    // What is wrong with the line itself is told below.
    let first = Cli::command()
        .ignore_errors(true)
        .try_get_matches_from(&line)
        .map_err(|error| Failure::Usage(Box::new(error), None))?;
    let path = first.try_get_one::<PathBuf>("config").ok().flatten();
    let file = path
        .map(|path| File::read(path).and_then(|file| file.known(&Cli::command())))
        .transpose()
        .map_err(Failure::File)?;
    let line = match &file {
        Some(file) => file.complete(line, &first).map_err(Failure::File)?,
        None => line,
    };
    let parsed = Cli::command()
        .try_get_matches_from(line)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    parsed.map_err(|error| {
        let origin = file.and_then(|file| file.origin(&error));
        Failure::Usage(Box::new(error), origin)
    })
}

// === impl File ===

impl File {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
        let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        let table = DeTable::parse(&text).map_err(|error| {
            let line = line_of(error.span().map_or(0, |span| span.start));
            let reason = error.message().replace('\n', ", ");
            anyhow!("{}, line {line}: {reason}", path.display())
        })?;
        let mut entries = Vec::new();
        for (key, value) in table.get_ref() {
            let line = line_of(key.span().start);
            let key = key.get_ref().to_string();
            let wrong = |what: &str| {
                anyhow!(
                    "{}, line {line}: {key} is {what}; give a text, a number, true, false or a list of texts",
                    path.display()
                )
            };
            let (values, listed) = match value.get_ref() {
                DeValue::Array(items) => (
                    items
                        .iter()
                        .map(|item| Value::of(item.get_ref()))
                        .collect::<Option<Vec<_>>>()
                        .ok_or_else(|| wrong("a list of something else"))?,
                    true,
                ),
                value => (
                    vec![
                        Value::of(value)
                            .ok_or_else(|| wrong(&format!("a {}", value.type_str())))?,
                    ],
                    false,
                ),
            };
            entries.push(Entry {
                key,
                values,
                listed,
                line,
            });
        }
        entries.sort_by_key(|entry| entry.line);
        Ok(Self {
            path: path.to_path_buf(),
            entries,
        })
    }

    /// Refuses what no command knows, and secrets that everybody may read.
    fn known(self, command: &Command) -> anyhow::Result<Self> {
        let settings = settings(command);
        for entry in &self.entries {
            let Some(setting) = settings
                .iter()
                .find(|setting| setting.get_long() == Some(entry.key.as_str()))
            else {
                let names = settings.iter().filter_map(|setting| setting.get_long());
                let advice = match nearest(&entry.key, names) {
                    Some(meant) => format!("{meant} may be meant"),
                    None => "keys are the long names of flags that have an environment variable, without the dashes".to_owned(),
                };
                bail!(
                    "{}, line {}: there is no {}; {advice}",
                    self.path.display(),
                    entry.line,
                    entry.key
                );
            };
            if setting.is_hide_env_values_set() && entry.holds_secret() {
                self.check_rights(entry)?;
            }
        }
        Ok(self)
    }

    fn check_rights(&self, entry: &Entry) -> anyhow::Result<()> {
        let path = self.path.display();
        let mode = fs::metadata(&self.path)
            .with_context(|| format!("the configuration file {path} cannot be read"))?
            .permissions()
            .mode();
        if mode & OTHERS != 0 {
            bail!(
                "{path}, line {}: {} is a secret, and every user of this machine may read the file; run chmod o= {path}",
                entry.line,
                entry.key
            );
        }
        Ok(())
    }

    /// Puts what the line does not say behind it.
    fn complete(
        &self,
        mut line: Vec<OsString>,
        given: &ArgMatches,
    ) -> anyhow::Result<Vec<OsString>> {
        let root = Cli::command();
        let (mut command, mut given) = (&root, given);
        while let Some((name, inner)) = given.subcommand() {
            let Some(found) = command.find_subcommand(name) else {
                break;
            };
            (command, given) = (found, inner);
        }
        let mut more = Vec::new();
        for entry in &self.entries {
            let Some(arg) = command
                .get_arguments()
                .find(|arg| is_setting(arg) && arg.get_long() == Some(entry.key.as_str()))
            else {
                continue;
            };
            let id = arg.get_id().as_str();
            let is_given = matches!(
                given.value_source(id),
                Some(ValueSource::CommandLine | ValueSource::EnvVariable)
            );
            if !is_given {
                more.extend(self.as_flags(entry, arg)?);
            }
        }
        // Behind `--` they would be names.
        let end = line
            .iter()
            .position(|word| word == "--")
            .unwrap_or(line.len());
        line.splice(end..end, more);
        Ok(line)
    }

    fn as_flags(&self, entry: &Entry, arg: &Arg) -> anyhow::Result<Vec<OsString>> {
        let Entry {
            key,
            values,
            listed,
            line,
        } = entry;
        let wrong = |what: &str| anyhow!("{}, line {line}: {key} {what}", self.path.display());
        match arg.get_action() {
            ArgAction::SetTrue => match values.as_slice() {
                [
                    Value {
                        switch: Some(is_on),
                        ..
                    },
                ] if !listed => Ok(is_on
                    .then(|| format!("--{key}").into())
                    .into_iter()
                    .collect()),
                _ => Err(wrong("is true or false")),
            },
            ArgAction::Append => Ok(flags(key, values)),
            _ if *listed => Err(wrong("is one value, not a list")),
            _ => Ok(flags(key, values)),
        }
    }

    /// Says where in the file stands what clap has refused.
    fn origin(&self, error: &clap::Error) -> Option<String> {
        let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else {
            return None;
        };
        let name = refused.strip_prefix("--")?.split([' ', '=']).next()?;
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        Some(format!(
            "{name} stands in {}, line {}",
            self.path.display(),
            entry.line
        ))
    }
}

// === impl Entry ===

impl Entry {
    /// A database needs no secret in its URL.
    fn holds_secret(&self) -> bool {
        self.key != "database-url"
            || self
                .values
                .iter()
                .any(|value| Url::parse(&value.text).is_ok_and(|url| url.password().is_some()))
    }
}

// === impl Value ===

impl Value {
    fn of(value: &DeValue<'_>) -> Option<Self> {
        let text = |text: String| Self { text, switch: None };
        Some(match value {
            DeValue::String(given) => text(given.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => text(number.as_str().to_owned()),
            DeValue::Float(number) => text(number.as_str().to_owned()),
            DeValue::Boolean(is_on) => Self {
                text: is_on.to_string(),
                switch: Some(*is_on),
            },
            _ => return None,
        })
    }
}

fn flags(key: &str, values: &[Value]) -> Vec<OsString> {
    values
        .iter()
        .map(|value| format!("--{key}={}", value.text).into())
        .collect()
}

/// What may stand in a file: the flags of all commands that are variables, too. The others are
/// about one call.
fn settings(command: &Command) -> Vec<&Arg> {
    let own = command.get_arguments().filter(|arg| is_setting(arg));
    own.chain(command.get_subcommands().flat_map(settings))
        .collect()
}

fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some() && arg.get_env().is_some() && arg.get_id() != "config"
}

#[cfg(test)]
mod tests;
