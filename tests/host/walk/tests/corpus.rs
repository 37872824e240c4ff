// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! What fuzzing found: each input of the corpus, with the target that it is for. Inputs that a
//! target once failed with are among them, and are named `crash-`.

use std::fs;
use std::path::Path;
use walk::target;

/// Runs a target with all inputs for it.
fn replay(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut count = 0;
    for entry in fs::read_dir(corpus.join(name)).expect("there is a corpus") {
        let path = entry.expect("it can be listed").path();
        println!("{}", path.display());
        target(&fs::read(path).expect("it can be read"));
        count += 1;
    }
    assert!(count > 5, "{count} inputs");
    target(&[]);
}

#[test]
fn split() {
    replay("split", target::split);
}

#[test]
fn packed() {
    replay("packed", target::packed);
}

#[test]
fn capabilities() {
    replay("capabilities", target::capabilities);
}

#[test]
fn config() {
    replay("config", target::config);
}

#[test]
fn features() {
    replay("features", target::features);
}
