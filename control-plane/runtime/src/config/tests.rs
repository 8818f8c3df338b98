use std::fs::Permissions;

use super::*;
use crate::args;

fn write(folder: &tempfile::TempDir, text: &str, mode: u32) -> String {
    let path = folder.path().join("cubegate.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

fn parsed(text: &str, mode: u32, line: &[&str]) -> Result<args::ServeArgs, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, text, mode);
    let line = ["cubegate", "--config", &path, "serve"]
        .iter()
        .chain(line)
        .map(OsString::from)
        .collect();
    match parse(line) {
        Ok(Cli {
            command: args::Command::Serve(args),
            ..
        }) => Ok(args),
        Ok(_) => panic!("another command"),
        Err(Failure::Usage(error, origin)) => {
            Err(format!("{error}{}", origin.unwrap_or_default()).replace(&path, "FILE"))
        }
        Err(Failure::File(error)) => Err(error.to_string().replace(&path, "FILE")),
    }
}

#[test]
fn what_stands_in_the_file_counts_unless_a_flag_says_otherwise() {
    let text = "
        listen = \"127.0.0.1:1\"
        token-lifetime = 120
        plain = true
        no-impersonation = false
        multiple-login = false
        cors-origin = [\"https://a.example\", \"https://b.example\"]
        node-id = \"of another command\"
    ";
    let args = parsed(text, 0o644, &["--listen=127.0.0.1:2"]).unwrap();
    let gateway = args.gateway;
    assert_eq!(gateway.listen.port(), 2);
    assert_eq!(gateway.token_lifetime, 120);
    assert!(gateway.plain && !gateway.clusters.no_impersonation);
    assert!(!gateway.oauth.settings().multiple_login);
    assert_eq!(gateway.clusters.cors_origins().len(), 2);
}

#[test]
fn what_belongs_together_must_be_together_in_a_file_too() {
    let refused = parsed("tls-cert = \"a.pem\"", 0o644, &[]).unwrap_err();
    assert!(refused.contains("--tls-key <FILE>"), "{refused}");
    parsed("tls-cert = \"a.pem\"", 0o644, &["--tls-key=b.pem"]).unwrap();
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    for (text, expected) in [
        (
            "plain = true\ntoken-lifetme = 60",
            "FILE, line 2: there is no token-lifetme; token-lifetime may be meant",
        ),
        (
            "data_dir = \"/x\"",
            "FILE, line 1: there is no data_dir; data-dir may be meant",
        ),
        (
            "config = \"x\"",
            "FILE, line 1: there is no config; keys are the long names of flags that have an environment variable, without the dashes",
        ),
        ("\nplain = 1", "FILE, line 2: plain is true or false"),
        (
            "issuer = [\"a\"]",
            "FILE, line 1: issuer is one value, not a list",
        ),
        (
            "[serve]\nplain = true",
            "FILE, line 1: serve is a table; give a text, a number, true, false or a list of texts",
        ),
    ] {
        assert_eq!(parsed(text, 0o644, &[]).unwrap_err(), expected, "{text}");
    }
    let refused = parsed("plain = true\nplain = true", 0o644, &[]).unwrap_err();
    assert!(
        refused.starts_with("FILE, line 2: duplicate key"),
        "{refused}"
    );
    let refused = parsed("\n\ntoken-lifetime = 1", 0o644, &[]).unwrap_err();
    assert!(
        refused.contains("invalid value '1' for '--token-lifetime <SECONDS>'")
            && refused.ends_with("token-lifetime stands in FILE, line 3"),
        "{refused}"
    );
}

#[test]
fn a_secret_is_not_taken_from_a_file_that_everybody_may_read() {
    let secret = "\nadmin-password = \"a good Passw0rd\"";
    let refused = parsed(secret, 0o604, &[]).unwrap_err();
    assert_eq!(
        refused,
        "FILE, line 2: admin-password is a secret, and every user of this machine may read the file; run chmod o= FILE"
    );
    let args = parsed(secret, 0o640, &[]).unwrap();
    assert_eq!(
        args.gateway.admin_password.as_deref(),
        Some("a good Passw0rd")
    );
    let url = |url: &str| parsed(&format!("database-url = \"{url}\""), 0o644, &[]);
    assert!(url("postgres://u:p@h/d").is_err());
    assert!(url("postgres://u@h/d").is_ok());
}
