//! `cubegate completions`

use clap::CommandFactory as _;

use crate::args::{Cli, CompletionsArgs};
use crate::output;

pub(crate) fn run(args: &CompletionsArgs) {
    let CompletionsArgs { shell } = args;
    let mut script = Vec::new();
    clap_complete::generate(*shell, &mut Cli::command(), "cubegate", &mut script);
    // That a reader has closed the pipe is no error of ours.
    let _ = output::bytes(&script);
}
