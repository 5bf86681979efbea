"""Takes every process it can get and keeps them, while another run wants to fork."""
import time

from attempt import attempt, report, sleeper


def bomb():
    for _ in range(400):
        sleeper(2)


refused = attempt(bomb)
report(full=True)
time.sleep(1.5)
report(refused=refused)
