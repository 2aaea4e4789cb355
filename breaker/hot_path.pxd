# Types for the compiled build of hot_path.py (scripts/compile); Python itself never reads them.
cdef class HotPath:
    cdef public object clock
    cdef public double _quick
    cdef public list _log, _answers
    cdef public bint _answer
    cdef public object _prepared, _admitted_before, _rejected_before, _answers_lock
