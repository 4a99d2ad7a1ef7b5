"""Servers to talk to, and a connection that speaks RESP without a library.

Servers run on Unix sockets in a directory of their own and end with the
program that started them, whatever happens to it.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile

PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Error(str):
    """An error reply: its text, code in front."""


class Status(str):
    """A simple string."""


class Null:
    """The null of a kind: bulk ($-1), array (*-1) or RESP3's own (_)."""

    def __init__(self, kind):
        self.kind = kind

    def __eq__(self, other):
        return isinstance(other, Null) and other.kind == self.kind

    def __repr__(self):
        return 'null(%s)' % self.kind


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.file = self.socket.makefile('rb')

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *commands):
        self.socket.sendall(b''.join(encode(c) for c in commands))

    def receive(self):
        """One reply: bytes, int, Status, Error, Null, list, or a tuple of a
        kind ('map', 'set', 'text', 'double') and its content."""
        line = self.file.readline()
        if not line.endswith(b'\r\n'):
            raise EOFError('the connection was closed')
        kind, rest = line[:1], line[1:-2]
        if kind == b'+':
            return Status(rest.decode('latin-1'))
        if kind == b'-':
            return Error(rest.decode('latin-1'))
        if kind == b':':
            return int(rest)
        if kind == b'_':
            return Null('_')
        if kind == b',':
            return ('double', rest)
        if kind in b'$=':
            if int(rest) < 0:
                return Null('$')
            data = self.file.read(int(rest) + 2)[:-2]
            return data if kind == b'$' else ('text', data)
        if kind in b'*~>':
            if int(rest) < 0:
                return Null('*')
            items = [self.receive() for _ in range(int(rest))]
            return items if kind == b'*' else ('set', items)
        if kind == b'%':
            return ('map', [self.receive() for _ in range(2 * int(rest))])
        raise ValueError('a reply begins with %r' % line)

    def call(self, *words):
        self.send(words)
        return self.receive()


def encode(words):
    out = [b'*%d\r\n' % len(words)]
    for word in words:
        if not isinstance(word, bytes):
            word = str(word).encode()
        out.append(b'$%d\r\n%s\r\n' % (len(word), word))
    return b''.join(out)


class Server:
    """A server that is ready when the constructor is done."""

    def __init__(self, directory):
        self.directory = directory
        self.process = None
        self.path = None

    def stop(self):
        self.process.terminate()
        return self.process.wait()

    def connect(self):
        return Connection(self.path)


class KvServer(Server):
    def __init__(self, directory, *options):
        super().__init__(directory)
        ready, theirs = os.pipe()
        self.path = os.path.join(directory, 'kv.sock')
        self.process = subprocess.Popen(
            ['kv-serve', '-d', os.path.join(directory, 'store'), '--port', '0',
             '--socket', self.path, '--ready-fd', str(theirs), *options],
            pass_fds=[theirs], stderr=subprocess.PIPE, text=True,
            preexec_fn=die_with_parent)
        os.close(theirs)
        with os.fdopen(ready, 'rb') as end:
            if end.read(1) != b'\n':
                raise RuntimeError('kv-serve does not start: '
                                   + self.process.stderr.read())
        listening = self.process.stderr.readline()
        self.port = int(listening.split(' and ')[0].rsplit(':', 1)[1])


class RedisServer(Server):
    """Redis itself: one program with redis-check-rdb, which the package
    redis-tools has; the name that it is called by decides."""

    def __init__(self, directory):
        super().__init__(directory)
        self.path = os.path.join(directory, 'redis.sock')
        self.process = subprocess.Popen(
            ['redis-server', '--port', '0', '--unixsocket', self.path,
             '--databases', '1', '--save', '', '--dir', directory],
            executable=shutil.which('redis-check-rdb'),
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        for line in self.process.stdout:
            if 'ready to accept' in line.lower():
                return
        raise RuntimeError('redis-server does not start')


def scratch():
    """A directory with a path short enough for a socket."""
    return tempfile.TemporaryDirectory(prefix='kv-redis-', dir='/tmp')


class Tap:
    """Prints the outcome of tests as t/run reads it."""

    def __init__(self):
        self.count = self.failed = 0

    def test(self, name, function, *arguments):
        self.count += 1
        try:
            function(*arguments)
        except Exception as e:  # whatever it is, the test has failed
            self.failed += 1
            for line in (type(e).__name__ + ': ' + str(e)).splitlines():
                print('# ' + line)
            print('not ok %d %s' % (self.count, name), flush=True)
            return
        print('ok %d %s' % (self.count, name), flush=True)

    def finish(self):
        print('1..%d' % self.count)
        return 1 if self.failed else 0
