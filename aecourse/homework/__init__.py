"""What students' notebooks import: data that are a student's own, and detectors to examine."""

from aecourse.homework import broken, personal

__all__ = ["broken", "personal"]
