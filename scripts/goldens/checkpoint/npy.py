"""Heads of .npy files as numpy writes them: writes src/engine/checkpoint/npy.golden.json."""
import io
import json
import pathlib

import numpy as np

SHAPES = [(4, 17, 128), (1, 1, 1), (24, 3000, 896), (5,), (2, 3), (123456789, 1, 1)]


def head(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def whole():
    """A whole file, so that the place of each value is checked too."""
    file = io.BytesIO()
    values = np.arange(2 * 3 * 4, dtype="<f4").reshape(2, 3, 4) / 7
    np.save(file, values)
    return {"shape": values.shape, "at_1_2_3": float(values[1, 2, 3]), "bytes": file.getvalue().hex()}


out = pathlib.Path(__file__).parents[3] / "src/engine/checkpoint/npy.golden.json"
cases = [{"shape": shape, "bytes": head(shape).hex()} for shape in SHAPES]
out.write_text(json.dumps({"heads": cases, "file": whole()}, indent=1) + "\n")
print(out.name, len(cases), "heads, numpy", np.__version__)
