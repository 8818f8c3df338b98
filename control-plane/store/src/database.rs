//! Which database: the URL that an operator gives.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use thiserror::Error;
use url::Url;

/// Parameters of a PostgreSQL URL, as libpq calls them. Others are refused: the
/// driver would pass over them, and a TLS mode with a typing error would be none.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// A database, `sqlite://PATH` or `postgres://USER:PASSWORD@HOST:PORT/NAME`. The
/// path of an SQLite file is taken as it stands, without any decoding. Its
/// `Display` and `Debug` forms leave the password and the parameters out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Kind);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite(PathBuf),
    Postgres(Box<Url>),
}

/// Why a text names no database. None of the sentences repeats any of it: what
/// looks like a host or a parameter may be a piece of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DatabaseUrlError {
    /// Another scheme, or none.
    #[error("a database URL begins with sqlite:// or postgres://")]
    Scheme,
    /// `sqlite://` and nothing else, or with parameters.
    #[error("an SQLite URL is sqlite://PATH, with the path of a file and no '?' in it")]
    Path,
    /// Not of a URL's form, or with something of a password behind the host.
    #[error(
        "the PostgreSQL URL cannot be read; it is postgres://USER:PASSWORD@HOST:PORT/DATABASE, with every special character of user and password written as %XX"
    )]
    Form,
    /// No database is named.
    #[error("the PostgreSQL URL names no database; it ends in /DATABASE")]
    NoDatabase,
    /// A parameter that means nothing.
    #[error("the PostgreSQL URL has an unknown parameter; there are {list}", list = PARAMETERS.join(", "))]
    Parameter,
}

// === impl DatabaseUrl ===

impl DatabaseUrl {
    /// Returns the file, when it is SQLite's.
    pub fn file(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Sqlite(path) => Some(path),
            Kind::Postgres(_) => None,
        }
    }

    /// Returns the file of its write-ahead log, when it is SQLite's.
    pub(crate) fn log(&self) -> Option<PathBuf> {
        let mut log = self.file()?.as_os_str().to_owned();
        log.push("-wal");
        Some(log.into())
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// Returns what to look at when it cannot be opened.
    pub(crate) fn advice(&self) -> &'static str {
        match &self.0 {
            Kind::Sqlite(_) => {
                "check that the file is a database of cubegate, that its folder is writable and that the disk is not full"
            }
            Kind::Postgres(_) => {
                "check host, port, user, password and TLS mode, that the database exists, and that the user may make tables in it"
            }
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            if path.is_empty() || path.contains('?') {
                return Err(DatabaseUrlError::Path);
            }
            return Ok(Self(Kind::Sqlite(path.into())));
        }
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(DatabaseUrlError::Scheme);
        }
        let url = Url::parse(text).map_err(|_| DatabaseUrlError::Form)?;
        // A password with a '/', '?' or '#' ends the host early; what was to be the
        // host is then behind it.
        let behind = [url.path(), url.query().unwrap_or_default()];
        if url.fragment().is_some() || behind.iter().any(|part| part.contains('@')) {
            return Err(DatabaseUrlError::Form);
        }
        let mut named = url.path().len() > 1;
        for (key, _) in url.query_pairs() {
            if !PARAMETERS.contains(&key.as_ref()) {
                return Err(DatabaseUrlError::Parameter);
            }
            named |= key == "dbname";
        }
        if !named {
            return Err(DatabaseUrlError::NoDatabase);
        }
        Ok(Self(Kind::Postgres(Box::new(url))))
    }
}

impl From<PathBuf> for DatabaseUrl {
    fn from(path: PathBuf) -> Self {
        Self(Kind::Sqlite(path))
    }
}

impl From<&Path> for DatabaseUrl {
    fn from(path: &Path) -> Self {
        path.to_path_buf().into()
    }
}

impl From<&PathBuf> for DatabaseUrl {
    fn from(path: &PathBuf) -> Self {
        path.clone().into()
    }
}

impl From<&Self> for DatabaseUrl {
    fn from(url: &Self) -> Self {
        url.clone()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match &self.0 {
            Kind::Sqlite(path) => return path.display().fmt(f),
            Kind::Postgres(url) => url,
        };
        f.write_str("postgres://")?;
        if !url.username().is_empty() {
            write!(f, "{}@", url.username())?;
        }
        f.write_str(url.host_str().unwrap_or_default())?;
        if let Some(port) = url.port() {
            write!(f, ":{port}")?;
        }
        f.write_str(url.path())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Returns the driver's form of an absolute path: there, `%` and `?` mean something.
pub(crate) fn sqlite_url(path: &Path) -> Result<Url, url::ParseError> {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), KEPT);
    Url::parse(&format!("sqlite://{path}?mode=rw"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
        text.parse()
    }

    #[test]
    fn an_sqlite_url_is_a_path() {
        let url = parse("sqlite:///var/lib/a b%20c.db").unwrap();
        assert_eq!(url.file(), Some(Path::new("/var/lib/a b%20c.db")));
        assert_eq!(
            parse("sqlite://a.db").unwrap().file(),
            Some(Path::new("a.db"))
        );
        assert_eq!(parse("sqlite://"), Err(DatabaseUrlError::Path));
        assert_eq!(parse("sqlite://a?mode=ro"), Err(DatabaseUrlError::Path));
    }

    #[test]
    fn a_postgresql_url_shows_neither_password_nor_parameters() {
        for (text, expected) in [
            (
                "postgres://me:hunter2@db.example:5433/cube?sslmode=verify-full",
                "postgres://me@db.example:5433/cube",
            ),
            (
                "postgresql://me@db.example/cube?password=hunter2",
                "postgres://me@db.example/cube",
            ),
            (
                "postgres:///cube?host=/run/postgresql&password=hunter2",
                "postgres:///cube",
            ),
            (
                "postgres://me:hun%40ter2@[::1]:5433/cube",
                "postgres://me@[::1]:5433/cube",
            ),
        ] {
            let url = parse(text).unwrap();
            assert_eq!(url.file(), None);
            assert_eq!(url.to_string(), expected);
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl({expected})"));
        }
    }

    #[test]
    fn what_names_no_database_is_refused_without_repeating_it() {
        for (text, expected) in [
            ("mysql://me:hunter2@h/d", DatabaseUrlError::Scheme),
            ("hunter2.db", DatabaseUrlError::Scheme),
            ("", DatabaseUrlError::Scheme),
            ("postgres://me:hunter2@h", DatabaseUrlError::NoDatabase),
            ("postgres://me:hunter2@h/", DatabaseUrlError::NoDatabase),
            (
                "postgres://me:hunter2@h/d?ssl_mode=require",
                DatabaseUrlError::Parameter,
            ),
            ("postgres://me:x@h:hunter2/d", DatabaseUrlError::Form),
            // Passwords with special characters that are not written as %XX.
            ("postgres://me:1/hunter2@h/d", DatabaseUrlError::Form),
            ("postgres://me:1?hunter2@h/d", DatabaseUrlError::Form),
            ("postgres://me:1#hunter2@h/d", DatabaseUrlError::Form),
            ("postgres://me:a/hunter2@h/d", DatabaseUrlError::Form),
        ] {
            let refused = parse(text).unwrap_err();
            assert_eq!(refused, expected, "{text}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn any_path_reaches_the_driver_as_it_is() {
        let url = sqlite_url(Path::new("/tmp/a b%20?#ü/x.db")).unwrap();
        let decoded = percent_encoding::percent_decode_str(url.path())
            .decode_utf8()
            .unwrap();
        assert_eq!(decoded, "/tmp/a b%20?#ü/x.db");
        assert_eq!(url.query(), Some("mode=rw"));
    }
}
