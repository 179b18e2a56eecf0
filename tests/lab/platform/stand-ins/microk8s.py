"""A stand-in for the command `microk8s`: its subcommands, output, exit codes and refusals, with the Kubernetes of `platform/build` underneath.

`snap.py` installs it as /snap/bin/microk8s. See README.md for what it does not do.
"""
import argparse, getpass, hashlib, http.client, json, os, secrets, shutil, socket, ssl, subprocess, sys, time, urllib.error
from pathlib import Path

import cluster
import microk8s_addons as addons
import microk8s_daemons as daemons
import microk8s_node as node

WORKER = 'This MicroK8s deployment is acting as a node in a cluster.\nPlease use the control plane node.'
CREDENTIALS = node.CREDENTIALS / 'client.config'


def end(words, code=1):
    print(words)
    sys.exit(code)


def parser(command, about):
    return argparse.ArgumentParser(prog=f'microk8s {command}', description=about)


def for_servers(code=1):
    if node.is_worker():
        end(WORKER, code)
    if node.locked('stopped.lock'):
        end('microk8s is not running, try microk8s start', 0 if code == 0 else 1)


# What a user asks.

def is_ready(m):
    try:
        return ' Ready ' in cluster.kubectl(m, 'get', 'nodes') and 'service/kubernetes' in cluster.kubectl(m, 'get', 'services', '--output', 'name')
    except OSError:
        return False


def roles(m):
    try:
        return [(address, ['voter', 'standby', 'spare'][role]) for address, _, role in daemons.roles(m)]
    except (OSError, KeyError, ValueError):
        return []


def list_of(nodes, role):
    return ' '.join(address for address, r in nodes if r == role) or 'none'


def print_yaml(ready, nodes, enabled):
    print(f'microk8s:\n  running: {ready}')
    if not ready:
        return print('  message: microk8s is not running. Use microk8s inspect for a deeper inspection.')
    print(f'high-availability:\n  enabled: {sum(r == "voter" for _, r in nodes) > 2}')
    print('  nodes:' if nodes else '  nodes: []')
    for address, role in nodes:
        print(f'    - address: {address}\n      role: {role}')
    print('addons:')
    for on in (True, False):
        for name, (description, version, _) in addons.KNOWN.items():
            if enabled[name] == on:
                print(f'  - name: {name}\n    repository: core\n    description: {description}\n    version: {version}\n    status: {"enabled" if on else "disabled"}')


def print_pretty(ready, nodes, enabled, short=False):
    if not ready:
        return print('microk8s is not running. Use microk8s inspect for a deeper inspection.')
    print('microk8s is running')
    if not short:
        print(f'high-availability: {"yes" if sum(r == "voter" for _, r in nodes) > 2 else "no"}')
        print(f'  datastore master nodes: {list_of(nodes, "voter")}\n  datastore standby nodes: {list_of(nodes, "standby")}')
    print('addons:')
    for on, word in ((True, 'enabled'), (False, 'disabled')):
        print(f'  {word}:' if not short else '', end='' if short else '\n')
        for name, (description, _, _) in addons.KNOWN.items():
            if enabled[name] == on:
                print(f'core/{name}: {word}' if short else f'    {name:<20} # (core) {description}')


def status(arguments):
    p = parser('status', 'MicroK8s cluster status check.')
    p.add_argument('--format', default='pretty', choices=['pretty', 'yaml', 'short'])
    p.add_argument('-w', '--wait-ready', action='store_true')
    p.add_argument('-t', '--timeout', type=int, default=0)
    p.add_argument('-a', '--addon', default='all')
    asked = p.parse_args(arguments)
    for_servers(0)
    m, begin = node.member(), time.monotonic()
    while not (ready := is_ready(m)) and asked.wait_ready and not (asked.timeout and time.monotonic() - begin > asked.timeout):
        time.sleep(2)
    enabled = addons.status(m) if ready else {}
    if asked.addon != 'all':
        return print('enabled' if enabled.get(asked.addon) else 'disabled')
    nodes = roles(m) if ready else []
    if asked.format == 'yaml':
        print_yaml(ready, nodes, enabled)
    else:
        print_pretty(ready, nodes, enabled, asked.format == 'short')
    if not ready:
        sys.exit(1)


def kubectl(arguments):
    for_servers()
    os.execve(cluster.PLATFORM / 'bin/kubectl', ['kubectl', '--kubeconfig', str(CREDENTIALS), *arguments], cluster.environment())


def helm3(arguments):
    for_servers()
    os.execve(cluster.PLATFORM / 'bin/helm', ['helm', '--kubeconfig', str(CREDENTIALS), *arguments], cluster.environment())


def config(arguments):
    p = parser('config', 'Retrieve the client config.')
    p.add_argument('-l', '--use-loopback', action='store_true')
    asked = p.parse_args(arguments)
    for_servers()
    text = CREDENTIALS.read_text()
    print(text if asked.use_loopback else text.replace('127.0.0.1', node.own_address()), end='')


def version(arguments):
    parser('version', 'Shows version information for MicroK8s.').parse_args(arguments)
    fields = subprocess.run(['snap', 'list', 'microk8s'], capture_output=True, text=True, check=True).stdout.splitlines()[1].split()
    print(f'MicroK8s {fields[1]} revision: {fields[2]} (a stand-in)')


def inspect(arguments):
    print('Inspecting system\nInspecting Cluster\nInspecting services')
    for name in node.DAEMONS:
        up = subprocess.run(['systemctl', 'is-active', '--quiet', f'snap.microk8s.daemon-{name}']).returncode == 0
        print(f'  Service snap.microk8s.daemon-{name} is running' if up else f' FAIL:  Service snap.microk8s.daemon-{name} is not running\n'
              f'For more details look at: sudo journalctl -u snap.microk8s.daemon-{name}')


# Who belongs to the cluster.

def add_node(arguments):
    p = parser('add-node', 'Produce a connection string for a node to join the cluster.')
    p.add_argument('--token-ttl', '-l', type=int, default=-1)
    p.add_argument('--token', '-t')
    p.add_argument('--format', default='pretty', choices=['pretty', 'short', 'token', 'token-check', 'json', 'yaml'])
    asked = p.parse_args(arguments)
    for_servers()
    token = asked.token or secrets.token_hex(16)
    if len(token) < 32:
        end('Invalid token size.  It must be 32 characters long.')
    before = node.TOKENS.read_text() if node.TOKENS.exists() else ''
    cluster.write(node.TOKENS, before + (f'{token}|{int(time.time()) + asked.token_ttl}\n' if asked.token_ttl != -1 else f'{token}\n'), 0o660)
    shutil.chown(node.TOKENS, 'root', 'microk8s')
    invitation = f'{token}/{node.fingerprint()}'
    urls = [f'{address}:{node.AGENT_PORT}/{invitation}' for address in node.addresses()]
    default = f'microk8s join {node.own_address()}:{node.AGENT_PORT}/{invitation}'
    if asked.format == 'pretty':
        print(f"From the node you wish to join to this cluster, run the following:\n{default}\n\nUse the '--worker' flag to join a node as a worker "
              f'not running the control plane, eg:\n{default} --worker\n\nIf the node you are adding is not reachable through the default interface '
              'you can use one of the following:\n' + '\n'.join(f'microk8s join {url}' for url in urls))
    elif asked.format == 'json':
        print(json.dumps({'token': invitation, 'urls': urls}, indent=2))
    elif asked.format == 'yaml':
        print(f'token: {invitation}\nurls:\n' + '\n'.join(f'- {url}' for url in urls))
    else:
        print({'short': default, 'token': token, 'token-check': invitation}[asked.format])


def ask_to_join(host, port, token, check, worker, verify):
    """The answer of the cluster's agent; what it says against it ends this program."""
    connection = http.client.HTTPSConnection(host, port, context=ssl._create_unverified_context(), timeout=60)
    try:
        connection.connect()
        if verify and not hashlib.sha256(connection.sock.getpeercert(True)).hexdigest().startswith(check):
            end(f"Joining cluster failed. Could not verify the identity of {host}. Use '--skip-verify' to skip server certificate check.", 4)
        connection.request('POST', '/cluster/api/v2.0/join', json.dumps(
            {'token': token, 'hostname': node.name(), 'port': str(node.AGENT_PORT), 'worker': worker}), {'Content-Type': 'application/json'})
        answer = connection.getresponse()
        said = json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException) as error:
        end(f'Connecting to cluster failed with {error}.', 5)
    if answer.status != 200:
        end(f'Connection failed. {said.get("error", "")} ({answer.status}).', 6)
    return said


def join(arguments):
    p = parser('join', 'Join the node to a cluster')
    p.add_argument('connection')
    p.add_argument('--worker', action='store_true')
    p.add_argument('--controlplane', action='store_true')
    p.add_argument('--skip-verify', action='store_true')
    p.add_argument('--disable-low-memory-guard', action='store_true')
    asked = p.parse_args(arguments)
    if node.is_worker():
        end(WORKER)
    place, *parts = asked.connection.split('/')
    host, _, port = place.partition(':')
    if not parts or not port.isdigit():
        end('Error: Invalid value for CONNECTION: the format is <master>:<port>/<token>', 2)
    if len(parts) > 1 and len(parts[1]) < 12 and not asked.skip_verify:
        end("Joining cluster failed. Fingerprint too short. Use '--skip-verify' to skip server certificate check.", 4)
    print(f'Contacting cluster at {host}', flush=True)
    info = ask_to_join(host, int(port), parts[0], parts[1] if len(parts) > 1 else '', asked.worker, len(parts) > 1 and not asked.skip_verify)
    node.service('stop', 'kubelite', 'k8s-dqlite', 'cluster-agent', 'apiserver-proxy')
    take_arguments(info)
    if asked.worker:
        become_worker(info, host)
    else:
        become_server(info)


def take_arguments(info):
    """The kubelet is told what that of the inviting server is told, with its own address."""
    lines = info['kubelet_args'].splitlines()
    lines = [f'--node-ip={info["hostname_override"]}' if line.startswith('--node-ip') else line for line in lines if not line.startswith('--hostname-override')]
    cluster.write(node.ARGS / 'kubelet', ''.join(f'{line}\n' for line in lines), 0o660)


def forget_identity():
    """The node's name for the old cluster, and the network that its pods had there; what still runs of them is ended by the new kubelet."""
    agent = node.COMMON / 'stand-in'
    for file in ('client-kubelet.crt', 'client-kubelet.key', 'etc/cni/net.d/10-flannel.conflist'):
        (agent / file).unlink(missing_ok=True)
    subprocess.run(['ip', 'link', 'delete', 'cni0'], capture_output=True)
    shutil.rmtree(node.COMMON / 'run/cni', ignore_errors=True)


def become_server(info):
    for path in (node.OWN, node.BACKEND):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    forget_identity()
    m = node.member()
    cluster.put_secrets(m, info['secrets'])
    cluster.write(daemons.INITIAL, info['initial'])
    cluster.write(daemons.JOINED, info['hostname_override'])
    node.put_certificates(m)
    node.service('start', 'k8s-dqlite')
    print('Waiting for this node to finish joining the cluster.', end=' ', flush=True)
    for _ in range(30):
        try:
            if any(address.startswith(f'{m.address}:') for address, _, _ in daemons.roles(m)):
                break
        except (OSError, KeyError, ValueError, urllib.error.URLError):
            pass
        print('.', end=' ', flush=True)
        time.sleep(2)
    print(' ')
    (node.LOCKS / 'no-cert-reissue').touch()
    node.service('start', 'kubelite', 'cluster-agent')


def become_worker(info, host):
    forget_identity()
    flags = [line for line in (node.ARGS / 'kubelet').read_text().splitlines() if not line.startswith(('--node-labels', '--client-ca-file'))]
    flags += ['--client-ca-file=${SNAP_DATA}/certs/ca.remote.crt', '--node-labels=microk8s.io/cluster=true,node.kubernetes.io/microk8s-worker=microk8s-worker']
    cluster.write(node.ARGS / 'kubelet', ''.join(f'{line}\n' for line in flags), 0o660)
    cluster.write(node.CERTS / 'ca.remote.crt', info['ca'], 0o660)
    agent = node.COMMON / 'stand-in'
    cluster.write(agent / 'server-ca.crt', info['ca'], 0o644)
    cluster.write(agent / 'client-ca.crt', info['clients'], 0o644)
    for ending, text in zip(('crt', 'key'), info['identity']):
        cluster.write(agent / f'client-kubelet.{ending}', text)
    daemons.put_providers([f'{host}:{info["apiport"]}'])
    (node.LOCKS / 'no-apiserver-proxy').unlink(missing_ok=True)
    for lock in ('clustered.lock', 'no-k8s-dqlite', 'no-cert-reissue'):
        (node.LOCKS / lock).touch()
    node.service('start', 'apiserver-proxy', 'kubelite')
    print("\nThe node has joined the cluster and will appear in the nodes list in a few seconds.\n\n"
          'This worker node gets automatically configured with the API server endpoints.\n'
          "If the API servers are behind a loadbalancer please set the '--refresh-interval' to '0s' in:\n    /var/snap/microk8s/current/args/apiserver-proxy\n"
          'and replace the API server endpoints with the one provided by the loadbalancer in:\n    /var/snap/microk8s/current/args/traefik/provider.yaml\n')


def leave(arguments):
    parser('leave', 'The node will depart from the cluster it is in.').parse_args(arguments)
    if not node.is_worker():
        m = node.member()
        known = roles(m)
        mine = [role for address, role in known if address.startswith(f'{m.address}:')]
        if len(known) > 1 and mine == ['voter'] and sum(role == 'voter' for _, role in known) == 1:
            end('This node currently holds the only copy of the Kubernetes database so it cannot leave the cluster.\nTo remove this node you can '
                "either first remove all other nodes with 'microk8s remove-node' or\nform a highly available cluster by adding at least three nodes.", 3)
        if len(known) > 1:
            cluster.remove_member(m, m.name)
    print('Configuring services.', flush=True)
    node.service('stop', 'kubelite', 'k8s-dqlite', 'cluster-agent', 'apiserver-proxy')
    print('Generating new cluster certificates.', flush=True)
    for lock in ('clustered.lock', 'no-k8s-dqlite', 'no-cert-reissue'):
        (node.LOCKS / lock).unlink(missing_ok=True)
    (node.LOCKS / 'no-apiserver-proxy').touch()
    cluster.write(node.ARGS / 'kubelet', ''.join(f'{line}\n' for line in node.DEFAULT_ARGUMENTS['kubelet']), 0o660)
    forget_identity()
    node.begin_alone()
    node.service('start', 'k8s-dqlite', 'kubelite', 'cluster-agent')
    print('Waiting for node to start.  ')


def remove_node(arguments):
    p = parser('remove-node', 'Remove a node from the cluster')
    p.add_argument('node')
    p.add_argument('--force', action='store_true')
    asked = p.parse_args(arguments)
    for_servers()
    m = node.member()
    nodes = json.loads(cluster.kubectl(m, 'get', 'nodes', '--output', 'json'))['items']
    places = {n['metadata']['name']: [a['address'] for a in n['status'].get('addresses', []) if a['type'] == 'InternalIP'] for n in nodes}
    name = next((n for n, at in places.items() if asked.node in (n, *at)), None)
    if name is None:
        print(f'Node {asked.node} does not exist in Kubernetes.')
        if asked.force:
            print(f'Attempting to remove {asked.node} from dqlite.')
            take_out(m, [asked.node])
        sys.exit(1)
    registered = [address for address, _ in roles(m) if any(address.startswith(f'{at}:') for at in places[name])]
    if registered and not asked.force:
        end(f"Removal failed. Node {name} is registered with dqlite. Please, run first 'microk8s leave' on the departing node. \nIf the node is not "
            "available anymore and will never attempt to join the cluster in the future use the '--force' flag \nto unregister the node while removing it.")
    take_out(m, places[name])
    cluster.kubectl(m, 'delete', 'node', name)


def take_out(m, places):
    for member in cluster.members(m):
        if any(daemons.address_of(member).startswith(f'{at}:') for at in places):
            print('Removing node entry found in dqlite.')
            cluster.etcd(m)('/v3/cluster/member/remove', {'ID': member['ID']})


# What runs, and how.

def xable(verb, arguments):
    if not arguments:
        end(f'Usage: microk8s {verb} [OPTIONS] ADDONS...', 2)
    for_servers()
    m = node.member()
    for word in arguments:
        name, _, argument = word.partition(':')
        name = name.removeprefix('core/')
        if name not in addons.KNOWN:
            print(f'Addon {name} was not found in any repository', file=sys.stderr)
            sys.exit(1)
        print(f'Infer repository core for addon {name}', file=sys.stderr)
        if addons.status(m)[name] == (verb == 'enable'):
            print(f'Addon core/{name} is already {verb}d')
            continue
        try:
            addons.enable(m, name, argument) if verb == 'enable' else addons.disable(m, name)
        except (addons.Refused, OSError) as error:
            end(str(error))
        print(f'{name} is {verb}d')


def start(arguments):
    (node.LOCKS / 'stopped.lock').unlink(missing_ok=True)
    node.service('enable', *node.DAEMONS)
    node.service('start', *node.DAEMONS)
    print('Started.')


def stop(arguments):
    if node.is_worker():
        end("This MicroK8s deployment is acting as a node in a cluster.\nUse 'snap stop microk8s' to stop services on this node.", 0)
    node.service('stop', *node.DAEMONS)
    node.service('disable', *node.DAEMONS)
    (node.LOCKS / 'stopped.lock').touch()
    print('Stopped.')


def reset(arguments):
    for_servers()
    m = node.member()
    if len(cluster.kubectl(m, 'get', 'nodes', '--output', 'name').split()) > 1:
        end('This is a multi-node MicroK8s deployment. Reset is applicable for single node clusters.\nPlease remove all joined nodes before calling reset.', 0)
    print('Disabling all addons')
    for name, on in addons.status(m).items():
        print(f'Disabling addon : core/{name}')
        if on and name != 'ha-cluster':
            addons.disable(m, name)
    print('All addons are disabled.')
    for space in cluster.kubectl(m, 'get', 'namespaces', '--output', 'name').split():
        if space not in [f'namespace/{n}' for n in ('default', 'kube-public', 'kube-system', 'kube-node-lease')]:
            print(f'Removing {space}')
            cluster.kubectl(m, 'delete', space, '--timeout=60s')
    cluster.kubectl(m, '--namespace', 'default', 'delete', '--all', 'deployments,daemonsets,replicationcontrollers', '--timeout=60s')


def refresh_certs(arguments):
    p = parser('refresh-certs', 'Replace the certificates of this deployment.')
    p.add_argument('-e', '--cert', choices=['ca.crt', 'server.crt', 'front-proxy-client.crt'])
    p.add_argument('-c', '--check', action='store_true')
    asked = p.parse_args(arguments)
    for_servers()
    m = node.member()
    if asked.check:
        for word, file in {'CA': 'ca', 'server': 'server', 'front proxy client': 'front-proxy-client'}.items():
            last = subprocess.run(['openssl', 'x509', '-noout', '-enddate', '-in', node.CERTS / f'{file}.crt'], capture_output=True, text=True).stdout
            days = int((ssl.cert_time_to_seconds(last.strip().split('=')[1]) - time.time()) / 86400)
            print(f'The {word} certificate will expire in {days} days.')
        return
    if asked.cert in (None, 'ca.crt'):
        end('This stand-in for MicroK8s does not replace its authority: it has --cert server.crt and front-proxy-client.crt.')
    stem = 'serving-kube-apiserver' if asked.cert == 'server.crt' else 'client-auth-proxy'
    print(f'Taking a backup of the current certificates under /var/snap/microk8s/current/certs-backup/\nCreating new certificates')
    shutil.copytree(node.CERTS, node.DATA / 'certs-backup', dirs_exist_ok=True)
    (m.tls / f'{stem}.crt').unlink()
    node.put_certificates(m)
    print('Restarting service kubelite.\nRestarting service cluster-agent.')
    node.service('restart', 'kubelite', 'cluster-agent')


def dbctl(arguments):
    p = parser('dbctl', 'backup and restore the Kubernetes datastore.')
    commands = p.add_subparsers(dest='command')
    backup = commands.add_parser('backup')
    backup.add_argument('-o', metavar='backup-file', dest='file')
    commands.add_parser('restore').add_argument('file')
    asked = p.parse_args(arguments)
    for_servers()
    if asked.command == 'restore':
        end('This stand-in for MicroK8s does not restore backups.', 10)
    if asked.command != 'backup':
        return p.print_help()
    import base64, tarfile, tempfile
    name = (asked.file or time.strftime('backup-%Y-%m-%d-%H-%M-%S')).removesuffix('.tar.gz')
    print('Backing up the datastore')
    with tempfile.TemporaryDirectory() as scratch:
        snapshot = Path(scratch) / 'snapshot.db'
        parts = cluster.etcd(node.member()).raw('/v3/maintenance/snapshot', {}).splitlines()
        snapshot.write_bytes(b''.join(base64.b64decode(json.loads(part)['result']['blob']) for part in parts))
        with tarfile.open(f'{name}.tar.gz', 'w:gz') as archive:
            archive.add(snapshot, arcname=f'{Path(name).name}/snapshot.db')
    print(f'The backup is: {name}.tar.gz')


COMMANDS = {'add-node': add_node, 'config': config, 'dbctl': dbctl, 'disable': lambda a: xable('disable', a), 'enable': lambda a: xable('enable', a),
            'helm3': helm3, 'helm': helm3, 'inspect': inspect, 'join': join, 'kubectl': kubectl, 'leave': leave, 'refresh-certs': refresh_certs,
            'remove-node': remove_node, 'reset': reset, 'start': start, 'status': status, 'stop': stop, 'version': version}


def main(arguments):
    listing = 'Available subcommands are (of a stand-in for MicroK8s, made for the tests of kplay):\n' + '\n'.join(f'\t{c}' for c in sorted(COMMANDS))
    if not arguments:
        end(listing)
    command, *rest = arguments
    if command in ('help', '--help', '-h'):
        end(listing, 0)
    if command not in COMMANDS:
        end(f"'{command}' is not a valid MicroK8s subcommand.\n{listing}")
    if not os.access(CREDENTIALS, os.R_OK):
        user = getpass.getuser()
        end(f"Insufficient permissions to access MicroK8s.\nYou can either try again with sudo or add the user {user} to the 'microk8s' group:\n\n"
            f'    sudo usermod -a -G microk8s {user}\n    sudo chown -R {user} ~/.kube\n\n'
            "After this, reload the user groups either via a reboot or by running 'newgrp microk8s'.")
    try:
        COMMANDS[command](rest)
    except OSError as error:
        end(str(error))


if __name__ == '__main__':
    main(sys.argv[1:])
