//! What can go wrong in the store, in words for the operator.

use std::io;
use std::path::PathBuf;

use cubegate_domain::{ClusterSource, KeyAttributesError};
use cubegate_token::SubjectError;
use sqlx::error::DatabaseError;
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::DatabaseUrl;
use crate::user::{MAX_GROUPS_BYTES, MIN_PASSWORD_BYTES};

/// PostgreSQL's code for bytes that are no text of the database's encoding. Ours
/// are UTF-8 by their type, and so is the database, which leaves the zero byte.
const CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";

/// PostgreSQL's codes for a server that ends, ended or begins, that takes no more
/// connections, and the class of those that break off.
const NOT_THERE: [&str; 5] = ["57P01", "57P02", "57P03", "53300", "08"];

/// Why the store refused or failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database file cannot be made or read.
    #[error(
        "the database file {path} cannot be opened: {source}; check that its folder exists and that this user may write there"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The database does not take us.
    #[error(
        "the database {database} cannot be opened: {source}; {advice}", advice = database.advice()
    )]
    Open {
        /// The file or the URL.
        database: DatabaseUrl,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// The schema cannot be brought up to date.
    #[error(
        "the tables of {database} cannot be brought up to date: {source}; a database that a newer cubegate has used needs that version or a backup"
    )]
    Migrate {
        /// The file or the URL.
        database: DatabaseUrl,
        /// What the migrator says.
        source: sqlx::migrate::MigrateError,
    },
    /// The database was written under another master key.
    #[error(
        "the master key does not belong to the database {database}; put back the key file that was made with it"
    )]
    WrongMasterKey {
        /// The file or the URL.
        database: DatabaseUrl,
    },
    /// A PostgreSQL database whose texts are not UTF-8.
    #[error(
        "the database {database} has the encoding {encoding}; make one with: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The URL.
        database: DatabaseUrl,
        /// The encoding that it has.
        encoding: String,
    },
    /// Somebody else has the database open, who must not.
    #[error("a control plane or another command uses {database}; stop all of them first")]
    InUse {
        /// The URL.
        database: DatabaseUrl,
    },
    /// A database that everything was to be copied to holds something already.
    #[error("{database} is not empty: there are rows in {table}; give one that is new")]
    NotEmpty {
        /// The file or the URL.
        database: DatabaseUrl,
        /// The first table with rows.
        table: &'static str,
    },
    /// A copy is not what it is a copy of.
    #[error(
        "what was written to {database} is not what was read: table {table}; nothing is kept there"
    )]
    Differs {
        /// The file or the URL.
        database: DatabaseUrl,
        /// The table.
        table: &'static str,
    },
    /// A statement failed.
    #[error("the database failed: {0}")]
    Database(sqlx::Error),
    /// A text with a NUL character, which PostgreSQL can neither keep nor look for.
    #[error("a text with a NUL character cannot be kept")]
    Nul,
    /// A row holds what no version of cubegate writes.
    #[error(
        "the database holds a value that cannot be right: table {table}, column {column}, row {row:?}; restore it from a backup or remove that row"
    )]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The primary key of the row.
        row: String,
    },
    /// The password hash failed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The system gives no randomness.
    #[error("the system's random number generator failed: {0}")]
    Random(String),
    /// A name that must not be impersonated.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// A password that is too short for a new user.
    #[error("the password must have at least {MIN_PASSWORD_BYTES} bytes")]
    PasswordTooShort,
    /// The user exists already.
    #[error("user {0} exists.")]
    UserExists(String),
    /// Another user has that e-mail address, which may stand for the name at a login.
    #[error("another user has that e-mail address")]
    EmailTaken,
    /// So many passwords wait to be checked that one more would wait too long.
    #[error("too many passwords are being checked; try again in {retry_after} s")]
    Busy {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// There is no such user.
    #[error("user {0} not found.")]
    UserNotFound(String),
    /// There is no such key.
    #[error("key {0} not found; `cubegate key list` shows those there are")]
    KeyNotFound(String),
    /// The key belongs to somebody else, and is as it was.
    #[error("key {0} belongs to another user")]
    KeyNotOwned(String),
    /// Without this user nobody would manage the gateway.
    #[error(
        "user {0} is the only one who manages the gateway; put another one into cubegate:admins first"
    )]
    LastAdmin(String),
    /// See [`MAX_GROUPS_BYTES`].
    #[error(
        "the names of a user's groups must have at most {MAX_GROUPS_BYTES} bytes together: they travel in every token"
    )]
    TooManyGroups,
    /// The user owns as many keys as one may.
    #[error("user {user} has {max} keys already; delete one first", max = cubegate_domain::MAX_KEYS_PER_USER)]
    TooManyKeys {
        /// The user.
        user: String,
    },
    /// The same request, by its [`IdempotencyKey`](crate::IdempotencyKey), was done before.
    #[error("this was done already")]
    DoneAlready,
    /// What is said about a key breaks a rule.
    #[error(transparent)]
    KeyAttributes(#[from] KeyAttributesError),
    /// A key that is to be made with the token of another one, which is gone or has got
    /// a bound meanwhile.
    #[error("the key that asks for it is gone or has got a bound")]
    Maker,
    /// A key would outlive the one that has made it.
    #[error(
        "The key was made with the token of another one, which ends at {until}; it cannot end later.", until = in_rfc3339(*until)
    )]
    OutlivesMaker {
        /// When the other one ends.
        until: OffsetDateTime,
    },
    /// An imported key without a name, secret or owner, or with control characters.
    #[error(
        "the {field} of an imported key must have 1 to 253 bytes and no blanks at its ends or control characters"
    )]
    KeyFormat {
        /// Which of the three.
        field: &'static str,
    },
    /// The cluster exists already.
    #[error("cluster {0} exists.")]
    ClusterExists(String),
    /// The cluster comes from a source, which alone changes and removes it.
    #[error("cluster {name} is not changed here: {}", .owner.where_removed())]
    ClusterOwned {
        /// The cluster.
        name: String,
        /// What it comes from.
        owner: ClusterSource,
    },
}

impl StoreError {
    pub(crate) fn cluster_owned(name: &str, owner: ClusterSource) -> Self {
        Self::ClusterOwned {
            name: name.to_owned(),
            owner,
        }
    }

    /// Whether the database is away for the moment, and nothing is wrong with what was asked:
    /// it is started again, or takes no more connections.
    pub fn is_unavailable(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
            sqlx::Error::Database(error) => error
                .code()
                .is_some_and(|code| NOT_THERE.iter().any(|begin| code.starts_with(begin))),
            _ => false,
        }
    }
}

fn in_rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(DatabaseError::code);
        if code.as_deref() == Some(CHARACTER_NOT_IN_REPERTOIRE) {
            Self::Nul
        } else {
            Self::Database(error)
        }
    }
}
