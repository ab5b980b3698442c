"""What students' notebooks import: data of their own, and detectors to examine."""
