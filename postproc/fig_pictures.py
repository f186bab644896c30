#!/usr/bin/env python3
"""Contact sheet: the first 100 rows of a file of pictures, real or generated, as a grid of 10 x 10.

usage: fig_pictures.py rows.h5 figure.png
"""
import sys

import h5py
import numpy as np

from adpost import plt


def pictures(path, count):
    """The first rows of /samples/state as [n][height][width][channels], bytes; what is beyond black or white is clipped."""
    try:
        with h5py.File(path, "r") as f:
            shape = f["dataset"].attrs["image_shape"]
            channels, height, width = map(int, (shape.decode() if isinstance(shape, bytes) else shape).split(","))
            rows = f["samples/state"][:count, :channels * height * width]
    except (OSError, KeyError) as problem:
        sys.exit(f"postproc: {path}: expected a file of 'adiff data' or 'adiff sample' with pictures ({problem})")
    rows = np.clip(np.rint(rows), 0, 255).astype(np.uint8)
    return rows.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)


def sheet(images, columns):
    """One picture of all, with a white line between them."""
    n, height, width, channels = images.shape
    lines = -(-n // columns)
    page = np.full((lines * (height + 1) + 1, columns * (width + 1) + 1, channels), 255, np.uint8)
    for k, image in enumerate(images):
        y, x = k // columns * (height + 1) + 1, k % columns * (width + 1) + 1
        page[y:y + height, x:x + width] = image
    return np.repeat(page, 3, axis=2) if channels == 1 else page


def main(path, figure):
    plt.imsave(figure, np.kron(sheet(pictures(path, 100), 10), np.ones((3, 3, 1), np.uint8)))
    print(figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
