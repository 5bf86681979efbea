"""What any runner needs, whatever its language: the service of runner.proto, its artifacts, its slots, its runs."""
