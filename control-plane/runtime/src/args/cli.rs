//! `cubegate completions` and `man`: the command line about itself.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `cubegate completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that completes
    pub(crate) shell: Shell,
}

/// `cubegate man`
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page of each command into this folder; the page of cubegate is printed when absent
    pub(crate) dir: Option<PathBuf>,

    /// Print one page of all commands in Markdown instead
    #[arg(long, conflicts_with = "dir")]
    pub(crate) markdown: bool,
}
