//! `cubegate user …`

use clap::Subcommand;

use super::DataArgs;

/// `cubegate user …`
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; a password is generated and shown once when none is given
    Add {
        /// The name
        name: String,
        /// The password, at least 8 bytes
        #[arg(
            long,
            env = "CUBEGATE_USER_PASSWORD",
            value_name = "PASSWORD",
            hide_env_values = true
        )]
        password: Option<String>,
        /// A group that the user is in, may be given several times; `cubegate:admins` manages the gateway
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Give a user another password; one is generated and shown once when none is given
    Passwd {
        /// The name
        name: String,
        /// The password, at least 8 bytes
        #[arg(
            long,
            env = "CUBEGATE_USER_PASSWORD",
            value_name = "PASSWORD",
            hide_env_values = true
        )]
        password: Option<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Stop a user from logging in and from getting tokens
    Disable {
        /// The name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a disabled user in again
    Enable {
        /// The name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Let a user log in from new addresses again, whose password was being guessed
    Unlock {
        /// The name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the users
    List(DataArgs),
}
