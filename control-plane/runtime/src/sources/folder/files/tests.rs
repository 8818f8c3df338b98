use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use super::*;

fn mk_kubeconfig(user: &str) -> String {
    format!(
        "clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]
users: [{{name: u, user: {{{user}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"
    )
}

/// A folder of these files, and what looks at it.
fn mk_files(files: &[(&str, &str)]) -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let files = Files::new(folder.path().to_path_buf());
    (folder, files)
}

fn names(look: &Look) -> Vec<&str> {
    look.members.keys().map(String::as_str).collect()
}

/// Makes a file that is old enough to be told of.
fn write_old(path: &Path, text: &[u8]) {
    fs::write(path, text).unwrap();
    std::thread::sleep(FRESH + Duration::from_millis(1_100));
}

#[test]
fn files_are_clusters_by_their_names_and_nothing_else_is() {
    let good = mk_kubeconfig("token: t");
    let (folder, mut files) = mk_files(&[
        ("eu.prod-1.yaml", &good),
        ("b.yml", &good),
        ("c.kubeconfig", &good),
        ("d", &good),
        (".swap", "s3cret"),
    ]);
    let path = folder.path();
    fs::create_dir(path.join("..data")).unwrap();
    fs::create_dir(path.join("folder")).unwrap();
    fs::write(path.join("..data/e.json"), &good).unwrap();
    symlink("..data/e.json", path.join("e.json")).unwrap();
    symlink("nowhere", path.join("f")).unwrap();
    // Nobody waits for one who never writes.
    let made = Command::new("mkfifo")
        .arg(path.join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let look = files.look().unwrap();
    assert_eq!(names(&look), ["b", "c", "d", "e", "eu.prod-1", "f"]);
    let bad = |(name, member): (&String, &Member)| member.is_err().then(|| name.clone());
    let bad: Vec<_> = look.members.iter().filter_map(bad).collect();
    assert_eq!(bad, ["f"]);
}

#[test]
fn a_file_is_read_again_when_it_or_what_it_points_to_has_changed() {
    let (folder, mut files) = mk_files(&[("a", &mk_kubeconfig("tokenFile: .token"))]);
    let token = folder.path().join(".token");
    fs::write(&token, "one").unwrap();
    let spec = |files: &mut Files| files.look().unwrap().members["a"].clone().unwrap();
    let first = spec(&mut files);
    assert!(Arc::ptr_eq(&first, &spec(&mut files)), "it was read again");
    fs::write(&token, "three").unwrap();
    let second = spec(&mut files);
    assert_eq!(second.credential.bearer_token(), Some("three"));
    fs::write(folder.path().join("a"), mk_kubeconfig("token: four")).unwrap();
    let third = spec(&mut files);
    assert_eq!(third.credential.bearer_token(), Some("four"));
}

#[test]
fn half_of_a_file_is_not_told_of_before_it_stays_so() {
    let (folder, mut files) = mk_files(&[("a", "clusters: [")]);
    let look = files.look().unwrap();
    assert_eq!(look.members["a"], Err(String::new()));
    assert!(look.again.is_some());
    write_old(&folder.path().join("a"), b"clusters: [");
    let look = files.look().unwrap();
    let told = look.members["a"].clone().unwrap_err();
    assert!(told.contains("not valid YAML"), "{told}");
    assert_eq!(look.again, None);
}

#[test]
fn a_folder_with_too_many_files_or_none_at_all_is_one_sentence() {
    let (folder, mut files) = mk_files(&[]);
    for number in 0..=MAX_CLUSTERS {
        fs::write(folder.path().join(format!("m-{number}")), "").unwrap();
    }
    let told = files.look().map(drop).unwrap_err();
    assert!(told.contains("more than 5000 files"), "{told}");
    drop(folder);
    let told = files.look().map(drop).unwrap_err();
    assert!(told.contains("cannot be read"), "{told}");
}
