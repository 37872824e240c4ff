// SPDX-License-Identifier: GPL-2.0

// Copyright (C) 2026 The virtio-rust authors

//! The table: one requirement a line, columns separated by tabs.

use std::collections::{
    BTreeMap,
    BTreeSet, //
};
use std::fmt;

use super::{
    source,
    Tree, //
};

/// The first line of the table.
const HEADER: &str = "id\tsection\tlevel\tgroup\tkind\trequirement\tstatus\ttests\tnote";

/// How binding a requirement can be.
const LEVELS: &[&str] = &["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"];

/// Whom a requirement is for: the driver, by the words of the specification; the driver, by what
/// follows from them; or the device, which the driver must not rely on.
const KINDS: &[&str] = &["driver", "driver-implied", "device-check"];

/// A group of requirements, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct Group(pub &'static str, pub usize);

/// What there is to say of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Tests show that it is met.
    Shown,
    /// No test does, or none of all of it. The note says why.
    NotYet,
    /// There is nothing here that it could be about. The note says why.
    DoesNotApply,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shown, Self::NotYet, Self::DoesNotApply];

    /// As the table has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::NotYet => "not yet",
            Self::DoesNotApply => "does not apply",
        }
    }

    /// From the table.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// How many requirements of each group have each status.
#[derive(Debug, Default)]
pub struct Summary {
    /// By group and status.
    counts: BTreeMap<(&'static str, Status), usize>,
    /// Those that models of devices show: see [`Self::modelled`].
    modelled: usize,
}

impl Summary {
    /// How many requirements of a group have a status.
    pub fn count(&self, group: &str, status: Status) -> usize {
        let counts = self.counts.iter();
        let found = counts.filter(|((name, with), _)| *name == group && *with == status);
        found.map(|(_, count)| count).sum()
    }

    /// How many requirements are shown by host tests or with devices of our own, which both see all
    /// that a driver does: not only by how it gets on with other people's devices.
    pub fn modelled(&self) -> usize {
        self.modelled
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: BTreeSet<_> = self.counts.keys().map(|(group, _)| *group).collect();
        write!(f, "{:20}", "conformance")?;
        for status in Status::ALL {
            write!(f, "{:>16}", status.as_str())?;
        }
        for group in groups {
            write!(f, "\n{group:20}")?;
            for status in Status::ALL {
                write!(f, "{:>16}", self.count(group, status))?;
            }
        }
        let shown = self.counts.iter();
        let shown = shown.filter(|((_, status), _)| *status == Status::Shown);
        let shown: usize = shown.map(|(_, count)| count).sum();
        write!(
            f,
            "\nshown {shown}, {} of them by host tests or devices of our own",
            self.modelled
        )
    }
}

/// One line.
struct Row<'a> {
    id: &'a str,
    section: &'a str,
    level: &'a str,
    group: &'a str,
    kind: &'a str,
    requirement: &'a str,
    status: &'a str,
    tests: &'a str,
    note: &'a str,
}

impl<'a> Row<'a> {
    /// Takes a line apart.
    fn parse(line: &'a str) -> Option<Self> {
        let columns: Vec<_> = line.split('\t').collect();
        let [id, section, level, group, kind, requirement, status, tests, note] = columns[..]
        else {
            return None;
        };
        Some(Self {
            id,
            section,
            level,
            group,
            kind,
            requirement,
            status,
            tests,
            note,
        })
    }

    /// Whether one of its tests is on the host or has devices of our own.
    fn is_modelled(&self) -> bool {
        let mut tests = self.tests.split("; ");
        tests.any(|test| test.starts_with("host:") || test.starts_with("guest:vdev"))
    }

    /// Checks what does not depend on other lines. Gives the status.
    fn check(&self, tree: &Tree, wrong: &mut impl FnMut(String)) -> Option<Status> {
        if !source::is_id(self.id) {
            wrong("is not an id".into());
        }
        if !LEVELS.contains(&self.level) {
            wrong(format!("there is no level {:?}", self.level));
        }
        if !KINDS.contains(&self.kind) {
            wrong(format!("there is no kind {:?}", self.kind));
        }
        if !self.section.starts_with(|c: char| c.is_ascii_digit()) {
            wrong("the section has no number".into());
        }
        if self.requirement.is_empty() {
            wrong("there is no requirement".into());
        }
        for reference in self.tests.split("; ").filter(|text| !text.is_empty()) {
            match tree.find(reference) {
                Err(what) => wrong(format!("{reference}: {what}")),
                Ok(docs) if !source::ids(&docs).any(|id| id == self.id) => {
                    wrong(format!("{reference}: does not say that it is about this"));
                }
                Ok(_) => {}
            }
        }
        let Some(status) = Status::parse(self.status) else {
            wrong(format!("there is no status {:?}", self.status));
            return None;
        };
        match (status, self.tests, self.note) {
            (Status::Shown, "", _) => wrong("is shown by no test".into()),
            (Status::DoesNotApply, tests, _) if !tests.is_empty() => {
                wrong("has a test and does not apply".into());
            }
            (Status::NotYet | Status::DoesNotApply, _, "") => wrong("has no reason".into()),
            _ => {}
        }
        Some(status)
    }
}

/// Checks the table against the groups that there should be and the tests that there are.
///
/// # Errors
///
/// All that is wrong.
pub fn check(table: &str, groups: &[Group], tree: &Tree) -> Result<Summary, Vec<String>> {
    let mut errors = Vec::new();
    let mut summary = Summary::default();
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    // The numbers of each prefix.
    let mut numbers: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut lines = table.lines();
    if lines.next() != Some(HEADER) {
        errors.push(format!("line 1 is not {HEADER:?}"));
    }
    for (number, line) in (2..).zip(lines) {
        let Some(row) = Row::parse(line) else {
            errors.push(format!("line {number}: has not 9 columns"));
            continue;
        };
        let mut wrong = |what: String| errors.push(format!("line {number}, {}: {what}", row.id));
        let status = row.check(tree, &mut wrong);
        let group = groups.iter().find(|Group(name, _)| *name == row.group);
        match (group, status) {
            (None, _) => wrong(format!("there is no group {:?}", row.group)),
            (Some(Group(name, _)), Some(status)) => {
                *summary.counts.entry((name, status)).or_default() += 1;
                summary.modelled += usize::from(status == Status::Shown && row.is_modelled());
            }
            _ => {}
        }
        *sizes.entry(row.group).or_default() += 1;
        if let Some((prefix, digits)) = row.id.rsplit_once('-') {
            if !numbers.entry(prefix).or_default().insert(digits) {
                wrong("is there twice".into());
            }
        }
    }
    for Group(name, size) in groups {
        let found = sizes.get(name).copied().unwrap_or_default();
        if found != *size {
            errors.push(format!("group {name}: {found} requirements, not {size}"));
        }
    }
    for (prefix, digits) in &numbers {
        for (expected, found) in (1..).map(|n| format!("{n:02}")).zip(digits) {
            if expected != *found {
                errors.push(format!("{prefix}-{expected} is missing"));
                break;
            }
        }
    }
    for (file, id) in tree.claims() {
        let (prefix, digits) = id.rsplit_once('-').unwrap_or_default();
        if numbers
            .get(prefix)
            .is_some_and(|known| !known.contains(digits))
        {
            errors.push(format!("tests/{file}: there is no {id}"));
        }
    }
    if errors.is_empty() {
        Ok(summary)
    } else {
        Err(errors)
    }
}
