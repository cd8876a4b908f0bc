"""Small scanners of this repository; each looks at the tree under `root` and gives what it found."""
