"""Speed, memory and accuracy of fastpiggy: an asv suite (``bench_*``) and scripts for tables.

Imported before anything else here, so that BLAS reads these before NumPy loads it.  One thread,
since kernels run on one, and a BLAS that takes the other cores makes noise.
"""

import os

for _name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")
