// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The table of C and Rust drivers names what there is.
//!
//! What is in it comes of guests, by `make conformance`. After a change of scenarios that is to be
//! done again; `scripts/conformance --table` adds those that are new without it.

use std::collections::BTreeSet;
use std::path::Path;
use vdev::scenario;

/// A line of the table: scenario, device, what became of it with the C driver and with ours.
struct Row {
    scenario: String,
    device: String,
    results: [String; 2],
}

/// A file of the source tree.
fn read(path: &str) -> String {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    std::fs::read_to_string(tree.join(path)).unwrap()
}

/// The table.
fn rows() -> Vec<Row> {
    let text = read("Documentation/drivers-compared.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1).map(String::from);
        let mut cell = || cells.next().unwrap();
        Row {
            scenario: cell().trim_matches('`').into(),
            device: cell(),
            results: [cell(), cell()],
        }
    })
    .collect()
}

#[test]
fn the_table_names_the_scenarios_that_there_are() {
    let there: BTreeSet<String> = scenario::all().map(|one| one.name.into()).collect();
    let named: BTreeSet<String> = rows().into_iter().map(|row| row.scenario).collect();
    let missing: Vec<_> = there.difference(&named).collect();
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "run scripts/conformance --table, or make conformance, which needs guests: {missing:?} are missing, {gone:?} do not exist"
    );
}

#[test]
fn the_table_is_sorted_and_has_each_line_once() {
    let rows = rows();
    let names: Vec<_> = rows.iter().map(|row| &row.scenario).collect();
    assert!(names.is_sorted());
    let lines: BTreeSet<_> = rows
        .iter()
        .map(|row| (&row.scenario, &row.device))
        .collect();
    assert_eq!(lines.len(), rows.len());
}

/// What the Rust drivers are not to do, whatever the device does.
const WRONG: [&str; 8] = [
    "violates",
    "wrong data",
    "does not work",
    "stuck process",
    "guest hangs",
    "guest panics",
    "warns",
    "differs",
];

#[test]
fn the_rust_drivers_do_nothing_that_is_wrong() {
    for row in rows() {
        let [_, rust] = &row.results;
        assert!(
            !WRONG.iter().any(|wrong| rust.starts_with(wrong)),
            "{} with {}: {rust}",
            row.scenario,
            row.device
        );
    }
}

/// The rules that say what is done about scenarios are about scenarios.
#[test]
fn each_rule_is_about_a_scenario() {
    let text = read("scripts/conformance.d/scenarios");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in lines {
        let pattern = line.split('\t').next().unwrap();
        let fits = |name: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        assert!(scenario::all().any(|one| fits(one.name)), "{pattern}");
    }
}
