# An archive as Helm's are, with a program that says its version.
mkdir -p /srv/web /srv/helm/linux-amd64
printf '#!/bin/sh\necho v4.3.1\n' >/srv/helm/linux-amd64/helm
chmod 755 /srv/helm/linux-amd64/helm
tar --create --gzip --file /srv/web/helm-v4.3.1-linux-amd64.tar.gz --directory /srv/helm --sort=name --mtime=@0 --owner=0 --group=0 linux-amd64
cd /srv/web
sha256sum helm-v4.3.1-linux-amd64.tar.gz >helm-v4.3.1-linux-amd64.tar.gz.sha256sum
echo '0000000000000000000000000000000000000000000000000000000000000000  helm-v4.3.1-linux-amd64.tar.gz' >wrong.sha256sum
serve /srv/web
