"""The services of the stand-in for MicroK8s: what `snap run microk8s.daemon-NAME` runs.

k8s-dqlite is etcd underneath, on dqlite's port, and keeps the two files by which one tells its state; kubelite is the rest of Kubernetes;
the cluster agent takes joining nodes in; an agent's proxy stands in front of the servers' API.
"""
import http.server, json, select, signal, socket, socketserver, ssl, sys, threading, time, urllib.error
from pathlib import Path

import cluster
import microk8s_addons as addons
import microk8s_node as node
from cluster import Supervisor

JOINED = node.OWN / 'joined'  # the address by which the others know this server's database; not there as long as it is alone
INITIAL = node.OWN / 'initial-cluster'


def say(words):
    print(words, file=sys.stderr, flush=True)


def supervise(m, begin, tend, pause):
    """Runs what `begin` starts, looks after it every so many seconds, and ends it when systemd says so."""
    s = Supervisor(m, say)

    def stop(*_):
        s.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    try:
        begin(s)
        while True:
            s.watch()
            try:
                tend(s)
            except (OSError, urllib.error.URLError, KeyError, ValueError, StopIteration) as error:
                say(f'not yet: {error}')
            time.sleep(pause)
    except (cluster.Died, OSError) as error:
        say(str(error))
        s.stop()
        sys.exit(1)


# The database.

def peer(address):
    return f'https://{address}:{node.DQLITE_PORT}'


def address_of(member):
    return member['peerURLs'][0].removeprefix('https://')


def roles(m):
    """Who is in the database, and as what: dqlite has three voters, and keeps the others in reserve."""
    known = sorted(cluster.members(m), key=lambda x: int(x['ID']))
    voters = [x for x in known if not x.get('isLearner') and x.get('name')]
    return [(address_of(x) if JOINED.exists() else f'127.0.0.1:{node.DQLITE_PORT}', int(x['ID']), 0 if x in voters[:3] else 1 if x in voters else 2) for x in known]


def promote_learners(m):
    for member in cluster.members(m):
        if member.get('isLearner') and member.get('name'):
            try:
                cluster.etcd(m)('/v3/cluster/member/promote', {'ID': member['ID']})
            except urllib.error.HTTPError:
                pass  # it has not learnt everything yet


def keep_files(s):
    m = s.m
    promote_learners(m)
    lines = [f'- Address: {address}\n  ID: {number}\n  Role: {role}\n' for address, number, role in roles(m)]
    path = node.BACKEND / 'cluster.yaml'
    if not path.exists() or path.read_text() != ''.join(lines):
        cluster.write(path, ''.join(lines), 0o660)
        mine = m.address if JOINED.exists() else '127.0.0.1'
        cluster.write(node.BACKEND / 'info.yaml', next(line for line in lines if f'Address: {mine}:' in line).replace('- ', '', 1).replace('\n  ', '\n'), 0o660)
        node.share(node.BACKEND)


def begin_database(s):
    m = s.m
    node.put_certificates(m)
    known = (m.database / 'member').exists()
    m.database.mkdir(parents=True, exist_ok=True)
    m.database.chmod(0o700)
    joins = INITIAL.exists() and not known
    s.start('etcd', cluster.etcd_command(m, INITIAL.read_text() if joins else f'{m.name}={peer(m.address)}', joins))
    s.until('the database', lambda: cluster.members(m))


def k8s_dqlite():
    if node.locked('no-k8s-dqlite'):
        return say('k8s-dqlite will not run')
    supervise(node.member(), begin_database, keep_files, 1)


# Kubernetes.

def containerd():
    m = node.member()
    (m.run / 'containerd').mkdir(parents=True, exist_ok=True)
    supervise(m, lambda s: s.start('containerd', cluster.containerd_command(m)), lambda s: None, 1)


def begin_kubernetes(s):
    m = s.m
    if m.server:
        s.until('the database', lambda: cluster.etcd(m)('/health')['health'] == 'true')
        node.put_certificates(m)
        for name, argv in cluster.server_commands(m):
            s.start(name, argv)
            if name == 'kube-apiserver':
                s.until('the API', lambda: cluster.api(m).raw('/readyz') == b'ok', 600)  # five of them may begin at once on two processors
    (m.agent / 'etc/cni/net.d').mkdir(parents=True, exist_ok=True)
    s.until('containerd', m.socket.exists)
    for name, argv in cluster.node_commands(m):
        s.start(name, argv)
    s.until('the node', lambda: cluster.api(m)(f'/api/v1/nodes/{m.name}'))
    if m.server:
        s.install(m.state / 'manifests/rules.yaml', cluster.rules())
        first = m.state / 'begun'
        if not first.exists():
            s.deploy()
            if not JOINED.exists():
                cluster.kubectl(m, 'apply', '--filename', node.ARGS / 'cni-network/cni.yaml')
                addons.begin(m)
            first.touch()


def tend_kubernetes(s):
    nodes = cluster.api(s.m)('/api/v1/nodes')['items']
    s.network(nodes)
    if s.m.server:
        s.deploy()
    else:
        servers = [a['address'] for n in nodes if 'node.kubernetes.io/microk8s-controlplane' in n['metadata']['labels']
                   for a in n['status']['addresses'] if a['type'] == 'InternalIP']
        put_providers([f'{address}:{node.API_PORT}' for address in servers])


def kubelite():
    (node.LOCKS / 'stopped.lock').unlink(missing_ok=True)
    supervise(node.member(), begin_kubernetes, tend_kubernetes, 3)


# Where an agent finds the API.

def put_providers(servers):
    text = 'tcp:\n  routers:\n    Router-1:\n      rule: HostSNI(`*`)\n      service: kube-apiserver\n      tls:\n        passthrough: true\n' \
           '  services:\n    kube-apiserver:\n      loadBalancer:\n        servers:\n' + ''.join(f'        - address: {s}\n' for s in servers)
    if servers and (not node.PROVIDERS.exists() or node.PROVIDERS.read_text() != text):
        cluster.write(node.PROVIDERS, text, 0o660)


def providers():
    lines = node.PROVIDERS.read_text().splitlines()
    return [(host, int(port)) for host, _, port in (line.split('address: ')[1].rpartition(':') for line in lines if 'address: ' in line)]


class Proxy(socketserver.BaseRequestHandler):
    """One connection, to the first server that takes it."""

    def handle(self):
        for server in providers():
            try:
                other = socket.create_connection(server, timeout=3)
                break
            except OSError:
                continue
        else:
            return
        other.settimeout(None)
        with other:
            while True:
                for ready in select.select([self.request, other], [], [])[0]:
                    try:
                        data = ready.recv(65536)
                    except OSError:
                        return
                    if not data:
                        return
                    (other if ready is self.request else self.request).sendall(data)


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = daemon_threads = True


def apiserver_proxy():
    if node.locked('no-apiserver-proxy'):
        return say('apiserver-proxy will not run')
    Server(('127.0.0.1', node.API_PORT), Proxy).serve_forever()


# The cluster agent.

class Refused(Exception):
    """Status and words of a refusal."""


def take_token(token):
    """Is there such a token? One without a time to live is good for one node."""
    lines = node.TOKENS.read_text().splitlines() if node.TOKENS.exists() else []
    for line in lines:
        known, _, expiry = line.partition('|')
        if known == token and token and (not expiry or int(expiry) > time.time()):
            if not expiry:
                cluster.write(node.TOKENS, ''.join(f'{other}\n' for other in lines if other != line), 0o660)
            return
    raise Refused(500, 'invalid token')


def resolves(name, address):
    try:
        return address in {entry[4][0] for entry in socket.getaddrinfo(name, None, socket.AF_INET)}
    except OSError:
        return False


def invite(request, remote, host):
    take_token(request.get('token'))
    if remote == host:
        raise Refused(503, f'the joining node has the same IP ({host}) as the node we contact')
    if not resolves(request['hostname'], remote):
        raise Refused(400, f'the hostname "{request["hostname"]}" does not resolve to the IP "{remote}". refusing join')
    m = node.member()
    known = cluster.members(m)
    if any(address_of(x).startswith(f'{remote}:') for x in known):
        raise Refused(504, f'joining node "{remote}" is already known to dqlite')
    if not JOINED.exists():
        cluster.write(JOINED, host)
    answer = {'ca': (node.CERTS / 'ca.crt').read_text(), 'apiport': str(m.port), 'hostname_override': remote, 'ca_key': None,
              'kubelet_args': (node.ARGS / 'kubelet').read_text()}
    if request.get('worker'):
        stem = node.OWN / 'issued' / request['hostname']
        cluster.certificate(stem, m.tls / 'client-ca', f'/O=system:nodes/CN=system:node:{request["hostname"]}')
        answer |= {'clients': (m.tls / 'client-ca.crt').read_text(), 'identity': [Path(f'{stem}.{e}').read_text() for e in ('crt', 'key')]}
        for ending in ('crt', 'key'):  # one that comes again gets another
            Path(f'{stem}.{ending}').unlink()
        return answer
    told = cluster.etcd(m)('/v3/cluster/member/add', {'peerURLs': [peer(remote)], 'isLearner': True})['members']
    initial = ','.join(f'{x.get("name") or request["hostname"]}={x["peerURLs"][0]}' for x in told)
    return answer | {'ca_key': (node.CERTS / 'ca.key').read_text(), 'voters': [address_of(x) for x in known], 'secrets': cluster.get_secrets(m),
                     'initial': initial}


class Agent(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    turns = threading.Lock()

    def answer(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(200 if self.path == '/health' else 404, {'status': 'OK'} if self.path == '/health' else {'error': 'not found'})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        if self.path != '/cluster/api/v2.0/join':
            return self.answer(404, {'error': 'not found'})
        try:
            with self.turns:
                self.answer(200, invite(json.loads(body), self.client_address[0], self.connection.getsockname()[0]))
        except Refused as refused:
            self.answer(refused.args[0], {'error': refused.args[1]})
        except (OSError, KeyError, ValueError) as error:
            words = error.read().decode() if isinstance(error, urllib.error.HTTPError) else error
            self.answer(500, {'error': f'failed to retrieve dqlite cluster nodes: {words}'})

    def log_message(self, format, *arguments):
        say(f'{self.client_address[0]} {format % arguments}')


def cluster_agent():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(node.CERTS / 'server.crt', node.CERTS / 'server.key')
    server = http.server.ThreadingHTTPServer(('0.0.0.0', node.AGENT_PORT), Agent)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


def apiserver_kicker():
    """The real one looks for changed addresses; here it is there to be seen."""
    signal.sigwait({signal.SIGTERM})


SERVICES = {'containerd': containerd, 'k8s-dqlite': k8s_dqlite, 'kubelite': kubelite, 'cluster-agent': cluster_agent,
            'apiserver-proxy': apiserver_proxy, 'apiserver-kicker': apiserver_kicker}
