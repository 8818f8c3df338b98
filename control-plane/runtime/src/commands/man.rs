//! `cubegate man`

mod markdown;

use anyhow::Context as _;
use clap::CommandFactory as _;

use crate::args::{Cli, ManArgs};
use crate::output;

pub(crate) fn run(args: &ManArgs) -> anyhow::Result<()> {
    let ManArgs { dir, markdown } = args;
    if *markdown {
        output::line(markdown::page(&mut Cli::command()).trim_end());
        return Ok(());
    }
    let Some(dir) = dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page)?;
        let _ = output::bytes(&page);
        return Ok(());
    };
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
        .with_context(|| format!("the pages cannot be written to {}", dir.display()))
}
