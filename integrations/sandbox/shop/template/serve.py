"""Start the shop: `python3 serve.py --port 8000`."""

import argparse

from contextlib import closing

from shop import schema, settings
from shop.server import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Start the shop.")
    parser.add_argument("--port", type=int, default=8000)
    if settings.environment() == "local":
        with closing(schema.connect(settings.database())) as connection:
            schema.forward(connection, "local")
    serve(parser.parse_args().port)
