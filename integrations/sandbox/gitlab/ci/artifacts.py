"""Archives of what a job's paths name, and their way into the next job's checkout."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from integrations.sandbox.gitlab.ci import keywords
from integrations.sandbox.gitlab.ci.conditions import any_path_matches
from integrations.sandbox.gitlab.ci.model import Artifact


def matching(root: Path, patterns: Sequence[str], exclude: Sequence[str] = ()) -> list[Path]:
    """The files under `root` that the patterns name; a folder stands for all it holds."""
    found: set[Path] = set()
    for pattern in patterns:
        clean = pattern.removeprefix("./").strip("/")
        paths: Iterable[Path] = root.glob(clean) if clean not in ("", ".") else [root]
        for path in paths:
            found.update(_files(path))
    inside = [path for path in found if ".git" not in path.relative_to(root).parts]
    return sorted(path for path in inside if not any_path_matches(exclude, [str(path.relative_to(root))]))


def _files(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else [item for item in path.rglob("*") if item.is_file()]


def keep_report(file_type: str, files: Sequence[Path], store: Path) -> Artifact:
    """The report under GitLab's name and in GitLab's format, in `store`; zipped ones may be several files.

    Raises:
        ValueError: several files for a report that is kept as it is.
    """
    name, file_format = keywords.REPORTS[file_type]
    zipped = file_format == "gzip"
    if not zipped and len(files) > 1:
        raise ValueError("only one file can be sent as raw")
    content = b"".join(path.read_bytes() for path in files)
    kept = store / file_type / (f"{name}.gz" if zipped else name)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(gzip.compress(content) if zipped else content)
    return Artifact(file_type, kept.name, kept, file_format)


def pack(root: Path, files: Sequence[Path], archive: Path) -> None:
    """A zip of `files` by their paths under `root`; modes are kept."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in files:
            target.write(path, path.relative_to(root))


def unpack(archive: Path, root: Path) -> None:
    """The archive's files laid into `root`, with their modes."""
    with zipfile.ZipFile(archive) as source:
        for item in source.infolist():
            written = Path(source.extract(item, root))
            written.chmod((item.external_attr >> 16) & 0o777 or 0o644)
