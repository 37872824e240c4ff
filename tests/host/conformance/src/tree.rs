// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The tests that there are.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::source;

/// The tests of a source tree: files of `tests/host` and `tests/selftests`, by their path from
/// `tests` on.
#[derive(Debug, Default)]
pub struct Tree {
    /// Contents of the files.
    files: BTreeMap<String, String>,
}

impl Tree {
    /// A tree of these files.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter();
        Self {
            files: files
                .map(|(path, text)| (path.into(), text.into()))
                .collect(),
        }
    }

    /// The tree below the directory `tests`.
    ///
    /// # Errors
    ///
    /// What reading returns.
    pub fn read(tests: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        for part in ["host", "selftests"] {
            // There may be no guest tests yet.
            if tests.join(part).is_dir() {
                tree.read_directory(tests, part)?;
            }
        }
        Ok(tree)
    }

    /// Adds the files of a directory, and of those in it.
    fn read_directory(&mut self, tests: &Path, path: &str) -> io::Result<()> {
        for entry in fs::read_dir(tests.join(path))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{path}/{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && name != "target" {
                self.read_directory(tests, &path)?;
            } else if kind.is_file() && is_source(&name) && is_run(&entry.metadata()?, &name) {
                self.files.insert(path, fs::read_to_string(entry.path())?);
            }
        }
        Ok(())
    }

    /// The test that a reference names: what is said about it, or what is wrong.
    ///
    /// # Errors
    ///
    /// A message.
    pub fn find(&self, reference: &str) -> Result<String, String> {
        match reference.split_once(':') {
            Some(("host", rest)) => self.find_host(rest),
            Some(("guest", rest)) => self.find_guest(rest),
            _ => Err("begins neither with host: nor with guest:".into()),
        }
    }

    /// Finds `crate::file::test` or `crate::file::module::test`.
    fn find_host(&self, reference: &str) -> Result<String, String> {
        let mut parts = reference.splitn(3, "::");
        let (Some(krate), Some(file), Some(test)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("is not host:CRATE::FILE::TEST".into());
        };
        if !self.is_member(krate) {
            return Err(format!("tests/host has no member {krate}"));
        }
        let path = format!("host/{krate}/tests/{file}.rs");
        let Some(text) = self.files.get(&path) else {
            return Err(format!("there is no tests/{path}"));
        };
        let found = source::rust_tests(text);
        let found = found.into_iter().find(|found| found.path == test);
        found
            .map(|found| found.docs)
            .ok_or_else(|| format!("tests/{path} has no test {test} that is run"))
    }

    /// Whether cargo runs the tests of this crate.
    fn is_member(&self, krate: &str) -> bool {
        let manifest = self.files.get("host/Cargo.toml");
        manifest
            .into_iter()
            .flat_map(|text| text.lines())
            .skip_while(|line| !line.starts_with("members"))
            .take_while(|line| !line.starts_with('['))
            .any(|line| line.contains(&format!("\"{krate}\"")))
    }

    /// Finds `script:description of a test point`.
    fn find_guest(&self, reference: &str) -> Result<String, String> {
        let Some((script, description)) = reference.split_once(':') else {
            return Err("is not guest:SCRIPT:DESCRIPTION".into());
        };
        let path = format!("selftests/{script}");
        let Some(text) = self.files.get(&path) else {
            return Err(format!("there is no tests/{path} that is run"));
        };
        if !source::has_point(text, description) {
            return Err(format!("tests/{path} has no test point \"{description}\""));
        }
        let comments = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix('#'));
        Ok(comments.collect::<Vec<_>>().join("\n"))
    }

    /// What tests say that they show: file and id.
    pub fn claims(&self) -> impl Iterator<Item = (&str, String)> {
        // This crate's own tests have ids that are wrong.
        let others = self.files.iter().filter(|(path, _)| !is_own(path));
        others.flat_map(|(path, text)| {
            let comments = text.lines().filter_map(|line| {
                let line = line.trim_start();
                line.strip_prefix("//").or(line.strip_prefix('#'))
            });
            let found: Vec<_> = comments
                .flat_map(source::ids)
                .map(|id| (path.as_str(), id.to_owned()))
                .collect();
            found
        })
    }
}

/// Whether a file belongs to the checker, and not to what it checks.
fn is_own(path: &str) -> bool {
    path.starts_with("host/conformance/src/") || path == "host/conformance/tests/checker.rs"
}

/// Whether a file can have tests in it, or say which ones there are.
fn is_source(name: &str) -> bool {
    name == "Cargo.toml" || [".rs", ".sh"].iter().any(|end| name.ends_with(end))
}

/// Whether a file is run, if it is a script: scripts that are not executable are not.
fn is_run(metadata: &fs::Metadata, name: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;

    !name.ends_with(".sh") || metadata.permissions().mode() & 0o111 != 0
}
