# A network, and packages of the real names: what is called haproxy listens, and what is called keepalived has the address.
ip link add endpoint0 type bridge
ip address add 192.0.2.10/24 dev endpoint0
ip link set endpoint0 up

listens=$(printf '#!/bin/sh\n[ "$1" != -c ] || exit 0\nexec python3 -m http.server 8443\n')
holds=$(printf '#!/bin/sh\nip address replace 192.0.2.100/32 dev endpoint0\nexec sleep infinity\n')
for name in haproxy keepalived; do
  service $name $name
  mkdir -p /srv/offer/$name/usr/sbin /srv/offer/$name/etc/$name
  mv /srv/offer/$name/usr/bin/$name /srv/offer/$name/usr/sbin/$name
  sed -i "s,/usr/bin/,/usr/sbin/,; /ExecStart/a ExecReload=/bin/true" /srv/offer/$name/lib/systemd/system/$name.service
done
echo "$listens" >/srv/offer/haproxy/usr/sbin/haproxy
echo "$holds" >/srv/offer/keepalived/usr/sbin/keepalived
for name in haproxy keepalived; do offer $name 2.0; done
printf '#!/bin/sh\necho no answer >&2\nexit 1\n' >/usr/local/bin/kubectl
chmod 755 /usr/local/bin/kubectl
