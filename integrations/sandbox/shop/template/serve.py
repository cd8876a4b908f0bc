"""Start the shop: `python3 serve.py --port 8000`."""

import argparse

from shop.server import serve

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Start the shop.")
    parser.add_argument("--port", type=int, default=8000)
    serve(parser.parse_args().port)
