"""The jail service: gives each run a sandbox of its own. `launcher.py` starts it; `service.py` is its heart."""
