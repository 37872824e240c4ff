// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! Finding tests in the sources, which are formatted as rustfmt does it.

/// A test function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Its name, with the modules inside the file: `module::name`.
    pub path: String,
    /// What is said above it.
    pub docs: String,
}

/// The test functions of a Rust file that are run.
///
/// That includes those inside `proptest!`, which are written as functions with `#[test]`.
pub fn rust_tests(text: &str) -> Vec<Test> {
    let mut tests = Vec::new();
    // Modules that are open, with their indentation.
    let mut modules: Vec<(usize, &str)> = Vec::new();
    let (mut docs, mut is_test, mut is_ignored) = (String::new(), false, false);
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code == "}" && modules.last().is_some_and(|(at, _)| *at == indent) {
            modules.pop();
        }
        if let Some(doc) = code.strip_prefix("//") {
            docs.push_str(doc.trim_start_matches(['/', '!']));
            docs.push('\n');
        } else if code.starts_with("#[") {
            is_test |= code.starts_with("#[test]");
            is_ignored |= code.starts_with("#[ignore");
        } else {
            if let Some(name) = after(code, "mod ").filter(|_| code.ends_with('{')) {
                modules.push((indent, name));
            }
            if let Some(name) = after(code, "fn ").filter(|_| is_test && !is_ignored) {
                let path = modules.iter().map(|(_, module)| *module);
                tests.push(Test {
                    path: path.chain([name]).collect::<Vec<_>>().join("::"),
                    docs: std::mem::take(&mut docs),
                });
            }
            docs.clear();
            (is_test, is_ignored) = (false, false);
        }
    }
    tests
}

/// The identifier after a keyword with which a line begins, behind any `pub`.
fn after<'a>(code: &'a str, keyword: &str) -> Option<&'a str> {
    let code = code.strip_prefix("pub ").unwrap_or(code);
    let rest = code.strip_prefix(keyword)?;
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    Some(&rest[..end]).filter(|name| !name.is_empty())
}

/// Whether a shell script has a test point with this description: as a string of its own, and not
/// in a comment.
pub fn has_point(script: &str, description: &str) -> bool {
    let strings = ['"', '\''].map(|quote| format!("{quote}{description}{quote}"));
    script
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .any(|line| strings.iter().any(|string| line.contains(string)))
}

/// The words of a text that are made as ids are: `VQ-SPLIT-01`.
pub fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| is_id(word))
}

/// Whether a word is made as ids are.
pub fn is_id(word: &str) -> bool {
    let Some((prefix, number)) = word.rsplit_once('-') else {
        return false;
    };
    let mut parts = prefix.split('-');
    number.len() == 2
        && number.bytes().all(|b| b.is_ascii_digit())
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_uppercase()))
}
