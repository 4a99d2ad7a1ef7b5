"""Random commands: each area is a function from a random generator to a list of
commands, a command being a list of words."""

KEYS = ['a', 'b', 'c', 'key:1', 'key:2', 'K', b'\x00\xff', 'a' * 100]
FAR = 4102444800  # the year 2100


def key(rng):
    return rng.choice(KEYS)


def number(rng):
    return rng.choice([
        '0', '1', '-1', '7', '10', '42', '9223372036854775807',
        '-9223372036854775808', '9223372036854775806', '-9223372036854775807',
        '9223372036854775808', '-9223372036854775809', '99999999999999999999',
        '01', '+1', ' 1', '1 ', '1.0', '', '-', '-0', 'x', '1e3', '0x10'])


def floating(rng):
    return rng.choice([
        '0', '1', '-1', '1.5', '3.0e3', '.5', '5.', '-.5', '1e-20', '1e300',
        '1e4000', '-1e4932', 'inf', '-inf', 'nan', 'infinity', '0x1p3', ' 1',
        '1 ', '', 'x', '1.5x', '10.5', '5.0e3', '2.0e2', '1e5000', '-0',
        '0.1', '0.2', '3.0000000000000005', '123456789.987654321', '-0.0'])


def span(rng):
    """A time that is long, over, or none: nothing ends between the two."""
    words = number(rng)
    return '100000000' if words in ('1', '7', '10', '42') else words


def value(rng):
    return rng.choice([
        '', 'x', 'hello', 'Hello World', b'\x00\x01\xff\r\n', 'y' * 44,
        'z' * 45, 'w' * 1000, number(rng), number(rng), floating(rng)])


def index(rng):
    return rng.choice(['0', '1', '2', '3', '-1', '-2', '-3', '5', '-5', '100',
                       '-100', '1000000', number(rng)])


def cased(rng, word):
    return rng.choice([word, word, word.upper(), word.capitalize()])


def set_option(rng):
    when = rng.choice([str(FAR), str(FAR * 1000), '100000000', '0', '-1',
                       span(rng)])
    return rng.choice([
        ['nx'], ['xx'], ['get'], ['keepttl'], ['persist'], ['ex', '100000'],
        ['px', '100000000'], ['ex', '100000'], ['exat', str(FAR)], ['pxat', str(FAR * 1000)],
        ['exat', '1'], ['pxat', '1'], ['ex', when], ['px', when],
        ['exat', when], ['pxat', when], ['ex'], ['foo'], ['']])


def options(rng, make, most):
    out = []
    for _ in range(rng.choice([0, 0, 1, 1, 1, most])):
        for word in make(rng):
            out.append(cased(rng, word) if word.isalpha() else word)
    return out


def strings_command(rng):
    k, v = key(rng), value(rng)
    return rng.choice([
        ['get', k], ['set', k, v], ['set', k, v],
        ['set', k, v] + options(rng, set_option, 3),
        ['getex', k] + options(rng, set_option, 2),
        ['getset', k, v], ['getdel', k], ['setnx', k, v],
        ['setex', k, rng.choice(['100000', span(rng)]), v],
        ['psetex', k, rng.choice(['100000000', span(rng)]), v],
        ['mget'] + [key(rng) for _ in range(rng.randint(0, 4))],
        ['mset'] + [rng.choice([key(rng), v or 'x'])
                    for _ in range(rng.randint(0, 6))],
        ['msetnx'] + [key(rng) for _ in range(rng.choice([2, 4, 3]))],
        ['append', k, v], ['strlen', k],
        ['getrange', k, index(rng), index(rng)],
        ['substr', k, index(rng), index(rng)],
        ['setrange', k, rng.choice(['0', '1', '5', '100', '536870912',
                                    number(rng)]), v],
        ['pexpiretime', k], ['exists', k, k, key(rng)], ['type', k]])


def numbers_command(rng):
    k = key(rng)
    return rng.choice([
        ['set', k, number(rng)], ['set', k, floating(rng)], ['get', k],
        ['incr', k], ['decr', k], ['incrby', k, number(rng)],
        ['decrby', k, number(rng)], ['incrbyfloat', k, floating(rng)],
        ['incrbyfloat', k, floating(rng)], ['append', k, '1'],
        ['set', k, '5', 'exat', str(FAR)], ['expiretime', k]])


def expire_option(rng):
    return [rng.choice(['nx', 'xx', 'gt', 'lt', 'NX', 'foo', ''])]


def keys_command(rng):
    k, other = key(rng), key(rng)
    return rng.choice([
        ['set', k, value(rng)], ['set', k, 'v', 'exat', str(FAR)], ['get', k],
        ['del', k, other, k], ['unlink', k], ['exists', k, other],
        ['touch', k, k, other], ['type', k], ['rename', k, other],
        ['renamenx', k, other], ['copy', k, other],
        ['copy', k, other, 'replace'], ['copy', k, other, 'db', '0'],
        ['copy', k, other, 'db', rng.choice(['1', 'x', '-1'])],
        ['copy', k, other, 'foo'], ['dbsize'], ['randomkey'],
        ['keys', pattern(rng)], ['expiretime', k], ['persist', k],
        ['flushall'], ['flushdb', 'async'], ['flushall', 'foo'],
        ['flushall', 'sync', 'x'],
        ['scan', '0'], ['scan', 'x'], ['scan', '0', 'count', '0'],
        ['scan', '0', 'count', 'x'], ['scan', '0', 'match'],
        ['scan', '0', 'foo', 'x'], ['scan', '0', 'type', 'string']])


def pattern(rng):
    return rng.choice([
        '*', '?', 'a*', '*a', 'key:*', 'key:?', 'key:[12]', '[a-c]', '[c-a]',
        '[^a]', '[^a-b]', '\\a', 'a\\', '[', '[a', '[a-', '[]', '[\\]]',
        'k*:*1', '**', '*?*', 'K', '', '?*?', 'a' * 99 + '?', '[ab]', '[^]'])


def expiry_command(rng):
    k = key(rng)
    name = rng.choice(['expire', 'pexpire', 'expireat', 'pexpireat'])
    far = {'expire': '1000000', 'pexpire': '1000000000',
           'expireat': str(FAR), 'pexpireat': str(FAR * 1000)}[name]
    when = rng.choice([far, far, far, far + '0', '0', '-1', '-100',
                       span(rng)])
    return rng.choice([
        ['set', k, 'v'], ['set', k, 'v', 'exat', str(FAR + rng.randint(0, 9))],
        [name, k, when], [name, k, when] + options(rng, expire_option, 3),
        [name, k, when] + options(rng, expire_option, 2),
        ['ttl', k], ['pttl', k], ['persist', k], ['get', k], ['exists', k],
        ['getex', k, 'persist'], ['rename', k, key(rng)],
        ['copy', k, key(rng), 'replace'], ['append', k, 'x'],
        ['set', k, 'w', 'keepttl'], ['ttl', k]])


def multi_command(rng):
    return rng.choice([
        ['multi'], ['multi'], ['exec'], ['exec'], ['discard'],
        ['watch', 'w'], ['unwatch'], ['watch'], ['watch', 'w', 'never'],
        ['del', 'w'],
        ['set', 'w', '1'], ['incr', 'w'], ['get', 'w'], ['append', 'w', ''],
        ['set', key(rng), number(rng)], ['incr', key(rng)], ['get', key(rng)],
        ['del', key(rng)], ['mset', 'a', '1', 'b', '2'],
        ['keys', 'key:1'], ['dbsize'], ['append', key(rng), 'x'],
        ['rename', key(rng), key(rng)], ['copy', key(rng), key(rng)],
        ['expireat', key(rng), str(FAR)], ['expireat', key(rng), '1'],
        ['persist', key(rng)], ['exists'] + KEYS, ['mget'] + KEYS,
        ['echo', 'x'], ['ping'], ['select', '0'], ['nosuch'], ['get'],
        ['exec', 'x'], ['reset'], ['time', 'x'],
        ['lcs', key(rng), key(rng)], ['hello', rng.choice(['2', '3'])]])


def transactions(rng):
    return [['set', 'w', '0']] + [multi_command(rng) for _ in range(60)]


def batch_command(rng):
    return rng.choice([strings_command, numbers_command, expiry_command])(rng)


def batches(rng):
    """Transactions that change more than a few keys, and everything."""
    commands = []
    for _ in range(4):
        commands.append(['multi'])
        commands += [['set', 'n%d' % rng.randint(0, 99), 'x']
                     for _ in range(rng.choice([1, 5, 20, 40]))]
        commands += [batch_command(rng) for _ in range(rng.randint(0, 20))]
        if rng.random() < 0.3:
            commands.append(['flushall'])
        commands += [['set', 'm%d' % rng.randint(0, 9), 'y']
                     for _ in range(rng.choice([0, 3, 20]))]
        commands += [['exists', 'm1', 'm2'] + KEYS, ['exec'], ['keys', '*'],
                     ['mget', 'n1', 'n2', 'n3', 'm1', 'm2'] + KEYS]
    return commands


def misuse_command(rng):
    name = rng.choice([
        'get', 'set', 'mget', 'mset', 'incr', 'del', 'expire', 'ttl', 'scan',
        'lcs', 'getrange', 'config', 'client', 'object', 'memory', 'command',
        'function', 'hello', 'auth', 'select', 'ping', 'echo', 'wait',
        'multi', 'discard', 'exec', 'watch', 'reset', 'nosuch', 'dbsize',
        'randomkey', 'copy', 'getex', 'append', 'type', 'rename', 'unwatch'])
    words = [rng.choice(['a', 'b', '0', '1', '', 'x y', 'help2', 'FOO', 'NX',
                         'on', 'default', "q'q", 'z' * 200])
             for _ in range(rng.randint(0, 6))]
    if name in ('object', 'memory', 'command', 'client', 'config', 'function'):
        words[:1] = [rng.choice(['nosuch', 'Foo', 'x' * 130, ''])]
    if name in ('set', 'mset', 'expire', 'copy', 'getex', 'append', 'rename',
                'incr'):
        words = [w or 'k' for w in words]  # an empty key is not one
    if name == 'scan' and words[:1] == ['1']:
        words[0] = '0'  # no cursor that was given out
    if name == 'wait' and words[:1] == ['1']:
        words[0] = '0'  # Redis waits for replicas that never come
    return [cased(rng, name)] + words


def connection_command(rng):
    return rng.choice([
        ['ping'], ['ping', 'x'], ['ping', 'x', 'y'], ['echo', value(rng)],
        ['select', rng.choice(['0', '1', '-1', 'x'])], ['auth', 'x'],
        ['auth', 'default', 'x'], ['auth', 'joe', 'x'], ['auth', 'a', 'b', 'c'],
        ['hello', '4'], ['hello', 'x'], ['hello', '3', 'foo'],
        ['hello', '3', 'auth', 'joe', 'x'], ['hello', '2', 'setname'],
        ['hello', '3', 'setname', 'a b'], ['client', 'getname'],
        ['client', 'setname', rng.choice(['me', 'a b', '', 'x\n'])],
        ['client', 'reply', rng.choice(['on', 'foo'])],
        ['client', 'no-evict', rng.choice(['on', 'off', 'x'])],
        ['client', 'list', 'type', 'foo'], ['client', 'list', 'id', 'x'],
        ['client', 'list', 'foo'], ['client', 'kill', 'id', 'x'],
        ['client', 'kill', '1.2.3.4:5'], ['client', 'kill', 'type', 'foo'],
        ['client', 'kill', 'user', 'joe'], ['client', 'kill', 'foo', 'bar'],
        ['client', 'kill', 'id', '999999', 'skipme', 'yes'],
        ['client', 'kill', 'id', '1', 'foo'], ['client', 'info', 'x'],
        ['wait', '0', '0'], ['wait', 'x', '0'], ['wait', '0', 'x'],
        ['wait', '0', '-1'], ['function', 'flush'],
        ['function', 'flush', 'foo'], ['object', 'encoding', 'nosuch'],
        ['memory', 'usage', 'nosuch'], ['memory', 'usage', 'nosuch', 'x'],
        ['memory', 'usage', 'k', 'samples', 'x'],
        ['config', 'get', 'nosuch'], ['config', 'get', 'appendfsyn?x'],
        ['config', 'get', 'maxmemory'], ['config', 'get', 'save', 'maxmem?ry'],
        ['config', 'set', 'nosuch', '1'], ['config', 'set', 'a', '1', 'b'],
        ['config', 'resetstat'], ['command', 'getkeys', 'get', 'k'],
        ['command', 'getkeys', 'mset', 'a', '1', 'b', '2'],
        ['command', 'getkeys', 'ping'], ['command', 'getkeys', 'nosuch'],
        ['command', 'getkeys', 'get'], ['command', 'info', 'nosuch'],
        ['command', 'list', 'foo'], ['command', 'docs', 'nosuch'],
        ['command', 'list', 'filterby', 'pattern', 'inc*'],
        ['command', 'list', 'filterby', 'module', 'x']])


def lcs_command(rng):
    k, other = rng.choice('ab'), rng.choice('abc')
    letters = rng.choice(['ab', 'abc', 'abcdefgh'])
    word = ''.join(rng.choice(letters) for _ in range(rng.randint(0, 40)))
    option = rng.choice(['len', 'idx', 'withmatchlen', 'foo', 'IDX'])
    return rng.choice([
        ['set', k, word], ['set', k, word], ['lcs', k, other],
        ['lcs', k, other, 'idx'], ['lcs', k, other, 'len'],
        ['lcs', k, other, 'idx', 'withmatchlen'],
        ['lcs', k, other, 'idx', 'minmatchlen',
         rng.choice(['0', '1', '2', '4', '-1', 'x'])],
        ['lcs', k, other, option, option], ['lcs', k, other, 'minmatchlen']])


def encoding_commands(rng):
    v = value(rng)
    return [['set', 'k', v], ['object', 'encoding', 'k'], ['strlen', 'k']]


def many(make, count):
    return lambda rng: [make(rng) for _ in range(count)]


def named(name, function):
    function.__name__ = name
    return function


def flat(make, count):
    return lambda rng: [c for _ in range(count) for c in make(rng)]


AREAS = [
    named('strings', many(strings_command, 60)),
    named('numbers', many(numbers_command, 60)),
    named('keys', many(keys_command, 60)),
    named('expiry', many(expiry_command, 60)),
    transactions,
    batches,
    named('misuse', many(misuse_command, 60)),
    named('connections', many(connection_command, 60)),
    named('subsequences', many(lcs_command, 40)),
    named('encodings', flat(encoding_commands, 20)),
]
