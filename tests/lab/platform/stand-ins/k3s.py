"""A stand-in for k3s: its commands, paths, files, units, tokens and messages, with the Kubernetes of `platform/build` underneath.

`build` beside this makes one file of it, which the lab serves where the roles expect the release. See README.md for what it does not do.
"""
import json, os, secrets, signal, socket, subprocess, sys, time, urllib.error
from pathlib import Path

import cluster
import k3s_commands
import k3s_settings
import k3s_token
from cluster import Member, Supervisor
from k3s_settings import Refused
from k3s_token import Rejected

VERSION = 'v@KUBERNETES@+k3s1'  # `build` fills it in
DATA = Path('/var/lib/rancher/k3s')
KUBECONFIG = Path('/etc/rancher/k3s/k3s.yaml')
HELP = """NAME:
   k3s - Kubernetes, but small and simple (a stand-in of the tests of kplay, not the real one)

USAGE:
   k3s [global options] command [command options] [arguments...]

COMMANDS:
   server         Run management server
   agent          Run node agent
   kubectl        Run kubectl
   ctr            Run ctr
   token          Manage bootstrap tokens
   etcd-snapshot  Manage etcd snapshots
   certificate    Manage K3s certificates
"""


def log(level, message):
    stamp = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    print(f'time="{stamp}" level={level} msg={json.dumps(message)}', file=sys.stderr, flush=True)


def fatal(message):
    log('fatal', message)
    sys.exit(1)


def notify(text):
    """Tells systemd, where it waits to be told."""
    path = os.environ.get('NOTIFY_SOCKET')
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(text.encode(), '\0' + path[1:] if path.startswith('@') else path)


def own_address():
    """The address of the default route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(('192.0.2.1', 9))
        return s.getsockname()[0]


def member(role, settings):
    server = role == 'server'
    name = settings.get('node-name') or socket.gethostname().lower()
    if settings.get('with-node-id'):
        name += '-' + k3s_token.own_password()[:8]
    address = settings.get('node-ip', [own_address()])[0]
    if settings.get('advertise-address', address) != address:
        raise Refused('this stand-in for k3s has no --advertise-address other than --node-ip')
    listens = subprocess.run(['ip', '-o', 'addr', 'show', *([settings['flannel-iface']] if 'flannel-iface' in settings else [])], capture_output=True, text=True)
    if listens.returncode:
        raise Refused(f'unable to find interface {settings["flannel-iface"]}: route ip+net: no such network interface')
    if f' {address}/' not in listens.stdout:
        raise Refused(f'failed to start networking: {address} is not configured on interface {settings.get("flannel-iface", "any")}')
    arguments = {program: settings.get(f'{program}-arg', []) for program in
                 ('kubelet', 'kube-proxy', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'etcd')}
    m = Member(name=name, address=address, state=DATA / 'server', agent=DATA / 'agent', run=Path('/run/k3s'), server=server,
               names=settings.get('tls-san', []), labels=settings.get('node-label', []), taints=settings.get('node-taint', []),
               mirrors=k3s_settings.mirrors(), snapshotter=settings.get('snapshotter', 'overlayfs'), arguments=arguments)
    if 'flannel-iface' in settings:
        link = Path('/sys/class/net') / settings['flannel-iface'] / 'mtu'
        m.mtu = int(link.read_text()) - 50  # room for the tunnel, as flannel leaves it
    if server:
        m.pod_network, m.service_network, m.dns_address = (settings[k][0] for k in ('cluster-cidr', 'service-cidr', 'cluster-dns'))
        m.dns_domain, m.port = settings['cluster-domain'], int(settings['https-listen-port'])
        m.endpoint = f'https://127.0.0.1:{m.port}'
        given = m.database.parent / 'name'
        m.etcd_name = given.read_text().strip() if given.exists() else f'{m.name}-{secrets.token_hex(4)}'
    else:
        m.endpoint = settings['server'].rstrip('/')
    return m


def until_told(m, run):
    """Runs the member until systemd or a user says that it is enough."""
    supervisor = Supervisor(m, lambda words: log('info', words))

    def stop(*_):
        log('info', 'Shutdown request received')
        supervisor.stop()
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        run(supervisor)
        supervisor.tend()
        log('info', 'k3s is up and running')
        notify('READY=1')
        while True:
            time.sleep(5)
            supervisor.tend()
    except (cluster.Died, Rejected, OSError) as error:
        supervisor.stop()
        fatal(str(error))


def begin_or_join(m, settings, password):
    """Before anything runs: the authorities, new or those of the cluster. Returns the address of a server to join, if one is to be joined."""
    if (m.database / 'member').exists():
        if settings.get('server'):
            log('info', 'Managed etcd cluster bootstrap already complete and initialized')
        return []
    if not settings.get('server'):
        cluster.make_authorities(m)
        return []
    url = settings['server']
    wanted, _ = k3s_token.parse(settings['token'])
    authority = k3s_token.trust(url, wanted)
    found = k3s_token.join(url, password, authority, settings)
    k3s_token.claim(url, authority, password, m.name)
    cluster.put_secrets(m, found)
    cluster.make_certificates(m)
    nodes = cluster.Https(url, authority, m.tls / 'client-admin')('/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fetcd%3Dtrue')['items']
    addresses = [a['address'] for n in nodes for a in n['status']['addresses'] if a['type'] == 'InternalIP' and a['address'] != m.address]
    for address in addresses:
        try:
            cluster.members(m, address)
            return [address]
        except OSError as error:
            log('warning', f'etcd of {address} does not answer: {error}')
    raise Rejected('no etcd of the cluster answers')


def server(arguments):
    settings = k3s_settings.read('server', arguments)
    m = member('server', settings)
    token_file = m.state / 'token'
    token = settings.get('token') or (token_file.read_text().strip() if token_file.exists() else '')
    if not token and settings.get('server') and not (m.database / 'member').exists():
        fatal('starting kubernetes: preparing server: token is required to join a cluster')
    settings['token'] = token = token or secrets.token_hex(16)
    try:
        _, password = k3s_token.parse(token)
        if token_file.exists() and (m.database / 'member').exists() and k3s_token.parse(token_file.read_text().strip())[1] != password:
            raise Rejected('bootstrap data already found and encrypted with different token')
        others = [] if settings.get('cluster-reset') else begin_or_join(m, settings, password)
    except (Rejected, OSError) as error:
        fatal(f'starting kubernetes: preparing server: {error}')
    embedded = m.database.parent / 'embedded'  # a lone server without --cluster-init has no etcd that others could join
    if settings.get('cluster-init') or settings.get('server'):
        cluster.write(embedded, '')
    cluster.write(m.database.parent / 'name', m.etcd_name)

    def run(supervisor):
        supervisor.serve(others, reset=bool(settings.get('cluster-reset')))
        if settings.get('cluster-reset'):
            log('info', 'Managed etcd cluster membership has been reset, restart without --cluster-reset flag now.')
            supervisor.stop()
            sys.exit(0)
        agent_password = settings.get('agent-token') or password
        k3s_token.publish(m, password, agent_password, settings, embedded.exists())
        authority = (m.tls / 'server-ca.crt').read_text()
        k3s_token.claim(f'https://127.0.0.1:{m.port}', authority, password, m.name)
        cluster.write(token_file, k3s_token.full(authority, 'server', password) + '\n')
        cluster.write(m.state / 'agent-token', k3s_token.full(authority, 'node' if agent_password != password else 'server', agent_password) + '\n')
        if not (m.state / 'node-token').is_symlink():
            (m.state / 'node-token').symlink_to(token_file)
        cluster.make_kubeconfig(KUBECONFIG, f'https://127.0.0.1:{m.port}', m.tls / 'server-ca', m.tls / 'client-admin')
        KUBECONFIG.chmod(int(settings['write-kubeconfig-mode'], 8))

    log('info', f'Starting k3s {VERSION} (a stand-in)')
    until_told(m, run)


def agent(arguments):
    settings = k3s_settings.read('agent', arguments)
    if not settings.get('server'):
        fatal('--server is required')
    if not settings.get('token'):
        fatal('--token is required')
    m = member('agent', settings)
    log('info', f'Starting k3s agent {VERSION} (a stand-in)')
    while True:
        try:
            wanted, password = k3s_token.parse(settings['token'])
            authority = k3s_token.trust(m.endpoint, wanted)
            k3s_token.claim(m.endpoint, authority, password, m.name)
            cluster.write(m.agent / 'server-ca.crt', authority, 0o644)
            cluster.write(m.agent / 'client-ca.crt', k3s_token.clients(m.endpoint, authority, password), 0o644)
            cluster.request_identity(m, k3s_token.bootstrap(password))
            break
        except (Rejected, OSError, urllib.error.URLError) as error:
            log('error', f'Failed to validate connection to cluster at {m.endpoint}: {error}')
            time.sleep(2)
    until_told(m, Supervisor.work)


def main():
    name, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    command = name if name in ('kubectl', 'ctr', 'crictl') else arguments.pop(0) if arguments else 'help'
    os.umask(0o022)
    if command in ('--version', '-v'):
        print(f'k3s version {VERSION} ({"0" * 8})\ngo version go1.24')
    elif command in ('help', '--help', '-h'):
        print(HELP, end='')
    elif command in ('server', 'agent'):
        if os.geteuid() != 0:
            fatal('k3s must be run as root')
        try:
            {'server': server, 'agent': agent}[command](arguments)
        except Refused as refusal:
            fatal(str(refusal))
    elif command in k3s_commands.COMMANDS:
        try:
            k3s_commands.COMMANDS[command](arguments)
        except (Rejected, OSError) as error:
            fatal(str(error))
    else:
        print(f'No help topic for \'{command}\'', file=sys.stderr)
        sys.exit(3)


if __name__ == '__main__':
    main()
