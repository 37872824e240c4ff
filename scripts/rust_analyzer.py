#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
# Copyright (C) 2026 The virtio-rust authors
"""rust_analyzer - Completes the kernel's `rust-project.json` for this tree.

The kernel's generator takes crates for independent of each other and looks for
their names in the Kbuild file beside them, so it does not know that our drivers
use the library crate, nor the drivers at all. And it is run in the SDK, whose
paths are not those of the editor.

usage: rust_analyzer.py RUST_PROJECT_JSON TOP BUILD SDK_ROOT
"""

import json
import pathlib
import sys

LIBRARY = "kernel_ext"


def index_of(crates, name):
    """Returns the position of a crate, by which others depend on it."""
    return next(i for i, crate in enumerate(crates) if crate["display_name"] == name)


def driver_crate(library, path, position):
    """Returns the crate of a driver, which has what the library has, and it."""
    crate = dict(library)
    crate["display_name"] = path.stem
    crate["root_module"] = str(path)
    crate["deps"] = library["deps"] + [{"crate": position, "name": LIBRARY}]
    crate["env"] = {**library["env"], "RUST_MODFILE": f"drivers/{path.stem}"}
    return crate


def outside(value, root, top):
    """Maps paths in the SDK to paths outside; those of the tree are the same."""
    if isinstance(value, dict):
        return {key: outside(item, root, top) for key, item in value.items()}
    if isinstance(value, list):
        return [outside(item, root, top) for item in value]
    if isinstance(value, str) and f"{value}/".startswith("/usr/") and not value.startswith(top):
        return root + value
    return value


def main():
    """Reads the kernel's file and prints the completed one."""
    source, top, build, root = sys.argv[1:]
    project = json.loads(pathlib.Path(source).read_text())
    crates = project["crates"]
    position = index_of(crates, LIBRARY)
    library = crates[position]
    library["env"]["KERNEL_EXT_OBJTREE"] = f"{build}/rust"
    library["source"] = {"include_dirs": [f"{top}/rust", f"{build}/rust"], "exclude_dirs": []}

    known = {crate["root_module"] for crate in crates}
    kbuild = pathlib.Path(top, "drivers/Kbuild").read_text()
    for path in sorted(pathlib.Path(top, "drivers").rglob("*.rs")):
        name = str(path.relative_to(f"{top}/drivers").with_suffix(""))
        if str(path) not in known and f"driver,{name})" in kbuild:
            crate = driver_crate(library, path, position)
            crate.pop("source")
            crates.append(crate)

    json.dump(outside(project, root, top) if root else project, sys.stdout, indent=4, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
