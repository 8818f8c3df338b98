//! `cubegate tokens …`

use clap::Subcommand;

use super::DataArgs;

/// `cubegate tokens …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokensCommand {
    /// Refuse every token that was ever made, logins, refresh tokens and kubeconfigs among them, by another signing key; access keys and passwords stay
    Revoke {
        /// All of them; those of one user end with `cubegate user sessions NAME --end-all`
        #[arg(long, required = true)]
        all: bool,
        #[command(flatten)]
        data: DataArgs,
    },
}
