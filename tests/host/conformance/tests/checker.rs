// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The checker finds what is wrong with a table.

use conformance::{
    check,
    Group,
    Status,
    Tree, //
};

/// The first line of a table.
const HEADER: &str = "id\tsection\tlevel\tgroup\tkind\trequirement\tstatus\ttests\tnote\n";

/// The groups of the tables here.
const GROUPS: &[Group] = &[Group("one", 2)];

/// A host test file.
const RUST: &str = "
/// A-01: one.
#[test]
fn plain() {}

proptest! {
    /// A-01: of any number.
    #[test]
    fn property(x in 0..2) {}
}

/// A-01: another one.
#[test]
#[ignore]
fn ignored() {}

/// A-01: no test.
fn helper() {}

mod inner {
    /// A-01 and A-02.
    #[test]
    fn nested() {}
}

/// A-01: after the module.
#[test]
fn last() {
    fn inside() {}
}
";

/// A guest test.
const SHELL: &str = "#!/bin/sh
# A-01, A-02
# 'only said'
check 'it works' true
check \"so does $this\" true
echo it is not quoted
";

/// The tests that tables here can name.
fn tree() -> Tree {
    Tree::new([
        (
            "host/Cargo.toml",
            "members = [\"ring\",\n\"parse\"]\n[x]\ny = [\"no\"]",
        ),
        ("host/ring/tests/file.rs", RUST),
        ("host/no/tests/file.rs", RUST),
        ("selftests/it.sh", SHELL),
        ("selftests/vdev-it.sh", SHELL),
    ])
}

/// A line of the table.
fn row(id: &str, status: &str, tests: &str, note: &str) -> String {
    format!("{id}\t1.2 Title\tMUST\tone\tdriver\tDo.\t{status}\t{tests}\t{note}\n")
}

/// What is wrong with a table of these lines.
fn errors(rows: &[String]) -> Vec<String> {
    let table = HEADER.to_owned() + &rows.concat();
    check(&table, GROUPS, &tree()).err().unwrap_or_default()
}

/// What is wrong with a table of which the first line is shown by these tests.
fn errors_of(tests: &str) -> Vec<String> {
    errors(&[
        row("A-01", "shown", tests, ""),
        row("A-02", "not yet", "", "Why."),
    ])
}

#[test]
fn a_table_that_is_right_is_counted() {
    let rows = [
        row(
            "A-01",
            "shown",
            "host:ring::file::plain; guest:it.sh:it works",
            "More.",
        ),
        row("A-02", "does not apply", "", "Why."),
    ];
    let table = HEADER.to_owned() + &rows.concat();
    let summary = check(&table, GROUPS, &tree()).expect("nothing is wrong");
    let counts = Status::ALL.map(|status| summary.count("one", status));
    assert_eq!(counts, [1, 0, 1]);
    assert!(summary.to_string().contains("does not apply"));
}

#[test]
fn what_is_shown_by_models_is_counted() {
    for (tests, modelled) in [
        ("host:ring::file::plain; guest:it.sh:it works", 1),
        ("guest:it.sh:it works", 0),
        ("guest:vdev-it.sh:it works", 1),
        ("guest:it.sh:it works; guest:vdev-it.sh:it works", 1),
    ] {
        let rows = [
            row("A-01", "shown", tests, ""),
            row("A-02", "not yet", "host:ring::file::inner::nested", "Why."),
        ];
        let table = HEADER.to_owned() + &rows.concat();
        let summary = check(&table, GROUPS, &tree()).expect("nothing is wrong");
        assert_eq!(summary.modelled(), modelled, "{tests}");
        let said = format!("shown 1, {modelled} of them by");
        assert!(summary.to_string().contains(&said), "{summary}");
    }
}

#[test]
fn tests_that_are_there_are_found() {
    for tests in [
        "host:ring::file::plain",
        "host:ring::file::property",
        "host:ring::file::inner::nested",
        "host:ring::file::last",
        "guest:it.sh:it works",
        "guest:it.sh:so does $this",
    ] {
        assert_eq!(errors_of(tests), [""; 0], "{tests}");
    }
}

#[test]
fn tests_that_are_not_there_are_reported() {
    for (tests, what) in [
        ("host:ring::file::gone", "has no test gone"),
        ("host:ring::file::ignored", "has no test ignored"),
        ("host:ring::file::helper", "has no test helper"),
        ("host:ring::file::nested", "has no test nested"),
        ("host:ring::file::inside", "has no test inside"),
        ("host:ring::file::inner::last", "has no test inner::last"),
        ("host:ring::other::plain", "there is no tests/host/ring"),
        ("host:no::file::plain", "has no member no"),
        ("host:ring::file", "is not host:"),
        ("guest:it.sh:it does not", "has no test point"),
        ("guest:it.sh:only said", "has no test point"),
        ("guest:it.sh:it is not quoted", "has no test point"),
        ("guest:it.sh:works", "has no test point"),
        (
            "guest:other.sh:it works",
            "there is no tests/selftests/other.sh",
        ),
        ("guest:it.sh", "is not guest:"),
        ("review", "begins neither"),
        ("host:ring::file::plain;guest:it.sh:it works", "has no test"),
        ("", "is shown by no test"),
    ] {
        let errors = errors_of(tests);
        assert_eq!(errors.len(), 1, "{tests}: {errors:?}");
        assert!(errors[0].contains(what), "{tests}: {errors:?}");
    }
}

#[test]
fn one_wrong_test_among_others_is_reported() {
    let errors = errors_of("host:ring::file::plain; host:ring::file::gone");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("line 2, A-01: host:ring::file::gone"));
}

#[test]
fn a_test_has_to_name_the_requirement() {
    let rows = [
        row("A-01", "shown", "host:ring::file::plain", ""),
        row("A-02", "shown", "host:ring::file::plain", ""),
    ];
    let errors = errors(&rows);
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("does not say that it is about this"));
}

#[test]
fn a_test_must_not_name_a_requirement_that_is_not_there() {
    let text = "// A-03, B-01\n";
    let tree = Tree::new([("host/ring/tests/file.rs", text)]);
    let rows = ["A-01", "A-02"].map(|id| row(id, "not yet", "", "Why."));
    let table = HEADER.to_owned() + &rows.concat();
    let errors = check(&table, GROUPS, &tree).expect_err("A-03 is not there");
    // B is not in this table at all.
    assert_eq!(errors, ["tests/host/ring/tests/file.rs: there is no A-03"]);
}

#[test]
fn each_status_needs_what_belongs_to_it() {
    let test = "host:ring::file::inner::nested";
    for (status, tests, note, good) in [
        ("shown", test, "", true),
        ("shown", test, "But.", true),
        ("shown", "", "But.", false),
        ("not yet", "", "Why.", true),
        ("not yet", test, "Only half of it.", true),
        ("not yet", "", "", false),
        ("not yet", test, "", false),
        ("does not apply", "", "Why.", true),
        ("does not apply", "", "", false),
        ("does not apply", test, "Why.", false),
        ("done", test, "Why.", false),
    ] {
        let rows = ["A-01", "A-02"].map(|id| row(id, status, tests, note));
        let errors = errors(&rows);
        assert_eq!(
            errors.is_empty(),
            good,
            "{status}, {tests}, {note}: {errors:?}"
        );
    }
}

#[test]
fn the_ids_have_to_be_complete_and_unique() {
    let rows = |ids: &[&str]| -> Vec<String> {
        let rows = ids.iter();
        rows.map(|id| row(id, "not yet", "", "Why.")).collect()
    };
    assert_eq!(errors(&rows(&["A-01", "A-02"])), [""; 0]);
    assert_eq!(errors(&rows(&["A-02", "A-01"])), [""; 0]);
    assert_eq!(errors(&rows(&["B-01", "C-01"])), [""; 0]);
    for (ids, what) in [
        (&["A-01"][..], "group one: 1 requirements, not 2"),
        (
            &["A-01", "A-02", "A-03"],
            "group one: 3 requirements, not 2",
        ),
        (&["A-01", "A-03"], "A-02 is missing"),
        (&["A-02", "A-03"], "A-01 is missing"),
        (&["A-01", "A-01"], "is there twice"),
        (&["A-01", "A-2"], "is not an id"),
        (&["A-01", "x"], "is not an id"),
    ] {
        let errors = errors(&rows(ids));
        assert!(
            errors.iter().any(|e| e.contains(what)),
            "{ids:?}: {errors:?}"
        );
    }
}

#[test]
fn the_form_of_each_line_is_checked() {
    for (from, to, what) in [
        ("\tone\t", "\ttwo\t", "there is no group \"two\""),
        ("\tMUST\t", "\tMIGHT\t", "there is no level \"MIGHT\""),
        ("\tdriver\t", "\tdevice\t", "there is no kind \"device\""),
        ("1.2 Title", "Title", "the section has no number"),
        ("Do.", "", "there is no requirement"),
        ("\tDo.", "", "has not 9 columns"),
        ("Why.", "Why.\tSo.", "has not 9 columns"),
    ] {
        let mut rows = ["A-01", "A-02"].map(|id| row(id, "not yet", "", "Why."));
        rows[0] = rows[0].replace(from, to);
        let errors = errors(&rows);
        assert!(errors[0].contains(what), "{to}: {errors:?}");
    }
    let errors = check("", &[], &tree()).expect_err("there is no header");
    assert!(errors[0].starts_with("line 1"));
}
