"""The commands of k3s that do one thing and end: kubectl, ctr, token, etcd-snapshot, certificate. Called by k3s.py."""
import base64, json, os, secrets, socket, subprocess, sys, time
from pathlib import Path

import cluster
import k3s_token
from k3s_token import Rejected

DATA = Path('/var/lib/rancher/k3s')
SNAPSHOTS = DATA / 'server/db/snapshots'


def here():
    """This server, as far as these commands need it."""
    if not (DATA / 'server/tls').exists():
        raise OSError('this is no server: /var/lib/rancher/k3s/server is missing')
    return cluster.Member(name=socket.gethostname().lower(), address='127.0.0.1', state=DATA / 'server', agent=DATA / 'agent', run=Path('/run/k3s'))


def run_kubectl(arguments):
    environment = cluster.environment()
    environment.setdefault('KUBECONFIG', '/etc/rancher/k3s/k3s.yaml')
    os.execve(cluster.PLATFORM / 'bin/kubectl', ['kubectl', *arguments], environment)


def run_ctr(arguments):
    os.execve(cluster.PLATFORM / 'containers/ctr', ['ctr', '--address', '/run/k3s/containerd/containerd.sock', '--namespace', 'k8s.io', *arguments], cluster.environment())


def no_crictl(arguments):
    raise OSError('this stand-in for k3s has no crictl')


def option(arguments, name, default=''):
    """Takes --name VALUE or --name=VALUE out of the arguments."""
    for place, word in enumerate(arguments):
        if word == f'--{name}' and place + 1 < len(arguments):
            value = arguments[place + 1]
            del arguments[place:place + 2]
            return value
        if word.startswith(f'--{name}='):
            return arguments.pop(place).partition('=')[2]
    return default


def token(arguments):
    m, command = here(), arguments.pop(0) if arguments else ''
    authority = (m.tls / 'server-ca.crt').read_text()
    if command == 'generate':
        print(f'{secrets.token_hex(3)}.{secrets.token_hex(8)}')
    elif command == 'create':
        lives, words = option(arguments, 'ttl', '24h0m0s'), option(arguments, 'description', 'k3s token create')
        made = arguments[0] if arguments else f'{secrets.token_hex(3)}.{secrets.token_hex(8)}'
        if k3s_token.bootstrap(made) != made:
            raise OSError(f'the bootstrap token "{made}" was not of the form "[a-z0-9]{{6}}.[a-z0-9]{{16}}"')
        cluster.apply(m, k3s_token.bootstrap_secret(made, 'node', words, k3s_token.expiry(lives)))
        name, _, secret = made.partition('.')
        print(f'K10{k3s_token.full(authority, name, secret)[3:67]}::{name}.{secret}')
    elif command == 'list':
        found = json.loads(cluster.kubectl(m, '-n', 'kube-system', 'get', 'secrets', '--field-selector', 'type=bootstrap.kubernetes.io/token', '-o', 'json'))
        print('TOKEN     TTL       EXPIRES                USAGES           DESCRIPTION      EXTRA GROUPS')
        for item in found['items']:
            data = {k: base64.b64decode(v).decode() for k, v in item['data'].items()}
            print(f'{data["token-id"]}    {"<forever>" if "expiration" not in data else "<set>"}  {data.get("expiration", "<never>")}  '
                  f'authentication,signing  {data.get("description", "<none>")}  {data["auth-extra-groups"]}')
    elif command == 'delete' and arguments:
        for name in arguments:
            cluster.kubectl(m, '-n', 'kube-system', 'delete', 'secret', f'bootstrap-token-{name.partition(".")[0]}')
            print(f'bootstrap token "{name}" deleted')
    elif command == 'rotate':
        rotate(m, authority, option(arguments, 'token'), option(arguments, 'new-token') or secrets.token_hex(16))
    else:
        raise OSError('k3s token create | delete | generate | list | rotate')


def rotate(m, authority, old, new):
    """Everything that was sealed with the old token is sealed with the new one."""
    held = k3s_token.parse((m.state / 'token').read_text().strip())[1]
    if old and k3s_token.parse(old)[1] != held:
        raise Rejected('the token is not the one of this server')
    there = json.loads(cluster.kubectl(m, '-n', 'kube-system', 'get', 'secret', 'k3s-bootstrap', '-o', 'json'))
    data = k3s_token.seal(held, base64.b64decode(there['data']['data']), opens=True)
    cluster.apply(m, k3s_token.bootstrap_secret(new, 'server', 'the token of servers'),
                  cluster.thing('Secret', 'k3s-bootstrap', 'kube-system', stringData={'data': k3s_token.seal(new, data).decode()}))
    cluster.kubectl(m, '-n', 'kube-system', 'delete', 'secret', f'bootstrap-token-{k3s_token.bootstrap(held)[:6]}')
    cluster.write(m.state / 'token', k3s_token.full(authority, 'server', new) + '\n')
    print('Token rotated, restart k3s with new token')


def snapshot(arguments):
    m, command = here(), arguments.pop(0) if arguments else 'save'
    if command in ('ls', 'list', 'l'):
        print('Name Location Size Created')
        for path in sorted(SNAPSHOTS.glob('*')):
            made = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(path.stat().st_mtime))
            print(f'{path.name} file://{path} {path.stat().st_size} {made}')
    elif command == 'save':
        save(m, option(arguments, 'name', 'on-demand'))
    elif command == 'delete' and arguments:
        for name in arguments:
            (SNAPSHOTS / name).unlink()
            print(f'Snapshot {name} deleted.')
    elif command == 'prune':
        keep, name = int(option(arguments, 'snapshot-retention', '5')), option(arguments, 'name', 'on-demand')
        for path in sorted(SNAPSHOTS.glob(f'{name}-*'), key=lambda p: p.stat().st_mtime)[:-keep or None]:
            path.unlink()
            print(f'Snapshot {path.name} deleted.')
    else:
        raise OSError('k3s etcd-snapshot save | ls | delete | prune')


def save(m, name):
    """etcd streams its database, as lines of JSON with a part in each."""
    SNAPSHOTS.mkdir(parents=True, exist_ok=True)
    SNAPSHOTS.chmod(0o700)
    path = SNAPSHOTS / f'{name}-{m.name}-{int(time.time())}'
    lines = cluster.etcd(m).raw('/v3/maintenance/snapshot', {}, timeout=60).splitlines()
    with open(path, 'wb') as file:
        for line in lines:
            file.write(base64.b64decode(json.loads(line)['result'].get('blob', '')))
    path.chmod(0o600)
    print(f'Snapshot {path.name} saved.')


def certificate(arguments):
    m, command = here(), arguments.pop(0) if arguments else ''
    names = sorted(p for p in [*m.tls.rglob('*.crt'), *m.agent.glob('client-*.crt')] if not p.stem.endswith('-ca'))
    if command == 'check':
        print('FILENAME                        SUBJECT                        EXPIRES                   STATUS')
        for path in names:
            ends = subprocess.run(['openssl', 'x509', '-noout', '-subject', '-enddate', '-checkend', '0', '-in', str(path)], capture_output=True, text=True)
            subject, end = (line.partition('=')[2].strip() for line in ends.stdout.splitlines()[:2])
            print(f'{path.name:<31} {subject:<30} {end:<25} {"OK" if ends.returncode == 0 else "EXPIRED"}')
    elif command == 'rotate':
        if subprocess.run(['systemctl', 'is-active', '--quiet', 'k3s']).returncode == 0:
            raise OSError('certificates are rotated while k3s is stopped: systemctl stop k3s')
        for path in names:
            path.unlink()
        print('Successfully backed up certificates, please restart k3s server or agent to rotate certificates')
    else:
        raise OSError('k3s certificate check | rotate')


COMMANDS = {'kubectl': run_kubectl, 'ctr': run_ctr, 'crictl': no_crictl, 'token': token, 'etcd-snapshot': snapshot, 'certificate': certificate}
