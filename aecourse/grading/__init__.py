"""Grade the notebooks that a class handed in; a submission is untrusted code.

The modules, in the order that a submission meets them:

1. ``submissions`` finds what was handed in, reads each file, and repairs what can be repaired, without
   running anything.
2. ``assignment`` reads the author's notebook: its cells, points, tests and hints. Its format is
   nbgrader's, whose pages for marking by hand open the gradebook. ``matching`` finds which cell of
   the submission answers which of the assignment's.
3. ``session`` runs one submission in two processes. One runs the student's cells, under one
   deadline. The other runs the tests and never loads the student's code: if a test needs a value or
   a call, it asks the first process, and gets plain data back, numbers, text and arrays. A student
   who patches NumPy, asserts or IPython patches only their own process.
4. ``grade`` is the whole as one pure task: bytes in, record out.
5. ``record`` holds the result: a status, and what each cell earned.
6. ``feedback`` makes the pages for students and for the instructor, ``results`` the tables for Moodle and
   Canvas, ``gradebook`` the gradebook for nbgrader. ``batch`` grades a class, many submissions at
   once, and keeps the records; ``cli`` is the command.

A wall separates two folders. ``sandbox`` is outside: it starts processes that can reach nothing, and
exchanges messages with them. ``inside`` is what runs in these processes: the student's side, the
tests' side, and a server that forks both. Nothing outside believes what a student's process says.

Import a module by its name. The package itself imports none, so that a sandboxed process loads only
what it needs.
"""
