"""Speed, memory and accuracy of fastpiggy: an asv suite (``bench_*``) and scripts for tables.

Imported before anything else here, so that BLAS reads these before NumPy loads it: one thread, since
kernels run on one and two cores shared with a BLAS of their own make noise.
"""

import os

for _name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")
