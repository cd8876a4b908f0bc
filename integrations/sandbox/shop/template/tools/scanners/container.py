"""What the Dockerfile builds on, and as whom it runs. No image is built or pulled for that."""

from pathlib import Path

from scanners.security import finding


def base_image(root: Path) -> str:
    """The image of the last stage, "" where there is none."""
    images = [line.split()[1] for line in _lines(root) if line.upper().startswith("FROM ")]
    return images[-1] if images else ""


def scan(root: Path) -> list[dict[str, object]]:
    """A vulnerability for a base image that is not allowed, and for running as root."""
    lines = (root / "deploy" / "base-images.txt").read_text().splitlines()
    allowed = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    image = base_image(root)
    users = [line.split()[1] for line in _lines(root) if line.upper().startswith("USER ")]
    found = []
    if image not in allowed:
        found.append(_finding(f"The base image {image or '(none)'} is not allowed", "High", "base_image", image))
    if not users or users[-1] in ("root", "0"):
        found.append(_finding("It runs as root", "Medium", "root_user", image))
    return found


def _lines(root: Path) -> list[str]:
    return [line.strip() for line in (root / "Dockerfile").read_text().splitlines()]


def _finding(text: str, severity: str, rule: str, image: str) -> dict[str, object]:
    name, _, version = image.partition(":")
    dependency = {"package": {"name": name or "none"}, "version": version or "none"}
    location = {"image": image or "none", "operating_system": "unknown", "dependency": dependency}
    return finding(text, severity, rule, location)
