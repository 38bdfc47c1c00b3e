"""The daemon: pure decisions, the loop that performs them, processes, jobs and the recorder."""
