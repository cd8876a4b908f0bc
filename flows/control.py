"""Development under control: Jira's issues follow what happens in GitLab."""

from __future__ import annotations

from prefect import flow

from tasks import following


@flow(name="control", flow_run_name=following.run_name)
def control(deliveries: list[int] | None = None) -> list[str]:
    """Move every issue that the deliveries are about; without any, look at what changed of late.

    One line per issue that moved. Repeats move nothing.
    """
    found = following.read(deliveries) if deliveries else following.missed()
    moved: list[str] = []
    for finding in found:
        path = following.follow(*finding)
        if path:
            moved.append(f"{finding.key}: {' → '.join(path)}")
    following.finish(deliveries or [], f"{len(moved)} issues moved")
    return moved
