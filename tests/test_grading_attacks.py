"""Programs that try to get more of the machine than the sandbox gives, one attack each."""

import json
import os
import pathlib
import subprocess

import psutil
import pytest

from aecourse.grading import assignment, grade, submissions
from aecourse.grading.inside import calls
from aecourse.grading.sandbox import fork_server, memory_group, process
from tools import made_up_assignment

SOURCE = made_up_assignment.source()
SMALL = made_up_assignment.source(memory_mb=1024)
ABOUT = assignment.read(SOURCE)

SECRET = "the-instructors-own"  # is in the environment of the grader

# Each closed call is made with arguments that would be accepted, or at least looked at, without the filter.
CALL = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    found = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return "DONE" if found >= 0 else errno.errorcode[ctypes.get_errno()]
"""
# x86-64's numbers, from asm/unistd_64.h.
FORBIDDEN = {
    "memfd_create": "319, ctypes.addressof(name), 0",
    "memfd_secret": "447, 0",
    "shmget": "29, 4711, 1 << 30, 0o1666",
    "semget": "64, 4711, 250, 0o1666",
    "msgget": "68, 4711, 0o1666",
    "mq_open": "240, ctypes.addressof(name), 0o102, 0o600, 0",
    "the session's keyring": "250, 0, -3, 0",
    "a key read": "250, 11, -3, ctypes.addressof(name), 32",
    "a key added": "248, ctypes.addressof(name), ctypes.addressof(name), ctypes.addressof(name), 4, -3",
    "a user namespace": "272, 0x10000000",
    "a user namespace for a child": "56, 0x10000011, 0, 0, 0, 0",
    "a namespace joined": "308, os.open('/proc/self/ns/net', os.O_RDONLY), 0",
    "mount": "165, ctypes.addressof(name), ctypes.addressof(name), ctypes.addressof(name), 0, 0",
    "a new mount": "430, ctypes.addressof(name), 0",
    "a mount opened": "428, -100, ctypes.addressof(name), 1",
    "chroot": "161, ctypes.addressof(root)",
    "a file by its handle": "304, 3, ctypes.addressof(name), 0",
    "ptrace": "101, 0, 0, 0, 0",
    "another's memory read": "310, os.getppid(), 0, 0, 0, 0, 0",
    "another's file taken": "438, 3, 0, 0",
    "a program in the kernel": "321, 0, ctypes.addressof(name), 32",
    "performance counters": "298, ctypes.addressof(name), 0, -1, -1, 0",
    "faults handled": "323, 0",
    "io_uring": "425, 4, ctypes.addressof(name)",
    "the kernel's log": "103, 10, 0, 0",
    "the clock": "227, 0, ctypes.addressof(name)",
}
FAMILIES = {"AF_PACKET": 17, "AF_ALG": 38, "AF_VSOCK": 40, "AF_KEY": 15, "AF_BLUETOOTH": 31}

SHARED_MEMORY_IN_MANY_PROCESSES = """
import mmap, os, time
for _ in range(5):
    if os.fork() == 0:
        held = mmap.mmap(-1, 300 * 2**20)  # shared, so it counts for nobody alone
        held.write(b"x" * (300 * 2**20))
        time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
HIDDEN_SHARED_MEMORY = (
    "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)" + SHARED_MEMORY_IN_MANY_PROCESSES
)
CLOSE_EVERYTHING = "import os\nos.closerange(0, 256)"
RAISE_THE_LIMITS = """
import resource
for name in ("RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CPU"):
    limit = getattr(resource, name)
    try:
        resource.setrlimit(limit, (resource.getrlimit(limit)[1] + 2**20,) * 2)
        print("RAISED", name)
    except (ValueError, OSError):
        pass
"""
WRITE_OUTSIDE = """
import glob, os, sysconfig
packages = sysconfig.get_paths()["purelib"]
places = [packages + "/planted.pth", "/usr/bin/planted", "/etc/planted", "/proc/sys/kernel/hostname",
          "/proc/self/oom_score_adj", "/proc/1/oom_score_adj", "/sys/planted", "/proc/sysrq-trigger",
          "/dev/planted"]
for place in places:
    try:
        with open(place, "w") as stream:
            stream.write("-1000")
        print("WRITTEN", place)
    except OSError:
        pass
for device in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm", "/dev/tty"):
    try:
        open(device, "rb+")
        print("WRITTEN", device)
    except OSError:
        pass
"""
READ_THE_PARENT = """
import os
for number in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "cmdline", "root/etc/passwd", "cwd/x"):
        try:
            with open(f"/proc/{number}/{name}", "rb") as stream:
                print(number, name, stream.read())
        except OSError:
            pass
"""
MANY_EMPTY_FILES = """
import os
made = 0
try:
    for made in range(200_000):
        os.close(os.open(f"/tmp/{made}", os.O_CREAT | os.O_WRONLY))
except OSError as problem:
    print("stopped after", made)
else:
    print("NOT BOUNDED")
"""
GROW_A_FILE = """
import os
for make in (lambda f: os.posix_fallocate(f, 0, 2**31), lambda f: os.pwrite(f, b"x", 2**31)):
    handle = os.open("/tmp/grown", os.O_CREAT | os.O_RDWR)
    try:
        make(handle)
        print("GROWN")
    except OSError:
        pass
"""
# A call of the 32-bit kind, which has other numbers: getpid is 20 there.
OLD_CALLS = r"""
import ctypes, mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
print("ANSWERED")
"""
SEND_FILES = """
import array, os, socket
for number in range(3, 20):
    try:
        channel = socket.socket(fileno=os.dup(number))
        for _ in range(50):
            channel.sendmsg([b"\\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 200))])
    except OSError:
        pass
"""
DRIP = """
import os, time
while True:
    for number in range(3, 20):
        try:
            os.write(number, b"\\0")
        except OSError:
            pass
    time.sleep(0.2)
"""
# Unread messages in sockets belong to the kernel: no process shows them.
FILL_SOCKETS = """
import os, socket, time
for _ in range(100):
    if os.fork() == 0:
        pairs = []
        try:
            while True:
                pairs.append(socket.socketpair())
                for one in pairs[-1]:
                    one.setblocking(False)
                    try:
                        while True:
                            one.send(bytes(2**15))
                    except BlockingIOError:
                        pass
        except OSError:
            pass
        time.sleep(60)
        os._exit(0)
time.sleep(3)
print("FILLED")
"""
ATTACKS = [
    # name, code, statuses, what must not be printed, what must be
    ("shared memory in many processes", SHARED_MEMORY_IN_MANY_PROCESSES, {"out of memory"}, "", ""),
    ("shared memory, its share hidden", HIDDEN_SHARED_MEMORY, {"out of memory"}, "", ""),
    ("close everything", CLOSE_EVERYTHING, {"crashed"}, "", ""),
    ("raise the limits", RAISE_THE_LIMITS, {"graded"}, "RAISED", ""),
    ("write outside", WRITE_OUTSIDE, {"graded"}, "WRITTEN", ""),
    ("read the parents", READ_THE_PARENT, {"graded"}, SECRET, "1 environ"),
    ("many empty files", MANY_EMPTY_FILES, {"graded"}, "NOT BOUNDED", "stopped after"),
    ("grow a file", GROW_A_FILE, {"graded"}, "GROWN", ""),
    ("calls of the 32-bit kind", OLD_CALLS, {"crashed"}, "ANSWERED", ""),
    ("send open files", SEND_FILES, {"crashed"}, "", ""),
    ("one byte at a time", DRIP, {"crashed", "timed out"}, "", ""),
]


def run(code, source=SOURCE, warmed=True):
    data = made_up_assignment.submission(ABOUT, None, code)
    return grade.grade(source, submissions.Incoming("10001", "doe", "doe.ipynb", data), warmed=warmed)


def printed(record):
    reports = [cell["report"] for cell in record.shown if cell["report"]]
    return "\n".join(output.get("text", "") for report in reports for output in report["outputs"])


@pytest.fixture(scope="module", autouse=True)
def server():
    fork_server.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_GRADER", SECRET)
        found = fork_server.server_for(ABOUT.imports)
        assert found is not None, fork_server.SERVERS.problems
        yield found
        fork_server.close()


@pytest.mark.parametrize("warmed", [True, False])
def test_calls_that_no_lesson_needs_are_closed(warmed):
    tries = "".join(f"    {what!r}: call({arguments}),\n" for what, arguments in FORBIDDEN.items())
    code = f"""{CALL}
import json, socket
name, root = ctypes.create_string_buffer(b"/tmp", 128), ctypes.create_string_buffer(b"/")
found = {{
{tries}}}
for family, number in {FAMILIES!r}.items():
    try:
        socket.socket(number, socket.SOCK_RAW if number == 17 else socket.SOCK_STREAM, 0)
        found[family] = "DONE"
    except OSError as problem:
        found[family] = errno.errorcode[problem.errno]
print(json.dumps(found))
"""
    record = run(code, warmed=warmed)
    assert (record.status, record.automatic) == ("graded", 8), record.notes
    found = json.loads(printed(record))
    assert found.keys() == FORBIDDEN.keys() | FAMILIES.keys()
    assert {what: answer for what, answer in found.items() if answer != "EPERM"} == {}


@pytest.mark.parametrize(
    "code, statuses, never, always",
    [attack[1:] for attack in ATTACKS],
    ids=[attack[0] for attack in ATTACKS],
)
def test_an_attack_ends_in_a_status_and_gets_nothing(code, statuses, never, always):
    before = psutil.Process().num_fds()
    record = run(code)
    assert record.status in statuses, (record.status, record.notes)
    assert always in printed(record)
    assert not never or never not in printed(record)
    assert psutil.Process().num_fds() <= before


@pytest.mark.parametrize("warmed", [True, False])
def test_what_the_kernel_keeps_counts_where_there_are_control_groups(warmed, server):
    """100 processes with 125 pairs of full sockets: about 5 GB, of which no process shows anything."""
    group = memory_group.make(64)
    if group is None:
        pytest.skip("no control group may be made on this machine")
    group.close()
    record = run(FILL_SOCKETS, SMALL, warmed=warmed)
    assert record.status in {"out of memory", "crashed"} and "FILLED" not in printed(record)
    assert not list(group.folder.parent.glob(f"aecourse-{os.getpid()}-*"))


def test_groups_of_killed_graders_are_removed(tmp_path):
    with subprocess.Popen(["true"]) as ended:
        pass
    names = [f"aecourse-{ended.pid}-0", f"aecourse-{os.getpid()}-7", f"aecourse-{ended.pid}-1/a", "other"]
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    memory_group._remove_left_behind(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([f"aecourse-{ended.pid}-1", f"aecourse-{os.getpid()}-7", "other"])


def test_a_limit_that_was_exceeded_is_told(tmp_path):
    """Both versions of the kernel's files, as they are documented."""
    for version, names, events in (
        (1, ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"), "memory.oom_control"),
        (2, ("memory.max", "memory.swap.max"), "memory.events"),
    ):
        folder = tmp_path / str(version)
        folder.mkdir()
        for name in (*names, "cgroup.procs"):
            (folder / name).write_text("")
        (folder / events).write_text("oom 0\noom_kill 0\n")
        group = memory_group.MemoryGroup(folder, version, 100)
        assert (folder / names[0]).read_text() == str(100 * 2**20)
        assert not group.exceeded()
        group.add(4321)
        assert (folder / "cgroup.procs").read_text() == "4321"
        (folder / events).write_text("oom 2\noom_kill 1\n")
        assert group.exceeded()
    with pytest.raises(OSError):
        memory_group.MemoryGroup(tmp_path, 2, 100)  # a folder, but no control group


def test_a_program_that_may_not_enter_its_group_runs_all_the_same(tmp_path):
    for name in ("memory.max", "memory.events"):
        (tmp_path / name).write_text("")
    group = memory_group.MemoryGroup(tmp_path, 2, 100)
    (tmp_path / "cgroup.procs").mkdir()  # cannot be written
    ran = subprocess.run(group.entering(["echo", "ran", "a b"]), capture_output=True, text=True)
    assert ran.stdout == "ran a b\n"


def test_every_closed_call_is_known_here():
    """A misspelt name would be passed over. Here libseccomp knows all but the newest calls."""
    pyseccomp = pytest.importorskip("pyseccomp")
    unknown = set()
    for name in calls.CLOSED:
        try:
            pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
        except (OSError, ValueError):
            unknown.add(name)
    assert unknown <= {"memfd_secret", "mount_setattr", "pidfd_getfd", "process_madvise"}


def test_a_machine_without_libseccomp_is_told_so(monkeypatch):
    monkeypatch.setattr(process.ctypes.util, "find_library", lambda name: None)
    process.problem.cache_clear()
    try:
        with pytest.raises(process.SandboxMissing, match="libseccomp is not installed(?s:.)*libseccomp2"):
            process.require()
    finally:
        process.problem.cache_clear()


def test_a_trusted_submission_is_not_filtered():
    record = grade.grade(
        SOURCE,
        submissions.Incoming(
            "10001", "doe", "doe.ipynb", made_up_assignment.submission(ABOUT, None, STATUS_OF_FILTER)
        ),
        trusted=True,
    )
    assert printed(record).strip() == pathlib.Path("/proc/self/status").read_text().split("Seccomp:\t")[1][0]


STATUS_OF_FILTER = "print(open('/proc/self/status').read().split('Seccomp:\\t')[1][0])"
