"""What students' notebooks import: data that are a student's own, detectors to examine, forms of answers."""

from aecourse.homework import broken, forms, personal

__all__ = ["broken", "forms", "personal"]
