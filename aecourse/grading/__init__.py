"""Grade notebooks that a class handed in, safely.

A submission is untrusted code. It is graded by one pure task (bytes in, record out):

1. ``preflight`` reads the file and repairs what can be repaired, without running anything.
2. The student's cells run in a sandboxed process (``_student``), under one deadline.
3. The tests run in a *second* sandboxed process (``_scorer``) that never loads the student's
   code. Where a test needs a value or a call, it asks the first process, and gets plain data
   back: numbers, text, arrays. A student who patches NumPy, asserts or IPython patches only
   their own process.
4. ``feedback``, ``results`` and ``gradebook`` write what came out.

The format of an assignment is nbgrader's (``assignment``), so that its manual-grading pages
open the gradebook.
"""
