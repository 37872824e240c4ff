// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The conformance table is complete, and the tests that it names are there.

use conformance::{
    check,
    Tree,
    GROUPS, //
};
use std::fs;
use std::io::{
    stderr,
    Write, //
};
use std::path::Path;

/// How many requirements host tests and devices of our own show, at least.
const MODELLED: usize = 250;

#[test]
fn the_table_is_complete_and_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let table = fs::read_to_string(root.join("Documentation/conformance.tsv"))
        .expect("the table can be read");
    let tree = Tree::read(&root.join("tests")).expect("the tests can be read");
    match check(&table, GROUPS, &tree) {
        // Not `println!`, of which nothing is seen when the test passes.
        Ok(summary) => {
            writeln!(stderr(), "{summary}").expect("stderr can be written");
            let modelled = summary.modelled();
            assert!(modelled >= MODELLED, "{modelled} requirements");
        }
        Err(errors) => panic!("{}", errors.join("\n")),
    }
}
