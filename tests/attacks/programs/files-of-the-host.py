"""Opens what a host keeps: secrets, disks, memory, homes, sockets; by name and by climbing out of its folder."""
import os

from attempt import GIVEN, attempt, read, report

paths = [GIVEN["secretFile"], "/etc/shadow", "/etc/machine-id", "/etc/ssh", "/root", "/home", "/var/log", "/boot", "/opt"]
paths += ["/run/secrets", "/var/run/secrets", "/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/config.gz", "/proc/sched_debug"]
paths += ["/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/vsock", "/dev/console"]
paths += [f"/work{'/..' * 20}{GIVEN['secretFile']}", f"/proc/self/root{GIVEN['secretFile']}", f"/proc/1/root{GIVEN['secretFile']}"]
opened = []
for path in paths:
    if attempt(lambda: opened.append(read(path))) == "done" or attempt(lambda: os.listdir(path)) == "done":
        opened.append(path)
report(opened=opened)
