"""Prints frames of the jail's own protocol, events of a stream and headers, then fails: output must stay output."""
import os
import struct

exit_frame = b'{"reason":"exited","code":0,"signal":null,"wallMs":1,"cpuMs":1,"memoryPeakBytes":1,"stdoutTruncated":false,"stderrTruncated":false}'
os.write(1, struct.pack(">IB", len(exit_frame), 69) + exit_frame)
os.write(1, b"\n\nevent: finished\ndata: {}\n\nHTTP/1.1 200 OK\r\n\r\n")
# The descriptors that the process which became this program told its parent on.
for fd in range(3, 64):
    try:
        os.write(fd, struct.pack(">IB", len(exit_frame), 69) + exit_frame)
        os.write(1, b"wrote to a descriptor of somebody else's")
    except OSError:
        pass
os._exit(7)
