"""Counts and times of requests, and how busy the process is, in Prometheus' text format 0.0.4."""

import threading
import time

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_METHODS = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}


class Metrics:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.time()
        self._in_flight = 0
        self._requests: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def began(self) -> None:
        """A request came in; `observe` ends it."""
        with self._lock:
            self._in_flight += 1

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """A request was answered. Methods that nobody knows are counted as one."""
        method = method if method in _METHODS else "other"
        with self._lock:
            self._in_flight -= 1
            asked = (method, path)
            self._requests[(*asked, status)] = self._requests.get((*asked, status), 0) + 1
            buckets = self._buckets.setdefault(asked, [0] * (len(_BOUNDS) + 1))
            for index, bound in enumerate(_BOUNDS):
                buckets[index] += seconds <= bound
            buckets[-1] += 1
            self._seconds[asked] = self._seconds.get(asked, 0.0) + seconds

    def text(self, **about: str) -> str:
        """Everything so far; `about` labels the build."""
        with self._lock:
            lines = [
                *_head("shop_build_info", "gauge", "What is running."),
                f"shop_build_info{_labels(**about)} 1",
                *_head("shop_requests_in_flight", "gauge", "Requests being answered, this one included."),
                f"shop_requests_in_flight {self._in_flight}",
                *_head("process_start_time_seconds", "gauge", "When the process started, since the epoch."),
                f"process_start_time_seconds {self._started:.3f}",
                *_head("process_cpu_seconds_total", "counter", "Time on the processor, user and system."),
                f"process_cpu_seconds_total {time.process_time():.3f}",
                *_head("shop_requests_total", "counter", "Requests answered."),
            ]
            for (method, path, status), count in sorted(self._requests.items()):
                labels = _labels(method=method, path=path, status=str(status))
                lines.append(f"shop_requests_total{labels} {count}")
            lines += _head("shop_request_seconds", "histogram", "How long an answer took.")
            for asked, buckets in sorted(self._buckets.items()):
                lines += self._histogram(*asked, buckets)
        return "\n".join(lines) + "\n"

    def _histogram(self, method: str, path: str, buckets: list[int]) -> list[str]:
        about = {"method": method, "path": path}
        lines = [
            f"shop_request_seconds_bucket{_labels(**about, le=bound)} {count}"
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), buckets)
        ]
        lines.append(f"shop_request_seconds_sum{_labels(**about)} {self._seconds[method, path]:.6f}")
        lines.append(f"shop_request_seconds_count{_labels(**about)} {buckets[-1]}")
        return lines


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]


def _labels(**labels: str) -> str:
    """In the order given, quoted."""
    quoted = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in quoted) + "}"
