# snapd with a store of one snap: MicroK8s, which is files here and says that it is ready. The whole of it is in tests/lab/platform/stand-ins.
mkdir -p /srv/offer/snapd/usr/bin
cat >/srv/offer/snapd/usr/bin/snap <<'S'
#!/bin/sh
state=/var/lib/snapd/microk8s
verb=$1 channel=latest/stable
for word; do
  case $word in --channel=*) channel=${word#--channel=} ;; 1.*/*) channel=$word ;; esac
done
case $verb in
version) printf 'snap    2.60\nsnapd   2.60\nseries  16\ndebian  12\nkernel  6.1\n' ;;
wait) ;;
info) printf 'name:      microk8s\nsummary:   x\nchannels:\n  1.34/stable:    v1.34.4 2026-01-01 (1) 170MB classic\n  1.34/candidate: v1.34.5 2026-01-01 (1) 170MB classic\n  1.35/stable:    –\n' ;;
list)
  [ -f $state ] || [ $# != 1 ] || { echo "No snaps are installed yet. Try 'snap install hello-world'." >&2; exit; }
  [ -f $state ] || { echo 'error: no matching snaps installed' >&2; exit 1; }
  echo 'Name      Version  Rev  Tracking     Publisher   Notes'
  echo "microk8s  v1.34.4  1    $(cat $state)"
  ;;
install)
  mkdir -p /snap/bin /var/snap/microk8s/current/args /var/snap/microk8s/current/certs /var/lib/snapd
  printf '#!/bin/sh\necho "microk8s is running"\n' >/snap/bin/microk8s
  chmod 755 /snap/bin/microk8s
  groupadd --force --gid 990 microk8s
  cd /var/snap/microk8s/current
  printf -- '--cluster-cidr=10.1.0.0/16\n' >args/kubelet
  printf -- '--profiling=false\n' >args/kube-apiserver
  printf '[ alt_names ]\nDNS.1 = kubernetes\n#MOREIPS\n' >certs/csr.conf.template
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout certs/server.key -out certs/server.crt -days 9 \
    -subj /CN=x -addext 'subjectAltName=DNS:kubernetes' 2>/dev/null
  echo "$channel  canonical✓  classic" >$state
  ;;
refresh)
  case "$*" in *--hold*) sed -i 's/classic$/classic,held/' $state ;; *--unhold*) sed -i 's/,held$//' $state ;; esac
  ;;
esac
S
chmod 755 /srv/offer/snapd/usr/bin/snap
offer snapd 2.60
