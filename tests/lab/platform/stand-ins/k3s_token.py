"""Tokens of k3s, and what a node says to a cluster with them before it is in. Used by k3s.py.

A token is K10 HASH :: USER : PASSWORD, with the hash of the cluster's authority, or PASSWORD alone. The real one shows it to a supervisor
beside the API; here it is turned into a bootstrap token of Kubernetes, which the API itself takes.
"""
import base64, hashlib, json, os, re, secrets, ssl, subprocess, time, urllib.error, urllib.request
from pathlib import Path

import cluster
import k3s_settings

PASSWORD = Path('/etc/rancher/node/password')
GROUPS = {'server': 'system:bootstrappers:k3s:server', 'node': 'system:bootstrappers:k3s:node'}


class Rejected(Exception):
    """The cluster does not take this node."""


def parse(token):
    """The hash ('' where there is none) and the password."""
    match = re.fullmatch(r'K10([0-9a-f]{64})::(?:[^:]*:)?(.+)', token)
    if match:
        return match[1], match[2]
    if token.startswith('K10'):
        raise Rejected('invalid token format')
    return '', token


def full(authority, user, password):
    return f'K10{hashlib.sha256(authority.encode()).hexdigest()}::{user}:{password}'


def bootstrap(password):
    """The bootstrap token behind a password; one that has that form is meant as it is."""
    if re.fullmatch(r'[a-z0-9]{6}\.[a-z0-9]{16}', password):
        return password
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f'{digest[:6]}.{digest[6:22]}'


def bootstrap_secret(password, kind, description, expires=None):
    name, secret = bootstrap(password).split('.')
    data = {'token-id': name, 'token-secret': secret, 'usage-bootstrap-authentication': 'true', 'usage-bootstrap-signing': 'true',
            'auth-extra-groups': GROUPS[kind], 'description': description, **({'expiration': expires} if expires else {})}
    return cluster.thing('Secret', f'bootstrap-token-{name}', 'kube-system', type='bootstrap.kubernetes.io/token', stringData=data)


def seal(password, data, opens=False):
    """Encrypts, or opens, what only a server's token may read."""
    reading, writing = os.pipe()
    os.write(writing, password.encode() + b'\n')
    os.close(writing)
    argv = ['openssl', 'enc', '-aes-256-cbc', '-pbkdf2', '-a', '-A', '-pass', f'fd:{reading}'] + (['-d'] if opens else [])
    try:
        done = subprocess.run(argv, input=data, capture_output=True, pass_fds=[reading])
    finally:
        os.close(reading)
    if done.returncode:
        raise Rejected('bootstrap data is encrypted with a different token')
    return done.stdout


def trust(url, wanted):
    """The cluster's authority, as the cluster says it; it must be the one of the token."""
    try:
        told = cluster.Https(url).raw('/api/v1/namespaces/kube-public/configmaps/cluster-info')
        kubeconfig = json.loads(json.loads(told)['data']['kubeconfig'])
        authority = base64.b64decode(kubeconfig['clusters'][0]['cluster']['certificate-authority-data']).decode()
    except (OSError, KeyError, ValueError, ssl.SSLError) as error:
        raise OSError(f'failed to get CA certs: Get "{url}/cacerts": {error}')
    have = hashlib.sha256(authority.encode()).hexdigest()
    if wanted and have != wanted:
        raise Rejected(f'token CA hash does not match the Cluster CA certificate hash: {wanted} != {have}')
    return authority


def clients(url, authority, password):
    """The authority of the cluster's clients, for the kubelet of an agent."""
    try:
        ask = cluster.Https(url, authority, token=bootstrap(password))
        return ask('/api/v1/namespaces/kube-public/configmaps/cluster-info')['data']['client-ca.crt']
    except urllib.error.HTTPError as error:
        raise Rejected(f'{url}/v1-k3s/client-ca.crt: {error.code} {error.reason}')


def ask(url, authority, password, name):
    """A secret of kube-system, with the token; None where there is none."""
    try:
        return cluster.Https(url, authority, token=bootstrap(password))(f'/api/v1/namespaces/kube-system/secrets/{name}')
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        if error.code in (401, 403):
            raise Rejected(f'{url}/v1-k3s/config: {error.code} {error.reason}')
        raise


def own_password():
    if not PASSWORD.exists():
        cluster.write(PASSWORD, secrets.token_hex(16) + '\n')
    return PASSWORD.read_text().strip()


def claim(url, authority, password, node):
    """The node's name is taken with the node's own password: nobody else can come under it."""
    mine, name = hashlib.sha256(own_password().encode()).hexdigest(), f'{node}.node-password.k3s'
    there = ask(url, authority, password, name)
    if there is None:
        cluster.Https(url, authority, token=bootstrap(password))('/api/v1/namespaces/kube-system/secrets', cluster.thing(
            'Secret', name, 'kube-system', type='Opaque', immutable=True, stringData={'hash': mine}))
    elif base64.b64decode(there['data']['hash']).decode() != mine:
        raise Rejected("Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server node-passwd "
                       'entry, try enabling a unique node name with the --with-node-id flag')


def join(url, password, authority, settings):
    """What a server needs of the others, where its settings agree with theirs."""
    there = ask(url, authority, password, 'k3s-bootstrap')
    if there is None:
        raise Rejected(f'{url}/v1-k3s/server-bootstrap: 503 Service Unavailable: the server has no embedded etcd; begin it with --cluster-init')
    data = json.loads(seal(password, base64.b64decode(there['data']['data']), opens=True))
    differ = [key for key in k3s_settings.CRITICAL if data['critical'].get(key) != settings.get(key)]
    if differ:
        raise Rejected(f'failed to validate server configuration: critical configuration value mismatch between servers: {", ".join(differ)}')
    return data['secrets']


def publish(m, password, agent_password, settings, etcd=True):
    """What joining nodes look for, in the API."""
    authority = (m.tls / 'server-ca.crt').read_text()
    kubeconfig = {'apiVersion': 'v1', 'kind': 'Config', 'clusters': [{'name': '', 'cluster': {
        'server': f'https://{m.address}:{m.port}', 'certificate-authority-data': base64.b64encode(authority.encode()).decode()}}]}
    objects = [bootstrap_secret(password, 'server', 'the token of servers')]
    if agent_password != password:
        objects.append(bootstrap_secret(agent_password, 'node', 'the token of agents'))
    objects.append(cluster.thing('ConfigMap', 'cluster-info', 'kube-public', data={
        'kubeconfig': json.dumps(kubeconfig), 'client-ca.crt': (m.tls / 'client-ca.crt').read_text()}))
    if etcd:
        data = {'secrets': cluster.get_secrets(m), 'critical': {k: settings[k] for k in k3s_settings.CRITICAL if k in settings}}
        objects.append(cluster.thing('Secret', 'k3s-bootstrap', 'kube-system', stringData={'data': seal(password, json.dumps(data).encode()).decode()}))
    cluster.apply(m, *objects)


def expiry(text):
    """`24h0m0s` from now, as the API writes times."""
    units = {'h': 3600, 'm': 60, 's': 1}
    seconds = sum(float(n) * units[u] for n, u in re.findall(r'([0-9.]+)([hms])', text))
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + seconds)) if seconds else None
