//! `sqlx::migrate!` reads the folder at compile time; without this line cargo
//! would not see a migration that was added.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
