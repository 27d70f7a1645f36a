"""How the process keeps memory that was freed."""

import ctypes

# ``mallopt`` parameters, by the numbers of the GNU C library's malloc.h
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT = 64 * 1024 * 1024
_LARGEST_KEPT = 64 * 1024 * 1024


def keep_freed_memory() -> bool:
    """Reuse freed memory instead of handing it back to the system; return whether that took.

    By default the C library maps every array above 128 kB by itself, so each of its pages costs a
    fault; with arrays as short-lived as here that is a good part of all time. Arrays above 16 MB
    are still handed back, and so is what lies free beyond 64 MB.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library, or none that can be asked
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT) and mallopt(_M_TRIM_THRESHOLD, _KEPT))
