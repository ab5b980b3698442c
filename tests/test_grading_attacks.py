"""Programs that try to get more of the machine than the sandbox gives, one attack each."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess

import psutil
import pytest

from aecourse.grading import assignment, feedback, grade, submissions
from aecourse.grading.inside import calls
from aecourse.grading.sandbox import fork_server, memory_group, process
from tools import made_up_assignment

SOURCE = made_up_assignment.source()
SMALL = made_up_assignment.source(memory_mb=1024)
SHORT = made_up_assignment.source(seconds=6)
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
BECOME_ROOT = """
import os, shutil, subprocess
for become, number in ((os.setuid, 0), (os.setgid, 0), (os.setgroups, [0]), (os.setreuid, 0)):
    try:
        become(number, 0) if become is os.setreuid else become(number)
        print("BECAME", os.getuid())
    except OSError:
        pass
shell = shutil.copy("/bin/sh", "/tmp/shell")
os.chmod(shell, 0o6755)
before = str(os.getuid())
for line in (f"{shell} -p -c 'id -u'", "su -c 'id -u'", "sudo -n id -u", "pkexec id -u"):
    try:
        ran = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=5, stdin=-3)
        print("BECAME" if ran.stdout.strip() not in ("", before) else "stayed", ran.stdout)
    except (OSError, subprocess.TimeoutExpired):
        pass
"""
CHANGE_WHAT_IS_READ_ONLY = """
import os, aecourse, numpy
for file in (aecourse.__file__, numpy.__file__, os.__file__, "/usr/bin/env"):
    for change in (
        lambda: os.chmod(file, 0o777),
        lambda: os.rename(file, file + "x"),
        lambda: os.unlink(file),
        lambda: os.truncate(file, 0),
        lambda: os.utime(file, (0, 0)),
        lambda: os.setxattr(file, "user.x", b"1"),
        lambda: os.link(file, "/tmp/linked"),
        lambda: os.symlink("/tmp", os.path.dirname(file) + "/linked"),
        lambda: os.mkdir(os.path.dirname(file) + "/made"),
        lambda: os.mknod("/tmp/disk", 0o60666, 0x0800),
    ):
        try:
            change()
            print("CHANGED", file)
        except OSError:
            pass
"""
# The patterns do not match themselves, so the notebook does not hold what it looks for.
SEARCH_ALL_MEMORY = """
import re
searched = 0
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", buffering=0) as memory:
    for line in maps.readlines():
        first, last = (int(end, 16) for end in line.split()[0].split("-"))
        if " r" not in line or last - first > 2**28:
            continue
        try:
            memory.seek(first)
            data = memory.read(last - first)
        except (OSError, ValueError, OverflowError):
            continue
        searched += len(data)
        if re.search(rb"hidden_[h]eron|the-instructors-[o]wn", data):
            print("FOUND", line)
        del data
print("searched" if searched > 2**24 else "too little", searched)
"""
WRITE_INTO_OTHERS = """
import os
for number in sorted(map(int, filter(str.isdigit, os.listdir("/proc")))):
    if number == os.getpid():
        continue
    for name in ("mem", "comm", "clear_refs", "uid_map", "timerslack_ns", "setgroups"):
        try:
            with open(f"/proc/{number}/{name}", "r+b", buffering=0) as stream:
                stream.write(b"0")
            print("WRITTEN", number, name)
        except OSError:
            pass
"""
OPEN_FILES = """
import os
for name in os.listdir("/proc/self/fd"):
    try:
        leads = os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        continue
    if leads != "/dev/null" and not leads.startswith(("socket:", "/proc", "anon_inode:", "pipe:")):
        print("OPEN", leads)
print("sockets", sum(os.readlink(f"/proc/self/fd/{n}").startswith("socket:") for n in ("3",)))
"""
KILL_THE_FIRST_PROCESS = """
import os, signal
for number in (1, os.getppid(), -1):
    for sent in (signal.SIGTERM, signal.SIGSTOP, signal.SIGHUP, signal.SIGUSR1):
        try:
            if number > 0 and number != os.getpid():
                os.kill(number, sent)
        except OSError:
            pass
print("went on")
"""
STOP_ITSELF = "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"
AN_ERROR_THAT_NEVER_DESCRIBES_ITSELF = """
class Error(Exception):
    def __str__(self):
        while True:
            pass
raise Error
"""
AN_ERROR_THAT_EXITS = """
import os
class Error(Exception):
    def __str__(self):
        os._exit(0)
raise Error
"""
MANY_THREADS = """
import threading
wait, started = threading.Event(), []
try:
    for _ in range(20_000):
        started.append(threading.Thread(target=wait.wait, daemon=True))
        started[-1].start()
except (RuntimeError, MemoryError):
    print("stopped after", len(started))
else:
    print("NOT BOUNDED")
wait.set()
"""
MANY_TIMERS = """
import ctypes
libc, made, timer = ctypes.CDLL(None), 0, ctypes.c_void_p()
while made < 200_000 and libc.syscall(222, 1, None, ctypes.byref(timer)) == 0:
    made += 1
print("stopped after" if made < 200_000 else "NOT BOUNDED", made)
"""
MANY_WATCHES = """
import ctypes, os, select
libc, made = ctypes.CDLL(None), 0
try:
    while made < 100_000:
        select.epoll(), libc.inotify_init(), os.eventfd(0)
        made, _ = made + 1, os.dup(0)
except OSError:
    print("stopped after", made)
else:
    print("NOT BOUNDED")
os.closerange(4, 2**16)
"""
PICTURE_OF_BILLIONS_OF_PIXELS = """
import struct, zlib
from IPython.display import display
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
head = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
lines = zlib.compress(bytes(7_501 * 99))
png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
display({"image/png": png, "text/plain": "shown"}, raw=True)
"""
DISPLAY_WITHOUT_END = """
from IPython.display import display
for number in range(50_000):
    display({"text/plain": "x" * 1000, "text/html": "<script>alert(1)</script>"}, raw=True)
"""
ANSWER_IN_ITS_PLACE = """
import gc
for channel in gc.get_objects():
    if type(channel).__name__ == "BlockingChannel":
        print("found")
        passed = {"outcome": "passed", "earned": 99, "parts": {}}
        channel.send({"result": passed, "value": ["plain", 1], "ready": True})
        channel.send({"outputs": [{"picture": "x" * 10**5}] * 9, "late": "no", "seconds": float("nan")})
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
    ("become root", BECOME_ROOT, {"graded"}, "BECAME", ""),
    ("change what is read-only", CHANGE_WHAT_IS_READ_ONLY, {"graded"}, "CHANGED", ""),
    ("search all memory", SEARCH_ALL_MEMORY, {"graded"}, "FOUND", "searched"),
    ("write into others", WRITE_INTO_OTHERS, {"graded"}, "WRITTEN", ""),
    ("files left open", OPEN_FILES, {"graded"}, "OPEN", "sockets 1"),
    ("kill the first process", KILL_THE_FIRST_PROCESS, {"graded"}, "", "went on"),
    ("stop itself", STOP_ITSELF, {"timed out"}, "", ""),
    ("an error without end", AN_ERROR_THAT_NEVER_DESCRIBES_ITSELF, {"timed out"}, "", ""),
    ("an error that exits", AN_ERROR_THAT_EXITS, {"crashed"}, "", ""),
    ("threads without end", MANY_THREADS, {"graded"}, "NOT BOUNDED", "stopped after"),
    ("timers without end", MANY_TIMERS, {"graded"}, "NOT BOUNDED", "stopped after"),
    ("watches without end", MANY_WATCHES, {"graded"}, "NOT BOUNDED", "stopped after"),
    ("a picture of billions of pixels", PICTURE_OF_BILLIONS_OF_PIXELS, {"graded"}, "", ""),
    ("displays without end", DISPLAY_WITHOUT_END, {"graded"}, "<script", "x"),
    ("answer in its place", ANSWER_IN_ITS_PLACE, {"graded", "crashed", "timed out"}, "", ""),
]
# Answers that would be expensive, or endless, for who reads them.
ANSWERS = {
    "a number of many digits": "10 ** 200_000",
    "a text of 300 MB": "'x' * (300 * 2**20)",
    "a list in a list in a list": "__import__('functools').reduce(lambda x, _: [x], range(50_000), [])",
    "a list that holds itself": "(lambda own: own.append(own) or own)([])",
    "a million lists": "[[] for _ in range(10**6)]",
    "numbers without end": "iter(int, 1)",
    "a range of a billion": "range(10**9)",
    "an array that says it is large": "np.broadcast_to(np.float64(0), (2**20, 2**12))",
    "an array of objects": "np.array([object()] * 10**5)",
    "a half of a pair": "'\\ud800' * 9",
    "times that are none": "np.full((30, 4), np.datetime64('NaT'))",
    "fields within fields": "np.zeros(3, dtype=[('a', [('b', 'O')])])",
}


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
    record = run(code, SHORT if statuses == {"timed out"} else SOURCE)
    assert record.status in statuses, (record.status, record.notes)
    assert always in printed(record)
    assert not never or never not in printed(record)
    assert psutil.Process().num_fds() <= before


@pytest.mark.parametrize("expression", ANSWERS.values(), ids=list(ANSWERS))
def test_an_answer_that_is_hard_to_read_costs_its_own_points_alone(expression):
    """Whatever one function returns, the other three are graded, and our own processes hold out."""
    data = made_up_assignment.submission(ABOUT, {"scale": f"def scale(X):\n    return {expression}"})
    record = grade.grade(SOURCE, submissions.Incoming("10001", "doe", "doe.ipynb", data))
    assert record.status in {"graded", "timed out", "out of memory", "crashed"}, record.notes
    earned = {cell.name: cell.earned for cell in record.cells if cell.kind == "test"}
    assert earned == {**made_up_assignment.FULL_MARKS, "test-scale": 0}


def test_a_picture_that_a_browser_cannot_bear_is_not_on_the_page():
    record = run(PICTURE_OF_BILLIONS_OF_PIXELS)
    [output] = [output for cell in record.shown if cell["report"] for output in cell["report"]["outputs"]]
    assert feedback.picture_address(output.get("picture", "")) == ""
    assert "data:image" not in feedback.student_page(record)


def test_nothing_of_one_submission_is_there_for_the_next(server):
    """Both are forked from one server: files, memory and modules of the first are its own."""
    mark = f"left-by-{os.getpid()}"
    places = ["/tmp", "/home/student", "/dev/shm", "/var/tmp", "/run", "/dev/mqueue"]
    leave = f"""
import builtins, os, sys, tempfile
for place in {places!r}:
    try:
        open(os.path.join(place, {mark!r}), "w").close()
        print("left in", place)
    except OSError:
        pass
builtins.left = sys.modules["numpy"].left = os.environ["LEFT"] = {mark!r}
"""
    find = f"""
import builtins, os, sys
print("FOUND", [place for place in {places!r} if os.path.exists(os.path.join(place, {mark!r}))],
      hasattr(builtins, "left"), hasattr(sys.modules["numpy"], "left"), os.environ.get("LEFT"))
"""
    assert printed(run(leave)).count("left in") >= 3
    assert "FOUND [] False False None" in printed(run(find))


def test_sockets_of_the_machine_are_out_of_reach(tmp_path):
    """Those with an abstract name, with a path, and of this machine's own network address."""
    name, path = f"\0aecourse-{os.getpid()}", f"/tmp/aecourse-{os.getpid()}.sock"
    with contextlib.ExitStack() as stack:
        addresses = []
        for family, address in (
            (socket.AF_UNIX, name),
            (socket.AF_UNIX, path),
            (socket.AF_INET, ("127.0.0.1", 0)),
        ):
            listening = stack.enter_context(socket.socket(family))
            listening.bind(address)
            listening.listen()
            addresses.append((int(family), listening.getsockname() if family == socket.AF_INET else address))
        stack.callback(os.unlink, path)
        for family, address in addresses:  # from outside each answers
            with socket.socket(family) as one:
                one.connect(address)
        code = f"""
import socket
print([name for _, name in socket.if_nameindex()])
for family, address in {addresses!r}:
    try:
        socket.socket(family).connect(address)
        print("CONNECTED", address)
    except OSError as problem:
        print("refused")
"""
        words = printed(run(code))
    assert "['lo']" in words and words.count("refused") == 3 and "CONNECTED" not in words


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
