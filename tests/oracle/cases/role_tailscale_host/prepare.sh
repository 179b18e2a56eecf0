# The package in a signed repository; tailscaled runs, and nobody asks it anything.
service tailscale tailscaled
mkdir -p /srv/web/debian
package /srv/web/debian tailscale 1.98.0
index /srv/web/debian
sign /srv/web/debian
gpg --dearmor --output /srv/web/debian/bookworm.noarmor.gpg /srv/web/debian/Release.key
# The role asks for a component of a suite.
mkdir -p /srv/web/tailscale/dists/bookworm/main/binary-amd64
sed 's|Filename: ./|Filename: |' /srv/web/debian/Packages >/srv/web/tailscale/dists/bookworm/main/binary-amd64/Packages
cd /srv/web/tailscale
cp /srv/web/debian/*.deb .
cp /srv/web/debian/bookworm.noarmor.gpg .
cd dists/bookworm
printf 'Origin: oracle\nLabel: oracle\nSuite: bookworm\nCodename: bookworm\nDate: Tue, 14 Nov 2023 22:13:20 UTC\nArchitectures: amd64\nComponents: main\nSHA256:\n %s %s main/binary-amd64/Packages\n' \
  "$(sha256sum main/binary-amd64/Packages | cut -d' ' -f1)" "$(stat -c %s main/binary-amd64/Packages)" >Release
GNUPGHOME=/srv/gnupg gpg --quiet --batch --clearsign --output InRelease Release
serve /srv/web
