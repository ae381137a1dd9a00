//! Tells cargo that the folders which travel inside the program are part of it.
//! It generates nothing.
//! Not here: any choice of what is built.

fn main() {
    println!("cargo:rerun-if-changed=mirror-manifests");
}
