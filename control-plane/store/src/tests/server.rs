//! What only a database on a server has: passwords, TLS, connections that break.

use sqlx::AssertSqlSafe;

use super::database::{Server, connect};
use super::{Kind, TestDatabase, TestStore, at, mk_key, mk_user};
use crate::{DatabaseUrl, Store, StoreError};

/// What opening it says, which never holds the password.
async fn refusal(url: &str) -> StoreError {
    let url: DatabaseUrl = url.parse().unwrap();
    let error = Store::open(&url, &mk_key(1)).await.err().unwrap();
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let asked = url.is_new().await;
    assert!(asked.is_err() || matches!(error, StoreError::Encoding { .. }));
    error
}

/// The server with this password in the place of the right one.
fn with_password(password: &str) -> String {
    let (before, after) = Server::current().url.split_once('@').unwrap();
    let (before, _) = before.rsplit_once(':').unwrap();
    format!("{before}:{password}@{after}")
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_is_one_sentence() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for (url, expected) in [
        (
            format!("postgres://me:hunter2@127.0.0.1:{port}/cube"),
            "Connection refused",
        ),
        (
            format!("{}/postgres", with_password("hunter2")),
            "password authentication failed",
        ),
        (
            format!("{}/not_there", Server::current().url),
            "does not exist",
        ),
        (
            format!("{}/postgres?sslmode=hunter3", Server::current().url),
            "ssl_mode",
        ),
    ] {
        let error = refusal(&url).await;
        assert!(matches!(error, StoreError::Open { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("check host, port, user"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn a_database_in_another_encoding_is_refused() {
    let server = Server::current();
    let sql = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0";
    server.run(sql.to_owned()).await;
    let error = refusal(&format!("{}/latin", server.url)).await.to_string();
    assert!(error.contains("LATIN1"), "{error}");
    assert!(error.contains("ENCODING 'UTF8'"), "{error}");
}

#[tokio::test]
async fn tls_checks_the_server_when_it_is_asked_to() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let server = Server::current();
    let base = database.url.strip_suffix("?sslmode=disable").unwrap();
    let (ca, base) = (&server.ca, base.to_owned());
    for good in [
        base.clone(),
        format!("{base}?sslmode=require"),
        format!("{base}?sslmode=verify-full&sslrootcert={ca}"),
    ] {
        let url: DatabaseUrl = good.parse().unwrap();
        let store = Store::open(url, &mk_key(1)).await.unwrap();
        let encrypted: bool =
            sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
                .fetch_one(store.reader())
                .await
                .unwrap();
        assert!(encrypted, "{good}");
    }
    let other = database.folder.path().join("other.crt");
    let text = std::fs::read_to_string(ca).unwrap();
    std::fs::write(&other, text.replace("CERTIFICATE", "NOTHING")).unwrap();
    for bad in [
        // The system's CAs do not know it.
        format!("{base}?sslmode=verify-full"),
        format!("{base}?sslmode=verify-full&sslrootcert={}", other.display()),
        format!("{base}?sslmode=verify-full&sslrootcert=/not/there"),
    ] {
        let error = refusal(&bad).await.to_string();
        assert!(error.contains("TLS mode"), "{error}");
    }
}

#[tokio::test]
async fn connections_that_broke_are_made_anew() {
    let store = TestStore::new(Kind::Postgres).await;
    store.create_user(mk_user("jeff"), at(0)).await.unwrap();
    for _ in 0..3 {
        let url = store.database().to_string();
        let (_, name) = url.rsplit_once('/').unwrap();
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        Server::current().run(sql).await;
        assert_eq!(store.list_users().await.unwrap().len(), 1);
        store.create_key("jeff", at(1)).await.unwrap();
    }
}

#[tokio::test]
async fn every_text_is_compared_by_its_bytes() {
    let store = TestStore::new(Kind::Postgres).await;
    let mut connection = connect(&store.database.url).await;
    // The harness sorts as people do, so this says something.
    let people: bool = sqlx::query_scalar("SELECT 'a' < 'B'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(people);
    let others: Vec<String> = sqlx::query_scalar(AssertSqlSafe(
        "SELECT CAST(table_name || '.' || column_name AS TEXT) FROM information_schema.columns
         WHERE table_schema = current_schema() AND data_type = 'text'
         AND collation_name IS DISTINCT FROM 'C' AND table_name <> '_sqlx_migrations'"
            .to_owned(),
    ))
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert!(others.is_empty(), "{others:?}");
}
