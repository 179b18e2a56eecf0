"""Members of a real Kubernetes cluster, for the stand-ins of products that cannot be had: k3s.py and whoever else stands in.

A product's program (here its stand-in) carries Kubernetes inside; these functions run what `platform/build` made instead, which each
host of the lab finds under /opt/platform. Nothing here knows a product's commands or paths: those come in with `Member`.

    m = Member(name='kp1', address='10.0.0.11', state=Path('/var/lib/x/server'), agent=Path('/var/lib/x/agent'), run=Path('/run/x'))
    a new cluster        make_authorities(m); s = Supervisor(m); s.serve([])
    one more server      put_secrets(m, get_secrets(of a server)); s.serve([that server's address])
    a restart            s.serve([]): there is a database, so nobody is asked
    an agent             needs agent/{server-ca,client-ca,client-kubelet}.crt and .key (`certificate` signs on a server; `request_identity`
                         asks the API with a bootstrap token); m.endpoint names the API; s.work()
    then, in turns       s.tend() every few seconds: the pods' network, routes, what left the cluster; raises Died when a program ended
    takes members out    remove_member(m, name); its Node goes by kubectl
"""
import base64, collections, ctypes, dataclasses, ipaddress, json, os, re, signal, ssl, subprocess, time, urllib.error, urllib.request
from pathlib import Path

PLATFORM = Path('/opt/platform')
SECRETS = ['server-ca', 'client-ca', 'request-header-ca', 'etcd/server-ca', 'etcd/peer-ca']
COREDNS = 'registry.k8s.io/coredns/coredns:v1.12.1'
PAUSE = 'registry.k8s.io/pause:3.10.1'


class Died(Exception):
    """A program of the member has ended."""


@dataclasses.dataclass
class Member:
    name: str
    address: str
    state: Path  # servers: tls/, cred/, db/
    agent: Path  # every node: containerd/, etc/, logs/
    run: Path
    server: bool = True
    endpoint: str = 'https://127.0.0.1:6443'  # of the API, for this node's kubelet and kube-proxy
    pod_network: str = '10.42.0.0/16'
    service_network: str = '10.43.0.0/16'
    dns_address: str = '10.43.0.10'
    dns_domain: str = 'cluster.local'
    port: int = 6443
    mtu: int = 1500
    names: list = dataclasses.field(default_factory=list)  # more names and addresses in the API's certificate
    labels: list = dataclasses.field(default_factory=list)
    taints: list = dataclasses.field(default_factory=list)
    mirrors: dict = dataclasses.field(default_factory=dict)  # registry to endpoints
    snapshotter: str = 'overlayfs'
    etcd_name: str = ''  # the member's own if empty
    arguments: dict = dataclasses.field(default_factory=dict)  # program to a list of flag=value
    role_labels: list = dataclasses.field(default_factory=lambda: ['node-role.kubernetes.io/control-plane=true', 'node-role.kubernetes.io/etcd=true'])

    @property
    def tls(self):
        return self.state / 'tls'

    @property
    def credentials(self):
        return self.state / 'cred'

    @property
    def database(self):
        return self.state / 'db/etcd'

    @property
    def socket(self):
        return self.run / 'containerd/containerd.sock'


def environment():
    path = f'{PLATFORM}/containers:{PLATFORM}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    return {k: v for k, v in os.environ.items() if k != 'NOTIFY_SOCKET'} | {'PATH': path}


def run(*argv, stdin=None):
    """What the program says; an OSError with its own words if it fails."""
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True, env=environment())
    if done.returncode:
        raise OSError(f'{argv[0]}: {(done.stderr or done.stdout).strip()}')
    return done.stdout


def write(path, text, mode=0o600):
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + '.new')
    new.write_text(text)
    new.chmod(mode)
    new.rename(path)


# Certificates. A stem is a path without .crt and .key.

def make_key(stem):
    stem.parent.mkdir(parents=True, exist_ok=True)
    if not Path(f'{stem}.key').exists():
        run('openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{stem}.key')


def make_authority(stem, name):
    make_key(stem)
    if not Path(f'{stem}.crt').exists():
        run('openssl', 'req', '-x509', '-new', '-sha256', '-key', f'{stem}.key', '-subj', f'/CN={name}', '-days', '3650', '-out', f'{stem}.crt')


def make_authorities(m):
    for stem in SECRETS:
        make_authority(m.tls / stem, f'k3s-{stem.replace("/", "-")}@{int(time.time())}')
    make_key(m.tls / 'service')


def serves(stem, authority, names):
    """Does the certificate hold for these names, and for a quarter of a year?"""
    if not Path(f'{stem}.crt').exists():
        return False
    try:
        run('openssl', 'x509', '-noout', '-checkend', 90 * 86400, '-in', f'{stem}.crt')
        run('openssl', 'verify', '-CAfile', f'{authority}.crt', f'{stem}.crt')
        said = run('openssl', 'x509', '-noout', '-ext', 'subjectAltName', '-in', f'{stem}.crt') if names else ''
    except OSError:
        return False
    return set(re.findall(r'(?:DNS|IP Address):([^,\s]+)', said)) >= set(names)


def is_address(name):
    try:
        ipaddress.ip_address(name)
        return True
    except ValueError:
        return False


def certificate(stem, authority, subject, names=()):
    """Signs what is missing, near its end, or for other names. The key stays."""
    make_key(stem)
    if serves(stem, authority, names):
        return
    extensions = 'extendedKeyUsage=clientAuth,serverAuth\nkeyUsage=digitalSignature,keyEncipherment\n'
    if names:
        extensions += 'subjectAltName=' + ','.join(f'{"IP" if is_address(n) else "DNS"}:{n}' for n in names) + '\n'
    request = run('openssl', 'req', '-new', '-sha256', '-key', f'{stem}.key', '-subj', subject)
    write(Path(f'{stem}.ext'), extensions)
    run('openssl', 'x509', '-req', '-sha256', '-days', '365', '-CA', f'{authority}.crt', '-CAkey', f'{authority}.key',
        '-set_serial', int.from_bytes(os.urandom(8), 'big') >> 1, '-extfile', f'{stem}.ext', '-out', f'{stem}.crt', stdin=request)
    os.unlink(f'{stem}.ext')


def make_certificates(m):
    """A server's own."""
    first = str(next(ipaddress.ip_network(m.service_network).hosts()))
    api = [m.name, m.address, 'localhost', '127.0.0.1', first, 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc',
           f'kubernetes.default.svc.{m.dns_domain}', *m.names]
    peer = [m.name, m.address, 'localhost', '127.0.0.1']
    client = m.tls / 'client-ca'
    certificate(m.tls / 'serving-kube-apiserver', m.tls / 'server-ca', '/CN=kube-apiserver', list(dict.fromkeys(api)))
    for name, subject in {'admin': '/O=system:masters/CN=system:admin', 'controller': '/CN=system:kube-controller-manager',
                          'scheduler': '/CN=system:kube-scheduler', 'kube-apiserver': '/O=system:masters/CN=system:apiserver'}.items():
        certificate(m.tls / f'client-{name}', client, subject)
    certificate(m.tls / 'client-auth-proxy', m.tls / 'request-header-ca', '/CN=system:auth-proxy')
    certificate(m.tls / 'etcd/client', m.tls / 'etcd/server-ca', '/CN=etcd-client')
    certificate(m.tls / 'etcd/server-client', m.tls / 'etcd/server-ca', '/CN=etcd-server', peer)
    certificate(m.tls / 'etcd/peer-server-client', m.tls / 'etcd/peer-ca', '/CN=etcd-peer', peer)
    for name in ('admin', 'controller', 'scheduler'):
        make_kubeconfig(m.credentials / f'{name}.kubeconfig', f'https://127.0.0.1:{m.port}', m.tls / 'server-ca', m.tls / f'client-{name}')
    certificate(m.agent / 'client-kubelet', client, f'/O=system:nodes/CN=system:node:{m.name}')
    for name in ('server-ca', 'client-ca'):
        write(m.agent / f'{name}.crt', (m.tls / f'{name}.crt').read_text(), 0o644)


def make_kubeconfig(path, server, authority, stem):
    """As the products write it: everything is in it, and it is all called default."""
    data = {n: base64.b64encode(Path(f).read_bytes()).decode() for n, f in
            {'authority': f'{authority}.crt', 'certificate': f'{stem}.crt', 'key': f'{stem}.key'}.items()}
    write(path, f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data['authority']}
    server: {server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {{}}
users:
- name: default
  user:
    client-certificate-data: {data['certificate']}
    client-key-data: {data['key']}
""")


def get_secrets(m):
    """What makes a machine a server of this cluster, to be carried to the next one."""
    files = [f'{s}.{e}' for s in SECRETS for e in ('crt', 'key')] + ['service.key']
    return {f: (m.tls / f).read_text() for f in files}


def put_secrets(m, secrets):
    for name, text in secrets.items():
        write(m.tls / name, text)


# The API and etcd, over HTTPS.

class Https:
    """A server, whom to trust (nobody: anyone) and who asks."""

    def __init__(self, url, authority=None, stem=None, token=None):
        self.url, self.token = url.rstrip('/'), token
        self.context = ssl.create_default_context(cadata=authority) if authority else ssl._create_unverified_context()
        if stem:
            self.context.load_cert_chain(f'{stem}.crt', f'{stem}.key')

    def raw(self, path, body=None, method=None, kind='application/json', timeout=10):
        headers = {'Content-Type': kind, 'Accept': 'application/json'}
        if self.token:
            headers['Authorization'] = f'Bearer {self.token}'
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        return urllib.request.urlopen(request, context=self.context, timeout=timeout).read()

    def __call__(self, path, body=None, method=None, **more):
        return json.loads(self.raw(path, body, method, **more) or b'{}')


def api(m):
    """As this node's administrator, where it is a server, or as its kubelet."""
    if m.server:
        return Https(f'https://127.0.0.1:{m.port}', (m.tls / 'server-ca.crt').read_text(), m.tls / 'client-admin')
    return Https(m.endpoint, (m.agent / 'server-ca.crt').read_text(), m.agent / 'client-kubelet')


def etcd(m, address='127.0.0.1'):
    return Https(f'https://{address}:2379', (m.tls / 'etcd/server-ca.crt').read_text(), m.tls / 'etcd/client')


def kubectl(m, *arguments, stdin=None):
    return run('kubectl', '--kubeconfig', m.credentials / 'admin.kubeconfig', *arguments, stdin=stdin)


def apply(m, *objects):
    kubectl(m, 'apply', '--server-side', '--force-conflicts', '-f', '-', stdin='\n---\n'.join(json.dumps(o) for o in objects))


def request_identity(m, token, patience=60):
    """Asks the API, with a bootstrap token, for a kubelet's certificate."""
    stem = m.agent / 'client-kubelet'
    make_key(stem)
    if serves(stem, m.agent / 'client-ca', ()):
        return
    ask = Https(m.endpoint, (m.agent / 'server-ca.crt').read_text(), token=token)
    request = run('openssl', 'req', '-new', '-sha256', '-key', f'{stem}.key', '-subj', f'/O=system:nodes/CN=system:node:{m.name}')
    path = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
    name = ask(path, {'apiVersion': 'certificates.k8s.io/v1', 'kind': 'CertificateSigningRequest', 'metadata': {'generateName': f'{m.name}-'},
                      'spec': {'request': base64.b64encode(request.encode()).decode(), 'signerName': 'kubernetes.io/kube-apiserver-client-kubelet',
                               'usages': ['digital signature', 'client auth']}})['metadata']['name']
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        signed = ask(f'{path}/{name}')['status'].get('certificate')
        if signed:
            return write(Path(f'{stem}.crt'), base64.b64decode(signed).decode(), 0o644)
        time.sleep(0.5)
    raise OSError(f'nobody signed the identity of {m.name}')


# etcd's members.

def members(m, address='127.0.0.1'):
    return etcd(m, address)('/v3/cluster/member/list', {})['members']


def remove_member(m, name, address='127.0.0.1'):
    """Takes the member of that name out of etcd; nothing if it is in no more."""
    for member in members(m, address):
        if member.get('name') == name:
            etcd(m, address)('/v3/cluster/member/remove', {'ID': member['ID']})


def add_member(m, address):
    """Lets this server into the etcd of the one at address, as a learner, and says what etcd must be told to start."""
    peer = f'https://{m.address}:2380'
    for member in members(m, address):
        if peer in member['peerURLs']:  # an attempt that failed, or this machine in a former life
            etcd(m, address)('/v3/cluster/member/remove', {'ID': member['ID']})
    told = etcd(m, address)('/v3/cluster/member/add', {'peerURLs': [peer], 'isLearner': True})['members']
    return ','.join(f'{x.get("name") or m.etcd_name or m.name}={x["peerURLs"][0]}' for x in told)


def promote(m, address):
    """True if this server has a vote. An error while it still learns."""
    for member in members(m, address):
        if f'https://{m.address}:2380' in member['peerURLs']:
            if not member.get('isLearner'):
                return True
            etcd(m, address)('/v3/cluster/member/promote', {'ID': member['ID']})
    return False


# Programs.

def flags(m, program, settings):
    """The program's own settings, then what the user wants: the last one counts."""
    wanted = m.arguments.get(program, [])
    return [f'--{k}={v}' for k, v in settings.items()] + [f'--{a.lstrip("-")}' for a in wanted]


def etcd_command(m, initial, existing):
    server, peer = m.tls / 'etcd/server-client', m.tls / 'etcd/peer-server-client'
    return ['etcd', *flags(m, 'etcd', {
        'name': m.etcd_name or m.name, 'data-dir': m.database,
        'listen-client-urls': f'https://127.0.0.1:2379,https://{m.address}:2379', 'advertise-client-urls': f'https://{m.address}:2379',
        'listen-peer-urls': f'https://{m.address}:2380', 'initial-advertise-peer-urls': f'https://{m.address}:2380',
        'listen-metrics-urls': 'http://127.0.0.1:2381', 'initial-cluster': initial, 'initial-cluster-state': 'existing' if existing else 'new',
        'client-cert-auth': 'true', 'cert-file': f'{server}.crt', 'key-file': f'{server}.key', 'trusted-ca-file': m.tls / 'etcd/server-ca.crt',
        'peer-client-cert-auth': 'true', 'peer-cert-file': f'{peer}.crt', 'peer-key-file': f'{peer}.key', 'peer-trusted-ca-file': m.tls / 'etcd/peer-ca.crt',
        'heartbeat-interval': 500, 'election-timeout': 5000, 'snapshot-count': 10000, 'logger': 'zap', 'log-level': 'warn'})]


def server_commands(m):
    t, c = m.tls, m.credentials
    yield 'kube-apiserver', ['kube-apiserver', *flags(m, 'kube-apiserver', {
        'advertise-address': m.address, 'bind-address': '0.0.0.0', 'secure-port': m.port, 'allow-privileged': 'true',
        'authorization-mode': 'Node,RBAC', 'enable-admission-plugins': 'NodeRestriction', 'enable-bootstrap-token-auth': 'true',
        'etcd-servers': 'https://127.0.0.1:2379', 'etcd-cafile': t / 'etcd/server-ca.crt', 'etcd-certfile': t / 'etcd/client.crt', 'etcd-keyfile': t / 'etcd/client.key',
        'client-ca-file': t / 'client-ca.crt', 'tls-cert-file': t / 'serving-kube-apiserver.crt', 'tls-private-key-file': t / 'serving-kube-apiserver.key',
        'kubelet-client-certificate': t / 'client-kube-apiserver.crt', 'kubelet-client-key': t / 'client-kube-apiserver.key',
        'kubelet-preferred-address-types': 'InternalIP,Hostname', 'service-cluster-ip-range': m.service_network,
        'service-account-issuer': f'https://kubernetes.default.svc.{m.dns_domain}', 'service-account-key-file': t / 'service.key',
        'service-account-signing-key-file': t / 'service.key', 'requestheader-client-ca-file': t / 'request-header-ca.crt',
        'requestheader-allowed-names': 'system:auth-proxy', 'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
        'requestheader-group-headers': 'X-Remote-Group', 'requestheader-username-headers': 'X-Remote-User',
        'proxy-client-cert-file': t / 'client-auth-proxy.crt', 'proxy-client-key-file': t / 'client-auth-proxy.key'})]
    # One machine carries the whole lab: who leads may be slow to say so, and need not end for it.
    patience = {'leader-elect-lease-duration': '60s', 'leader-elect-renew-deadline': '45s', 'leader-elect-retry-period': '5s'}
    for program, name in {'kube-controller-manager': 'controller', 'kube-scheduler': 'scheduler'}.items():
        own = {'allocate-node-cidrs': 'true', 'cluster-cidr': m.pod_network, 'cluster-signing-cert-file': t / 'client-ca.crt',
               'cluster-signing-key-file': t / 'client-ca.key', 'root-ca-file': t / 'server-ca.crt', 'service-account-private-key-file': t / 'service.key',
               'use-service-account-credentials': 'true', 'controllers': '*,bootstrapsigner,tokencleaner'} if name == 'controller' else {}
        yield program, [program, *flags(m, program, {'kubeconfig': c / f'{name}.kubeconfig', 'authentication-kubeconfig': c / f'{name}.kubeconfig',
                        'authorization-kubeconfig': c / f'{name}.kubeconfig', 'bind-address': '127.0.0.1', 'leader-elect': 'true', **patience, **own})]


def containerd_command(m):
    write(m.agent / 'etc/containerd/config.toml', f"""version = 2
root = "{m.agent}/containerd"
state = "{m.run}/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]

[grpc]
  address = "{m.socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{PLATFORM}/bin"
  conf_dir = "{m.agent}/etc/cni/net.d"

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "{m.agent}/etc/containerd/certs.d"

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "{m.snapshotter}"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
""")
    for registry, endpoints in m.mirrors.items():
        hosts = ''.join(f'[host."{e}"]\n  capabilities = ["pull", "resolve"]\n' for e in endpoints)
        write(m.agent / 'etc/containerd/certs.d' / registry / 'hosts.toml', hosts)
    return ['containerd', '--config', m.agent / 'etc/containerd/config.toml']


def node_commands(m):
    make_kubeconfig(m.agent / 'kubelet.kubeconfig', m.endpoint, m.agent / 'server-ca', m.agent / 'client-kubelet')
    write(m.agent / 'etc/kubelet.json', json.dumps({
        'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'cgroupDriver': 'cgroupfs', 'failSwapOn': False,
        'clusterDNS': [m.dns_address], 'clusterDomain': m.dns_domain, 'containerRuntimeEndpoint': f'unix://{m.socket}',
        'resolvConf': '/etc/resolv.conf', 'nodeStatusUpdateFrequency': '5s', 'shutdownGracePeriod': '0s',
        'authentication': {'anonymous': {'enabled': False}, 'webhook': {'enabled': True}, 'x509': {'clientCAFile': f'{m.agent}/client-ca.crt'}},
        'authorization': {'mode': 'Webhook'}}))
    settings = {'config': m.agent / 'etc/kubelet.json', 'kubeconfig': m.agent / 'kubelet.kubeconfig', 'hostname-override': m.name, 'node-ip': m.address}
    settings |= {'node-labels': ','.join(m.labels)} if m.labels else {}
    settings |= {'register-with-taints': ','.join(m.taints)} if m.taints else {}
    yield 'kubelet', ['kubelet', *flags(m, 'kubelet', settings)]
    yield 'kube-proxy', ['kube-proxy', *flags(m, 'kube-proxy', {
        'kubeconfig': m.agent / 'kubelet.kubeconfig', 'cluster-cidr': m.pod_network, 'hostname-override': m.name, 'proxy-mode': 'iptables',
        'healthz-bind-address': '127.0.0.1'})]


def end_with_parent():
    """A product's programs are parts of one: none outlives it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Supervisor:
    """Runs the member's programs as children of this process. Their words are in agent/logs."""

    def __init__(self, m, say=print):
        self.m, self.say, self.children, self.applied, self.seen = m, say, collections.OrderedDict(), {}, {}
        self.routes, self.masked = {}, False

    def start(self, name, argv):
        log = self.m.agent / 'logs' / f'{name}.log'
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, 'ab') as out:
            self.children[name] = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment(),
                                                   preexec_fn=end_with_parent, start_new_session=True)

    def watch(self):
        for name, child in self.children.items():
            if child.poll() is not None:
                lines = (self.m.agent / 'logs' / f'{name}.log').read_text(errors='replace').splitlines()[-3:]
                raise Died(f'{name} exited: {child.returncode}: ' + ' | '.join(lines))

    def until(self, what, question, patience=600):
        """Asks until the answer is true. Not yet is an error of the connection or of the other side."""
        deadline, why = time.monotonic() + patience, ''
        while True:
            self.watch()
            try:
                if question():
                    return
            except (OSError, urllib.error.URLError, KeyError, ValueError) as error:
                why = f': {error.read().decode() if isinstance(error, urllib.error.HTTPError) else error}'
            if time.monotonic() > deadline:
                raise Died(f'{what}: not in {patience} s{why}')
            time.sleep(0.3)

    def serve(self, others, reset=False):
        """A server: with others, one of their etcd's; else alone or as its own database knows. Then a node like any other."""
        m = self.m
        make_certificates(m)
        known = (m.database / 'member').exists()
        m.database.mkdir(parents=True, exist_ok=True)
        m.database.chmod(0o700)
        initial = f'{m.etcd_name or m.name}=https://{m.address}:2380'
        if others and not known:
            admitted = []
            self.until('joining etcd', lambda: admitted.append(add_member(m, others[0])) or True)
            initial = admitted[0]
        command = etcd_command(m, initial, bool(others) and not known)
        self.start('etcd', command + (['--force-new-cluster'] if reset else []))
        if others and not known:
            self.until("etcd's promotion", lambda: promote(m, others[0]))
        self.until('etcd', lambda: etcd(m)('/health')['health'] == 'true')
        if reset:
            return
        for name, argv in server_commands(m):
            self.start(name, argv)
            if name == 'kube-apiserver':
                self.until('the API', lambda: api(m).raw('/readyz') == b'ok')
        self.work()

    def work(self):
        """containerd, kubelet, kube-proxy."""
        m = self.m
        for directory in (m.run / 'containerd', m.agent / 'etc/cni/net.d'):
            directory.mkdir(parents=True, exist_ok=True)
        self.start('containerd', containerd_command(m))
        self.until('containerd', m.socket.exists)
        for name, argv in node_commands(m):
            self.start(name, argv)
        self.until('the node', lambda: api(m)(f'/api/v1/nodes/{m.name}'))
        if m.server:
            kubectl(m, 'label', '--overwrite', 'node', m.name, *m.role_labels)
            self.install(m.state / 'manifests/coredns.yaml', [*rules(), *coredns(m)])
            self.until('what every cluster has', lambda: self.deploy() is None)

    def install(self, path, objects):
        if not path.exists():
            write(path, '\n---\n'.join(json.dumps(o) for o in objects) + '\n')

    def tend(self):
        self.watch()
        try:
            nodes = api(self.m)('/api/v1/nodes')['items']
            self.network(nodes)
            if self.m.server:
                self.deploy()
                self.forget({n['metadata']['name'] for n in nodes})
        except (OSError, urllib.error.URLError, KeyError, ValueError) as error:
            self.say(f'not yet: {error}')

    def network(self, nodes):
        """A bridge for this node's pods and routes to those of the others, in place of an overlay network."""
        m = self.m
        parts = {n['metadata']['name']: (n['spec']['podCIDR'], next(a['address'] for a in n['status']['addresses'] if a['type'] == 'InternalIP'))
                 for n in nodes if n['spec'].get('podCIDR') and n['status'].get('addresses')}
        conflist = m.agent / 'etc/cni/net.d/10-flannel.conflist'
        if m.name in parts and not (conflist.exists() and parts[m.name][0] in conflist.read_text()):
            write(conflist, json.dumps({'cniVersion': '1.0.0', 'name': 'cbr0', 'plugins': [
                {'type': 'bridge', 'bridge': 'cni0', 'isDefaultGateway': True, 'hairpinMode': True, 'mtu': m.mtu,
                 'ipam': {'type': 'host-local', 'ranges': [[{'subnet': parts[m.name][0]}]], 'dataDir': f'{m.run}/cni'}},
                {'type': 'portmap', 'capabilities': {'portMappings': True}}]}))
        wanted = {part: address for name, (part, address) in parts.items() if name != m.name}
        for part, address in wanted.items():
            if self.routes.get(part) != address:
                run('ip', 'route', 'replace', part, 'via', address)
        for part in self.routes.keys() - wanted.keys():
            run('ip', 'route', 'delete', part)
        self.routes = wanted
        if not self.masked:
            masquerade(m, '-C', '-A')
            self.masked = True

    def deploy(self):
        """What lies in manifests is applied when it is new or has changed."""
        for path in sorted((self.m.state / 'manifests').glob('*.y*ml')):
            stamp = path.stat().st_mtime_ns
            if self.applied.get(path) != stamp:
                kubectl(self.m, 'apply', '--server-side', '--force-conflicts', '-f', path)
                self.applied[path] = stamp

    def forget(self, names):
        """A Node that was deleted takes its member of etcd with it, and its password; not the member of a machine that came in its place since."""
        there = [member.get('name', '') for member in members(self.m)]
        for gone in self.seen.keys() - names:
            for member in self.seen[gone]:
                remove_member(self.m, member)
            kubectl(self.m, '--namespace', 'kube-system', 'delete', 'secret', f'{gone}.node-password.k3s', '--ignore-not-found')
        self.seen = {name: {member for member in there if name in (member, member.rsplit('-', 1)[0])} for name in names}

    def stop(self):
        """In the order in which they need each other; pods live on."""
        for child in reversed(self.children.values()):
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(10)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()


def masquerade(m, *actions):
    """What pods send out of the cluster has the node's address. Each action is tried until one succeeds."""
    rule = ['POSTROUTING', '-s', m.pod_network, '!', '-d', m.pod_network, '-m', 'comment', '--comment', 'flanneld masq', '-j', 'MASQUERADE']
    for action in actions:
        try:
            return run('iptables', '-w', '-t', 'nat', action, *rule)
        except OSError:
            pass


# What a cluster has from the beginning.

def thing(kind, name, namespace=None, version='v1', **content):
    return {'apiVersion': version, 'kind': kind, 'metadata': {'name': name, **({'namespace': namespace} if namespace else {})}, **content}


def binding(name, role, subjects, namespace=None, role_kind='ClusterRole'):
    group = 'rbac.authorization.k8s.io'
    return thing('RoleBinding' if namespace else 'ClusterRoleBinding', name, namespace, f'{group}/v1',
                 roleRef={'apiGroup': group, 'kind': role_kind, 'name': role}, subjects=subjects)


def group(name):
    return {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Group', 'name': name}


def rules():
    """What nodes may do, and whoever has a bootstrap token (of any group that begins so)."""
    approve, joining, rbac = 'system:certificates.k8s.io:certificatesigningrequests', [group('system:bootstrappers')], 'rbac.authorization.k8s.io/v1'
    return [
        binding('joining-nodes-ask', 'system:node-bootstrapper', joining),
        binding('joining-nodes-are-signed', f'{approve}:nodeclient', joining),
        binding('nodes-are-signed-again', f'{approve}:selfnodeclient', [group('system:nodes')]),
        binding('nodes-proxy', 'system:node-proxier', [group('system:nodes')]),
        thing('ClusterRole', 'see-nodes', None, rbac, rules=[{'apiGroups': [''], 'resources': ['nodes'], 'verbs': ['get', 'list']}]),
        binding('nodes-see-nodes', 'see-nodes', [group('system:nodes')]),
        thing('Role', 'cluster-info', 'kube-public', rbac, rules=[{'apiGroups': [''], 'resources': ['configmaps'], 'resourceNames': ['cluster-info'], 'verbs': ['get']}]),
        binding('cluster-info', 'cluster-info', [group('system:unauthenticated'), group('system:authenticated')], 'kube-public', 'Role'),
        thing('Role', 'joining-nodes', 'kube-system', rbac, rules=[{'apiGroups': [''], 'resources': ['secrets'], 'verbs': ['get', 'create']}]),
        binding('joining-nodes', 'joining-nodes', joining, 'kube-system', 'Role')]


def coredns(m):
    rbac, labels = 'rbac.authorization.k8s.io/v1', {'k8s-app': 'kube-dns'}
    corefile = f""".:53 {{
    errors
    health {{
      lameduck 5s
    }}
    ready
    kubernetes {m.dns_domain} in-addr.arpa ip6.arpa {{
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }}
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
}}
"""
    probe = lambda path, port: {'httpGet': {'path': path, 'port': port}, 'periodSeconds': 3}
    return [
        thing('ServiceAccount', 'coredns', 'kube-system'),
        thing('ClusterRole', 'system:coredns', None, rbac, rules=[
            {'apiGroups': [''], 'resources': ['services', 'pods', 'namespaces', 'endpoints'], 'verbs': ['list', 'watch']},
            {'apiGroups': ['discovery.k8s.io'], 'resources': ['endpointslices'], 'verbs': ['list', 'watch']}]),
        binding('system:coredns', 'system:coredns', [{'kind': 'ServiceAccount', 'name': 'coredns', 'namespace': 'kube-system'}]),
        thing('ConfigMap', 'coredns', 'kube-system', data={'Corefile': corefile}),
        thing('Deployment', 'coredns', 'kube-system', 'apps/v1', spec={'selector': {'matchLabels': labels}, 'template': {
            'metadata': {'labels': labels}, 'spec': {'serviceAccountName': 'coredns', 'dnsPolicy': 'Default', 'priorityClassName': 'system-cluster-critical',
                'tolerations': [{'key': 'node-role.kubernetes.io/control-plane', 'operator': 'Exists', 'effect': 'NoSchedule'}],
                'containers': [{'name': 'coredns', 'image': COREDNS, 'args': ['-conf', '/etc/coredns/Corefile'],
                    'readinessProbe': probe('/ready', 8181), 'livenessProbe': {**probe('/health', 8080), 'initialDelaySeconds': 60},
                    'volumeMounts': [{'name': 'config', 'mountPath': '/etc/coredns', 'readOnly': True}]}],
                'volumes': [{'name': 'config', 'configMap': {'name': 'coredns'}}]}}}),
        thing('Service', 'kube-dns', 'kube-system', spec={'selector': labels, 'clusterIP': m.dns_address, 'ports': [
            {'name': 'dns', 'port': 53, 'protocol': 'UDP'}, {'name': 'dns-tcp', 'port': 53, 'protocol': 'TCP'}]})]
