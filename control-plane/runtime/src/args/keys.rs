//! `cubegate keys …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{DataArgs, DataDirArgs, OutputArgs};

/// `cubegate keys …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make what is missing of a folder of keys: master key, signing key, and the CAs of xDS and of the listener
    Init {
        /// The folder
        #[arg(long, env = "CUBEGATE_KEYS_DIR", value_name = "DIR")]
        keys_dir: PathBuf,
    },
    /// List the signing keys and the xDS CAs, what each is for and since when
    List(KeysListArgs),
    /// Put another signing key or xDS CA in the place of the one that there is, in three steps
    Rotate(KeysRotateArgs),
    /// Put another master key in the place of the one that there is, and seal the database under it; every control plane must be stopped
    Reseal(DataArgs),
}

/// `cubegate keys list`
#[derive(Debug, Args)]
pub(crate) struct KeysListArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) dir: DataDirArgs,
}

/// `cubegate keys rotate`
#[derive(Debug, Args)]
pub(crate) struct KeysRotateArgs {
    /// What
    pub(crate) what: Rotated,
    /// The step
    pub(crate) step: RotationStep,
    /// Do not wait until everybody knows the new one, and nobody needs the old one
    #[arg(long)]
    pub(crate) now: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// What is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Rotated {
    /// The key that tokens are signed with (signing.pem)
    Signing,
    /// The CA between control planes and Envoys (xds-ca.crt, xds-ca.key)
    XdsCa,
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RotationStep {
    /// Make a new one, which is trusted and signs nothing yet
    Add,
    /// Sign with the new one; the old one is trusted yet
    Use,
    /// Trust the old one no more, or the new one if it has not signed
    Drop,
}
