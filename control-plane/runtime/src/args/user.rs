//! `cubegate user …`

use clap::{Args, Subcommand};

use super::{DataArgs, ListingArgs};

/// A user's new password.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// The password, at least 8 bytes
    #[arg(
        long,
        env = "CUBEGATE_USER_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true
    )]
    pub(crate) password: Option<String>,
}

/// `cubegate user …`
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; a password is generated and shown once when none is given
    Add {
        /// The name
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
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
        #[command(flatten)]
        password: PasswordArgs,
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
    /// Delete a user with its keys, sessions and groups; its tokens are refused at once
    Delete {
        /// The name
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Put users into groups and take them out
    #[command(subcommand)]
    Group(UserGroupCommand),
    /// List who is logged in as a user, or end sessions
    Sessions {
        /// The user
        name: String,
        /// End this session; may be given several times
        #[arg(long, value_name = "SESSION")]
        end: Vec<String>,
        /// End all of them, and refuse all tokens of the user, those of its keys and kubeconfigs too
        #[arg(long, conflicts_with = "end")]
        end_all: bool,
        #[command(flatten)]
        listing: ListingArgs,
    },
    /// List the users
    List(ListingArgs),
}

/// `cubegate user group …`
#[derive(Debug, Subcommand)]
pub(crate) enum UserGroupCommand {
    /// Put a user into groups; tokens that are made from then on carry them
    Add {
        /// The user
        name: String,
        /// The groups; `cubegate:admins` manages the gateway
        #[arg(required = true)]
        groups: Vec<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Take a user out of groups; its tokens until then are refused at once
    Remove {
        /// The user
        name: String,
        /// The groups
        #[arg(required = true)]
        groups: Vec<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// List the groups of a user, one a line
    List {
        /// The user
        name: String,
        #[command(flatten)]
        listing: ListingArgs,
    },
}
