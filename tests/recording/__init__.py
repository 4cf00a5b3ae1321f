"""Records the archive that `runsum demo` shows: `python -m tests.recording.record FOLDER`."""
