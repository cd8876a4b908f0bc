"""The command line, `conveyor`. Nothing here imports Prefect before a command needs it."""
