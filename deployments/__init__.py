"""How it runs: the gateway, the command line, the worker, Prefect's deployments, the demo."""
