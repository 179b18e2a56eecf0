"""A node of the stand-in for MicroK8s: where things lie, what its argument files say, and what an installation puts down.

Used by microk8s.py (the command), microk8s_daemons.py (the services) and snap.py (which installs it). See README.md.
"""
import base64, hashlib, os, re, secrets, shutil, socket, subprocess
from pathlib import Path

import cluster

SNAP = Path('/snap/microk8s/current')
DATA = Path('/var/snap/microk8s/current')
COMMON = Path('/var/snap/microk8s/common')
ARGS, CERTS, CREDENTIALS, LOCKS = DATA / 'args', DATA / 'certs', DATA / 'credentials', DATA / 'var/lock'
BACKEND = DATA / 'var/kubernetes/backend'
TOKENS = CREDENTIALS / 'cluster-tokens.txt'
PROVIDERS = ARGS / 'traefik/provider.yaml'  # where an agent's proxy finds the API servers
OWN = DATA / 'var/stand-in'  # what the real one has inside its programs
DAEMONS = ['containerd', 'k8s-dqlite', 'kubelite', 'cluster-agent', 'apiserver-proxy', 'apiserver-kicker']
DQLITE_PORT, AGENT_PORT, API_PORT = 19001, 25000, 16443

DEFAULT_ARGUMENTS = {
    'kube-apiserver': ['--cert-dir=${SNAP_DATA}/certs', '--service-cluster-ip-range=10.152.183.0/24', '--authorization-mode=AlwaysAllow',
                       '--client-ca-file=${SNAP_DATA}/certs/ca.crt', '--tls-cert-file=${SNAP_DATA}/certs/server.crt',
                       '--tls-private-key-file=${SNAP_DATA}/certs/server.key', f'--secure-port={API_PORT}', '--allow-privileged=true',
                       '--etcd-servers="unix://${SNAP_DATA}/var/kubernetes/backend/kine.sock:12379"', '--event-ttl=5m', '--profiling=false'],
    'kubelet': ['--kubeconfig=${SNAP_DATA}/credentials/kubelet.config', '--cert-dir=${SNAP_DATA}/certs', '--client-ca-file=${SNAP_DATA}/certs/ca.crt',
                '--anonymous-auth=false', '--root-dir=${SNAP_COMMON}/var/lib/kubelet', '--fail-swap-on=false',
                '--container-runtime-endpoint=${SNAP_COMMON}/run/containerd.sock', '--containerd=${SNAP_COMMON}/run/containerd.sock',
                '--node-labels=microk8s.io/cluster=true,node.kubernetes.io/microk8s-controlplane=microk8s-controlplane'],
    'kube-proxy': ['--kubeconfig=${SNAP_DATA}/credentials/proxy.config', '--cluster-cidr=10.1.0.0/16', '--healthz-bind-address=127.0.0.1', '--profiling=false'],
    'kube-controller-manager': ['--kubeconfig=${SNAP_DATA}/credentials/controller.config', '--use-service-account-credentials', '--profiling=false'],
    'kube-scheduler': ['--kubeconfig=${SNAP_DATA}/credentials/scheduler.config', '--leader-elect-lease-duration=60s', '--profiling=false'],
    'kubelite': ['--start-control-plane=true'],
    'k8s-dqlite': ['--storage-dir=${SNAP_DATA}/var/kubernetes/backend/', '--listen=unix://${SNAP_DATA}/var/kubernetes/backend/kine.sock:12379'],
    'containerd': ['--config ${SNAP_DATA}/args/containerd.toml', '--root ${SNAP_COMMON}/var/lib/containerd', '--state ${SNAP_COMMON}/run/containerd',
                   '--address ${SNAP_COMMON}/run/containerd.sock'],
    'containerd-env': ['# To set a proxy: HTTPS_PROXY=http://10.0.0.1:3128'],
    'cluster-agent': [f'--bind 0.0.0.0:{AGENT_PORT}', '--timeout 240', '--keyfile "${SNAP_DATA}/certs/server.key"', '--certfile "${SNAP_DATA}/certs/server.crt"'],
    'apiserver-proxy': ['--refresh-interval=30s', '--traefik-config=${SNAP_DATA}/args/traefik/traefik.yaml'],
    'ha-conf': [],
}
# Of the real one, what somebody may want to change.
NETWORK = """kind: ConfigMap
apiVersion: v1
metadata:
  name: calico-config
  namespace: kube-system
data:
  calico_backend: "vxlan"
  veth_mtu: "0"
"""
TEMPLATE = """[ req ]
default_bits = 2048
prompt = no
default_md = sha256
req_extensions = req_ext
distinguished_name = dn

[ dn ]
C = GB
ST = Canonical
L = Canonical
O = Canonical
OU = Canonical
CN = 127.0.0.1

[ req_ext ]
subjectAltName = @alt_names

[ alt_names ]
DNS.1 = kubernetes
DNS.2 = kubernetes.default
DNS.3 = kubernetes.default.svc
DNS.4 = kubernetes.default.svc.cluster
DNS.5 = kubernetes.default.svc.cluster.local
IP.1 = 127.0.0.1
IP.2 = 10.152.183.1
#MOREIPS

[ v3_ext ]
authorityKeyIdentifier=keyid,issuer:always
basicConstraints=CA:FALSE
keyUsage=keyEncipherment,dataEncipherment,digitalSignature
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=@alt_names
"""


def name():
    return socket.gethostname().lower()


def own_address():
    """The address of the default route, which `microk8s` takes where nobody says otherwise."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(('192.0.2.1', 9))
        return s.getsockname()[0]


def addresses():
    said = subprocess.run(['ip', '-4', '-o', 'addr', 'show', 'scope', 'global'], capture_output=True, text=True).stdout
    return [a for a in re.findall(r' inet ([0-9.]+)/', said) if not a.startswith('10.1.')]


def parse(lines):
    """Flag to value; both `--flag=value` and `--flag value` are written there."""
    found = {}
    for line in lines:
        matched = re.match(r'(--[A-Za-z0-9-]+)(?:[= ](.*))?$', line.strip())
        if matched:
            found[matched[1]] = (matched[2] or '').strip().strip('"\'')
    return found


def arguments(file):
    return parse((ARGS / file).read_text().splitlines())


def added(file, *own):
    """What somebody has put into an argument file, or changed there, of what the program itself is told."""
    usual = parse(DEFAULT_ARGUMENTS[file])
    return [f'{flag}={value}' if value else flag for flag, value in arguments(file).items() if flag not in own and usual.get(flag) != value]


def locked(lock):
    return (LOCKS / lock).exists()


def is_worker():
    return locked('clustered.lock')


def certificate_names():
    """What the template of the server certificate adds to the usual names."""
    found = re.findall(r'(?m)^\s*(?:DNS|IP)\.\d+\s*=\s*(\S+)', (CERTS / 'csr.conf.template').read_text())
    return list(dict.fromkeys(found + addresses()))


def member():
    """This node, as cluster.py runs it, from its argument files."""
    kubelet, api, proxy = arguments('kubelet'), arguments('kube-apiserver'), arguments('kube-proxy')
    address = kubelet.get('--node-ip') or api.get('--advertise-address') or own_address()
    m = cluster.Member(name=name(), address=address, state=OWN, agent=COMMON / 'stand-in', run=COMMON / 'run', server=not is_worker(),
                       endpoint=f'https://127.0.0.1:{API_PORT}', pod_network=proxy.get('--cluster-cidr', '10.1.0.0/16'),
                       service_network=api.get('--service-cluster-ip-range', '10.152.183.0/24'), dns_address='10.152.183.10',
                       port=int(api.get('--secure-port', API_PORT)), mtu=packet())
    m.names = certificate_names()
    m.labels = [label for label in kubelet.get('--node-labels', '').split(',') if label]
    m.role_labels = ['microk8s.io/cluster=true']
    peer = f'https://{address}:{DQLITE_PORT}'
    m.arguments = {
        'etcd': ['listen-client-urls=https://127.0.0.1:2379', 'advertise-client-urls=https://127.0.0.1:2379',
                 f'listen-peer-urls={peer}', f'initial-advertise-peer-urls={peer}'],
        'kubelet': added('kubelet', '--node-ip', '--node-labels', '--client-ca-file'), 'kube-proxy': added('kube-proxy', '--cluster-cidr'), 'kube-scheduler': added('kube-scheduler'),
        'kube-apiserver': added('kube-apiserver', '--advertise-address', '--secure-port', '--service-cluster-ip-range'), 'kube-controller-manager': added('kube-controller-manager')}
    if subprocess.run(['systemd-detect-virt', '--quiet', '--container']).returncode == 0:  # the real one knows LXC's by itself too
        m.arguments['kube-proxy'] += ['conntrack-max-per-core=0', 'conntrack-min=0', 'conntrack-tcp-timeout-established=0s', 'conntrack-tcp-timeout-close-wait=0s']
    return m


def packet():
    """The largest packet of pods, as the network's manifest says it; 0 is for finding it out."""
    found = re.search(r'veth_mtu: "(\d+)"', (ARGS / 'cni-network/cni.yaml').read_text())
    return int(found[1]) or 1450 if found else 1450


def put_certificates(m):
    """The certificates under the names that MicroK8s gives them."""
    cluster.make_certificates(m)
    for there, here in {'server-ca': 'ca', 'serving-kube-apiserver': 'server', 'request-header-ca': 'front-proxy-ca',
                        'client-auth-proxy': 'front-proxy-client'}.items():
        for ending, mode in (('crt', 0o660), ('key', 0o660)):
            cluster.write(CERTS / f'{here}.{ending}', (m.tls / f'{there}.{ending}').read_text(), mode)
    cluster.write(CERTS / 'serviceaccount.key', (m.tls / 'service.key').read_text(), 0o660)
    for directory in (m.tls / 'etcd/server-client', m.tls / 'etcd/peer-server-client'):
        ending = Path(f'{directory}.crt')
        if ending.exists():
            cluster.write(BACKEND / 'cluster.crt', ending.read_text(), 0o660)
            cluster.write(BACKEND / 'cluster.key', Path(f'{directory}.key').read_text(), 0o660)
    share(CERTS)
    share(BACKEND)
    put_kubeconfig(m)


def put_kubeconfig(m):
    data = {k: base64.b64encode(Path(f).read_bytes()).decode() for k, f in
            {'ca': m.tls / 'server-ca.crt', 'crt': m.tls / 'client-admin.crt', 'key': m.tls / 'client-admin.key'}.items()}
    cluster.write(CREDENTIALS / 'client.config', f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {data['ca']}
    server: https://127.0.0.1:{m.port}
  name: microk8s-cluster
contexts:
- context:
    cluster: microk8s-cluster
    user: admin
  name: microk8s
current-context: microk8s
kind: Config
preferences: {{}}
users:
- name: admin
  user:
    client-certificate-data: {data['crt']}
    client-key-data: {data['key']}
""", 0o660)
    share(CREDENTIALS)


def share(directory):
    """Members of the group microk8s may read what MicroK8s keeps."""
    for path in [directory, *directory.iterdir()]:
        shutil.chown(path, 'root', 'microk8s')


def fingerprint():
    """What follows the token in an invitation: who joins can tell by it whom it talks to."""
    der = subprocess.run(['openssl', 'x509', '-outform', 'der', '-in', CERTS / 'server.crt'], capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()[:12]


def lay_out():
    """What an installation puts down: a cluster of this node alone."""
    for directory in (ARGS, CERTS, CREDENTIALS, LOCKS, BACKEND, OWN, ARGS / 'certs.d', ARGS / 'cni-network', PROVIDERS.parent, COMMON / 'run', COMMON / 'stand-in'):
        directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(['groupadd', '--force', '--system', 'microk8s'], check=True)
    for file, lines in DEFAULT_ARGUMENTS.items():
        cluster.write(ARGS / file, ''.join(f'{line}\n' for line in lines), 0o660)
    cluster.write(CERTS / 'csr.conf.template', TEMPLATE, 0o660)
    cluster.write(ARGS / 'cni-network/cni.yaml', NETWORK, 0o660)
    for lock in ('ha-cluster', 'lite.lock', 'no-apiserver-proxy'):
        (LOCKS / lock).touch()
    store = Path('/var/lib/containerd')  # of the lab, where that is a file system that images can lie on
    here = COMMON / 'stand-in/containerd'
    if os.path.ismount(store) and not here.is_symlink():
        (store / 'microk8s').mkdir(exist_ok=True)
        here.symlink_to(store / 'microk8s')
    certs = COMMON / 'stand-in/etc/containerd/certs.d'
    if not certs.is_symlink():
        certs.parent.mkdir(parents=True, exist_ok=True)
        certs.symlink_to(ARGS / 'certs.d')
    begin_alone()


def begin_alone():
    """A new cluster of one; what there was of another one goes."""
    for path in (OWN, BACKEND):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    for file in ('client-kubelet.crt', 'client-kubelet.key'):
        (COMMON / 'stand-in' / file).unlink(missing_ok=True)
    cluster.write(CREDENTIALS / 'callback-token.txt', secrets.token_hex(32) + '\n')
    m = member()
    cluster.make_authorities(m)
    put_certificates(m)
    for directory in (ARGS, CERTS, CREDENTIALS):
        share(directory)


def service(verb, *daemons):
    subprocess.run(['systemctl', verb, *(f'snap.microk8s.daemon-{d}.service' for d in daemons)], check=True)
