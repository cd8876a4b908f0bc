"""Counts and times of requests, in Prometheus' text format."""

import threading

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request that was answered."""
        with self._lock:
            key = (method, path, status)
            self._requests[key] = self._requests.get(key, 0) + 1
            buckets = self._buckets.setdefault(path, [0] * (len(_BOUNDS) + 1))
            for index, bound in enumerate(_BOUNDS):
                buckets[index] += seconds <= bound
            buckets[-1] += 1
            self._seconds[path] = self._seconds.get(path, 0.0) + seconds

    def text(self, **about: str) -> str:
        """Everything so far; `about` labels the build."""
        labels = ",".join(f'{name}="{value}"' for name, value in sorted(about.items()))
        lines = [
            "# HELP shop_build_info What is running.",
            "# TYPE shop_build_info gauge",
            f"shop_build_info{{{labels}}} 1",
            "# HELP shop_requests_total Requests answered.",
            "# TYPE shop_requests_total counter",
        ]
        with self._lock:
            for (method, path, status), count in sorted(self._requests.items()):
                lines.append(
                    f'shop_requests_total{{method="{method}",path="{path}",status="{status}"}} {count}'
                )
            lines += [
                "# HELP shop_request_seconds How long an answer took.",
                "# TYPE shop_request_seconds histogram",
            ]
            for path, buckets in sorted(self._buckets.items()):
                for bound, count in zip((*map(str, _BOUNDS), "+Inf"), buckets):
                    lines.append(f'shop_request_seconds_bucket{{path="{path}",le="{bound}"}} {count}')
                lines.append(f'shop_request_seconds_sum{{path="{path}"}} {self._seconds[path]:.6f}')
                lines.append(f'shop_request_seconds_count{{path="{path}"}} {buckets[-1]}')
        return "\n".join(lines) + "\n"
