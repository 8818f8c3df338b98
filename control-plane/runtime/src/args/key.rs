//! `cubegate key …`

use clap::{Args, Subcommand};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{DataArgs, ListingArgs};

/// `cubegate key …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create an access key; its secret is shown once
    Create(KeyCreateArgs),
    /// List access keys
    List {
        /// Only this user's
        #[arg(long, value_name = "USER")]
        user: Option<String>,
        #[command(flatten)]
        listing: ListingArgs,
    },
    /// Change an access key; tokens made from it are refused when its scope, expiry or limits change
    Update(KeyUpdateArgs),
    /// Give an access key another secret, which is shown once; the old one is good for a while yet
    Rotate {
        /// The access key
        access_key: String,
        /// How long the old secret is good yet, in seconds; with 0 tokens made from the key are refused, too
        #[arg(
            long, value_name = "SECONDS", default_value_t = 86_400,
            value_parser = clap::value_parser!(u32).range(0..=2_592_000)
        )]
        overlap: u32,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Delete an access key
    Delete {
        /// The access key
        access_key: String,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `cubegate key create`
#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    /// The owner
    pub(crate) user: String,
    /// What it is called
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) name: String,
    /// What it is for
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) description: String,
    /// From when on it gives no token, as 2030-01-31T12:00:00Z; never when absent
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires_at: Option<OffsetDateTime>,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// `cubegate key update`
#[derive(Debug, Args)]
pub(crate) struct KeyUpdateArgs {
    /// The access key
    pub(crate) access_key: String,
    /// What it is called
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// From when on it gives no token, as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// Let it not expire
    #[arg(long, conflicts_with = "expires_at")]
    pub(crate) no_expiry: bool,
    // The whole scope, in the place of the one that there is.
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Let its tokens do all that its owner may do
    #[arg(long, conflicts_with = "ScopeArgs")]
    pub(crate) no_scope: bool,
    // Both limits, in the place of those that there are.
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// Let the gateway's limits count for it, as for other keys
    #[arg(long, conflicts_with = "LimitArgs")]
    pub(crate) no_limits: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// What the tokens of a key may be used for.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct ScopeArgs {
    /// Only for this cluster; may be given several times, as the next two
    #[arg(long = "cluster", value_name = "CLUSTER")]
    pub(crate) clusters: Vec<String>,
    /// Only for what is in this namespace
    #[arg(long = "namespace", value_name = "NAMESPACE")]
    pub(crate) namespaces: Vec<String>,
    /// Also name clusters that are not registered yet
    #[arg(long)]
    pub(crate) allow_unknown_clusters: bool,
    /// Only with this verb: get, list, watch, create, update, patch, delete, deletecollection
    #[arg(long = "verb", value_name = "VERB")]
    pub(crate) verbs: Vec<String>,
}

/// Limits of a key in the place of the gateway's.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct LimitArgs {
    /// Requests in a second with its tokens, for each Envoy worker, instead of --requests-per-key; they do not count for its owner. 0 is no limit
    #[arg(long, value_name = "NUMBER")]
    pub(crate) requests_per_second: Option<u32>,
    /// Requests at the same time, instead of --concurrent-per-key, likewise
    #[arg(long, value_name = "NUMBER")]
    pub(crate) concurrent_requests: Option<u32>,
}

fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "give a time as 2030-01-31T12:00:00Z".to_owned())
}
